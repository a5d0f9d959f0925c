"""Facts of this installation that only a child may collect: versions of heavy libraries, devices, encoders."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from answerprint.frames.codecs import CODECS
from answerprint.ipc import events
from answerprint.ipc.channel import ChildChannel

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """Answer the parent's request with one report; returns the exit code."""
    channel = ChildChannel.open()
    channel.request()
    parts: dict[str, Callable[[], Any]] = {
        "torch": _torch,
        "diffusers": _version("diffusers"),
        "av": _av,
        "OpenImageIO": _openimageio,
        "cv2": _version("cv2"),
        "flow_cache": _flow_cache,
    }
    facts: dict[str, object] = {}
    for name, part in parts.items():
        try:
            facts[name] = part()
        # Measured: ImportError if absent, OSError for a broken shared library, RuntimeError and AttributeError for
        # incompatible versions. One broken library must not hide the others.
        except (ImportError, OSError, RuntimeError, AttributeError, ValueError) as error:
            facts[name] = {"problem": f"{type(error).__name__}: {error}"}
    channel.emit(events.report(facts))
    return 0


def _version(module: str) -> Callable[[], dict[str, object]]:
    return lambda: {"version": str(importlib.import_module(module).__version__)}


def _torch() -> dict[str, object]:
    import torch

    from answerprint.worker.devices import list_devices

    return {"version": str(torch.__version__), "devices": list_devices()}


def _av() -> dict[str, object]:
    import av

    needed = {codec.encoder for codec in CODECS.values() if codec.library == "ffmpeg"}
    libraries = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    return {
        "version": str(av.__version__),
        "libraries": libraries,
        "missing_encoders": sorted(needed - av.codecs_available),
    }


def _openimageio() -> dict[str, object]:
    import OpenImageIO as oiio

    needed = {codec.encoder for codec in CODECS.values() if codec.library == "openimageio"}
    known = set(oiio.get_string_attribute("output_format_list").split(","))
    return {"version": str(oiio.__version__), "missing_encoders": sorted(needed - known)}


def _flow_cache() -> dict[str, object]:
    from answerprint.worker.flow_cache import open_flow_cache

    info = open_flow_cache().info()
    return {"entries": info.entries, "bytes": info.bytes, "quarantined": info.quarantined}
