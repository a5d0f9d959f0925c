"""Run the child processes that read untrusted files or need heavy libraries."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from answerprint.child import command
from answerprint.errors import CancelledError, JobFailedError, ModelError
from answerprint.store.quota import room, storage_error
from answerprint.weights.header import check_safetensors

__all__ = ["Convert", "Fit", "convert_in_child", "fit_in_child"]

_POLL_SECONDS = 0.2
_MAX_OUTPUT_CHARS = 4000
_PREFIX = "answerprint: "
_KEPT = ("PATH", "SYSTEMROOT", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "TMPDIR", "TEMP")

Convert = Callable[[Path, Path, threading.Event], None]
"""Converts a checkpoint to a safetensors file; see `convert_in_child`."""


class Fit(Protocol):
    """Checks that files form a model; see `fit_in_child`."""

    def __call__(
        self, folder: Path, family: str, scale: int, cancelled: threading.Event, original: str = "", /
    ) -> None:
        """See `fit_in_child`."""
        ...


def convert_in_child(
    source: Path,
    result: Path,
    cancelled: threading.Event,
    child_command: Callable[[str], Sequence[str]] = command,
) -> None:
    """Convert a checkpoint to the safetensors file `result`, in a sandboxed child process.

    Raises ModelError if it is refused, CancelledError, StorageError and JobFailedError; no result is left then.
    """
    result.unlink(missing_ok=True)
    arguments = [*child_command("convert"), str(source.absolute()), str(result.absolute())]
    try:
        _run(arguments, f"Could not convert {source.name}", result.parent, source.stat().st_size, cancelled)
        check_safetensors(result)
    except ValueError as error:
        result.unlink(missing_ok=True)
        raise JobFailedError(f"Could not convert {source.name}: {error}.", "Try again.") from error
    except BaseException:
        with suppress(OSError):
            result.unlink(missing_ok=True)
        raise


def fit_in_child(
    folder: Path,
    family: str,
    scale: int,
    cancelled: threading.Event,
    original: str = "",
    child_command: Callable[[str], Sequence[str]] = command,
) -> None:
    """Check in a child process that the files of `folder` form a model of `family` with `scale`.

    Names and shapes of tensors are compared; no numbers are read. original: a file of the folder that is converted to
    the networks' files first, and removed; empty for none. Raises ModelError if the files do not form such a model,
    CancelledError, StorageError and JobFailedError.
    """
    arguments = [str(folder.absolute()), family, str(scale), *filter(None, [original])]
    needed = (folder / original).stat().st_size if original else 0
    _run([*child_command("fit"), *arguments], "Could not check the model", folder, needed, cancelled)


def _run(arguments: list[str], failed: str, folder: Path, needed: int, cancelled: threading.Event) -> None:
    """Run a child to its end. failed: the message on failure; lack of `needed` bytes in `folder` is one reason."""
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"HF_HUB_OFFLINE": "1"}
    with subprocess.Popen(  # noqa: S603 - our own program
        arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, errors="replace",
    ) as child:  # fmt: skip
        output = ""
        try:
            while True:
                try:
                    output = child.communicate(timeout=_POLL_SECONDS)[1][-_MAX_OUTPUT_CHARS:]
                    break
                except subprocess.TimeoutExpired:
                    if cancelled.is_set():
                        raise CancelledError("The pull was cancelled.", "Downloaded data is kept.") from None
        finally:
            child.kill()
    # Libraries may have printed something before.
    found = f"\n{output}".rfind(f"\n{_PREFIX}")
    if child.returncode == ModelError.exit_code and found >= 0:
        message, _, remedy = output[found:].removeprefix(_PREFIX).partition("\n")
        raise ModelError(message.strip(), remedy.strip())
    if child.returncode:
        with suppress(OSError):
            if room(folder) < needed:
                raise storage_error(OSError(errno.ENOSPC, "no room"), folder, needed)
        last = next((line for line in reversed(output.splitlines()) if line.strip()), f"code {child.returncode}")
        raise JobFailedError(f"{failed} ({last.strip()}).", "Try again; if it fails again, download the files again.")
