"""From frames to restored frames, a chunk at a time: the one pipeline behind restoring, previews and measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.flow.cuts import CutDetector
from answerprint.flow.prepare import FlowPicture, prepare
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.temporal.chunks import choose_key, group
from answerprint.temporal.options import MethodOptions
from answerprint.temporal.sampler import Carry, Tiles, denoise_chunk
from answerprint.temporal.stopwatch import Stopwatch

from .motion import ClipMotion, needs_motion

__all__ = ["Progress", "Settings", "decoded", "restore_clip"]

Item = tuple[Frame, FlowPicture]


@dataclass(frozen=True, slots=True)
class Settings:
    """What to do to the frames; together with them it decides the result."""

    method: MethodOptions = field(default_factory=MethodOptions)
    seed: int = 0
    strength: float = 1.0
    """0..1: share of the model's picture; the rest is the plain enlargement of the source."""
    size: tuple[int, int] | None = None
    """Width and height of the output; None is the model's own enlargement."""
    batch: int = 0
    """Frames that the network sees at once where they are not tied together; 0 is a whole chunk."""
    tiles: Tiles | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a clip is."""

    chunk: int
    """Chunks finished."""
    frames: int
    """Frames finished."""
    step: int
    """Steps taken in the running chunk."""
    steps: int
    """Steps of a chunk."""
    chunk_frames: int
    """Frames of the running chunk."""


def restore_clip(
    frames: Iterable[Frame],
    backend: Backend,
    flow: FlowSource,
    settings: Settings,
    *,
    watch: Stopwatch | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Iterator[list[Frame]]:
    """Restored frames, chunk by chunk, in order; memory does not grow with the clip.

    Raises whatever reading `frames` raises. What `on_progress` raises (a cancellation) ends the run between steps.
    """
    watch = watch or Stopwatch()
    method = settings.method
    motion = ClipMotion(flow)
    carry: Carry | None = None
    last_key: tuple[int, FlowPicture] | None = None
    done = 0
    for number, chunk in enumerate(group(_prepared(frames, watch), method.chunk)):
        count = len(chunk.frames)

        def report(step: int, steps: int, number: int = number, done: int = done, count: int = count) -> None:
            if on_progress is not None:
                on_progress(Progress(number, done, step, steps, count))

        if chunk.opens_shot:
            carry, last_key = None, None
        pictures = {index: item[1] for index, item in zip(chunk.frames, chunk.items, strict=True)}
        if last_key is not None:
            pictures[last_key[0]] = last_key[1]
        motion.hold(pictures)
        with watch.stage("flow"):
            key = choose_key(chunk.frames, method.keyframe, settings.seed, motion) if method.consistency else 0
            links = None
            if needs_motion(method):
                previous = None if last_key is None else last_key[0]
                back = method.warp and method.warp_source == "fused"
                links = motion.of_chunk(chunk.frames, key, previous, back=back)
        low = _stack([item[0] for item in chunk.items], backend.device)
        condition = backend.condition(low)
        backend.time(watch)
        x0, carry = denoise_chunk(
            backend, condition, chunk, key, links, carry, method, settings.seed,
            device=backend.device, tiles=settings.tiles, batch=settings.batch, watch=watch, on_step=report,
        )  # fmt: skip
        with watch.stage("decode latents"):
            pictures_out = _finish(backend.decode(x0, condition), low, settings)
            restored = [_frame(item[0], picture) for item, picture in zip(chunk.items, pictures_out, strict=True)]
        last_key = (chunk.frames[key], chunk.items[key][1])
        done += count
        yield restored


def decoded(frames: Iterable[Frame], watch: Stopwatch, check: Callable[[], None] | None = None) -> Iterator[Frame]:
    """`frames`, with the time of decoding counted; `check` is asked before each, and may end the run by raising."""
    source = iter(frames)
    while True:
        if check is not None:
            check()
        with watch.stage("decode"):
            frame = next(source, None)
        if frame is None:
            return
        yield frame


def _prepared(frames: Iterable[Frame], watch: Stopwatch) -> Iterator[tuple[int, bool, Item]]:
    """Frames with their flow pictures, and whether each opens a shot."""
    detector = CutDetector()
    previous: FlowPicture | None = None
    for frame in frames:
        with watch.stage("flow"):
            picture = prepare(frame.picture)
            cut = previous is not None and detector.is_cut(previous, picture)
        previous = picture
        yield frame.index, cut, (frame, picture)


def _stack(frames: Sequence[Frame], device: torch.device) -> Tensor:
    """[F, 3, h, w] from pictures [h, w, 3]."""
    return torch.from_numpy(np.stack([f.picture for f in frames]).transpose(0, 3, 1, 2).copy()).to(device)


def _finish(pictures: Tensor, low: Tensor, settings: Settings) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Pictures [F, H, W, 3] at the wanted size: blended by strength, with the source's super-whites and sub-blacks.

    Models are conditioned on values in [0, 1]; what lies outside is enlarged as it is and added, so it survives.
    """
    height, width = pictures.shape[2:]

    def enlarge(z: Tensor) -> Tensor:
        return F.interpolate(z, size=(height, width), mode="bicubic", align_corners=False)

    if settings.strength < 1:
        pictures = torch.lerp(enlarge(low.clamp(0, 1)), pictures, settings.strength)
    pictures = pictures.clamp(0, 1)
    beyond = low - low.clamp(0, 1)
    if bool((beyond != 0).any()):
        pictures = pictures + enlarge(beyond)
    if settings.size is not None and settings.size != (width, height):
        wanted = (settings.size[1], settings.size[0])
        pictures = F.interpolate(pictures, size=wanted, mode="bicubic", align_corners=False, antialias=True)
    return np.ascontiguousarray(pictures.float().cpu().numpy().transpose(0, 2, 3, 1))


def _frame(source: Frame, picture: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Frame:
    """The restored frame; alpha is scaled with the picture, never invented."""
    if source.alpha is None:
        return Frame(source.index, picture, None)
    alpha = F.interpolate(
        torch.from_numpy(source.alpha)[None, None], size=picture.shape[:2], mode="bilinear", align_corners=False
    )
    return Frame(source.index, picture, alpha[0, 0].numpy())
