"""A chunk takes the memory of its latents and of a few pictures, not of several chunks of pictures."""

from __future__ import annotations

import json
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from answerprint.backends.generator.info import INFO
from answerprint.flow.opencv import DisEstimator
from answerprint.flow.source import FlowSource
from answerprint.metrics.stages import drawn_clip
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip
from answerprint.temporal.options import MethodOptions, parse_option, per_frame
from answerprint.temporal.sampler import Tiles
from backends.builders_generator import COMPACT, small_generator

WIDTH, HEIGHT = 48, 36
PICTURE_BYTES = 16 * WIDTH * HEIGHT * 3 * 4
"""A frame four times larger, which is also what its latent takes."""


class Live(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has no types here
    """Counts the bytes of all tensors that are made while it is on, for as long as anything holds them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now, self.most = 0, 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - what any operation gives
        out = func(*args, **(kwargs or {}))
        for each in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(each, Tensor):
                self._count(each.untyped_storage())
        return out

    def _count(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()
        if address in self._known:
            return
        self._known.add(address)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._forget, address, size)

    def _forget(self, address: int, size: int) -> None:
        self._known.discard(address)
        self.now -= size


def default(**options: str) -> MethodOptions:
    """The family's own settings, and others in their place."""
    method = MethodOptions()
    for name, text in (*INFO.method, *options.items()):
        method = parse_option(method, name, text)
    return method


def bytes_held(method: MethodOptions, **settings: Any) -> int:  # noqa: ANN401 - those of `ClipSettings`
    """Memory of tensors at the peak of restoring two chunks of a pan."""
    backend, clip = small_generator(COMPACT), drawn_clip(2 * method.chunk, WIDTH, HEIGHT)
    with Live() as live:
        for chunk in restore_clip(clip, backend, FlowSource(DisEstimator()), ClipSettings(method, **settings)):
            for _ in chunk:
                pass
    return int(live.most)


WAYS: dict[str, tuple[MethodOptions, dict[str, Any]]] = {
    "default": (default(), {}),
    "resized": (default(), {"size": (120, 90), "strength": 0.5}),
    "fused": (default(warp_source="fused", warp_carry="before"), {}),
    "flow noise": (default(noise="flow"), {}),
    "tiles": (default(), {"tiles": Tiles(32, 8, 1)}),
    "per frame": (per_frame(default()), {"batch": 2}),
}


def measured() -> dict[str, dict[str, int]]:
    """Bytes held by way and length of chunk."""
    held = {
        way: {frames: bytes_held(parse_option(method, "chunk", frames), **settings) for frames in ("3", "7")}
        for way, (method, settings) in WAYS.items()
    }
    return held | {"estimate": {frames: bytes_held(default(chunk=frames)) for frames in ("2", "6")}}


@pytest.fixture(scope="module")
def held() -> dict[str, dict[str, int]]:
    """In a process of its own: what tests before these leave in a process changes what PyTorch holds."""
    code = "import json; from worker.test_chunk_memory import measured; print(json.dumps(measured()))"
    tests = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=tests, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_a_longer_chunk_takes_its_latents_more_and_little_else(way: str, held: dict[str, dict[str, int]]) -> None:
    short, long = held[way]["3"], held[way]["7"]
    assert 0.9 < (long - short) / 4 / PICTURE_BYTES < 1.6
    assert short < 24 * PICTURE_BYTES


@pytest.mark.parametrize("frames", [2, 6])
def test_the_estimate_is_what_a_chunk_takes(frames: int, held: dict[str, dict[str, int]]) -> None:
    """But for the sources, and for what the program itself holds."""
    cells = WIDTH * HEIGHT
    estimated = INFO.held_bytes(cells, frames) + cells * frames * INFO.bytes_per_cell
    assert 0.6 < held["estimate"][str(frames)] / estimated < 1.05
