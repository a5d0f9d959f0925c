"""Restore frames, chunk by chunk: the one pipeline behind jobs, previews and measurements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.backends.depth import DepthLook
from answerprint.flow.cuts import CutDetector
from answerprint.flow.prepare import FlowPicture, prepare
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame, FrameRange
from answerprint.frames.frame import Picture
from answerprint.pipeline.clip_state import ClipState
from answerprint.pipeline.depth import look_of, share_depth, show_depth
from answerprint.pipeline.motion import ClipMotion, needs_motion, needs_noise
from answerprint.pipeline.passes import Drawn, restore_in_passes
from answerprint.store.failpoints import reach
from answerprint.temporal.chunks import Chunk, choose_key, group
from answerprint.temporal.fusion import fuse_frames, limited
from answerprint.temporal.options import MethodOptions
from answerprint.temporal.projection import back_project
from answerprint.temporal.protocols import StepCallback
from answerprint.temporal.sampler import Tiles
from answerprint.temporal.stopwatch import Stopwatch

__all__ = ["ClipProgress", "ClipSettings", "RestoredChunk", "restore_clip", "timed_frames"]

Item = tuple[Frame, FlowPicture]


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """Settings of a restoration; together with the frames they determine the result."""

    method: MethodOptions = field(default_factory=MethodOptions)
    seed: int = 0
    strength: float = 1.0
    """0..1: share of the model's picture; the rest is the source, enlarged bicubically."""
    size: tuple[int, int] | None = None
    """Width and height of the output; None is the model's own scale."""
    batch: int = 0
    """Frames per network call when frames are independent; 0 is a whole chunk."""
    tiles: Tiles | None = None


@dataclass(frozen=True, slots=True)
class ClipProgress:
    """Progress of a clip."""

    chunk: int
    """Finished chunks of the clip."""
    frames: int
    """Finished frames of this run."""
    step: int
    """Finished steps of the running chunk."""
    steps: int
    """Steps per chunk."""
    chunk_frames: int
    """Frames of the running chunk."""


@dataclass(frozen=True, slots=True)
class RestoredChunk:
    """A finished chunk. Iterating gives its frames, in order, once."""

    number: int
    """Counted from the beginning of the clip, also in a resumed run."""
    opens_shot: bool
    range: FrameRange
    """Its frames, by absolute source index."""
    frames: Iterable[Frame]
    """Finished on demand, because all pictures together take several times the memory of the latents; the last one
    releases the latents."""
    state: ClipState
    """State to resume the clip from after this chunk."""

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self.range)


def restore_clip(
    frames: Iterable[Frame],
    backend: Backend | None,
    flow: FlowSource,
    settings: ClipSettings,
    *,
    resume: ClipState | None = None,
    watch: Stopwatch | None = None,
    on_progress: Callable[[ClipProgress], None] | None = None,
) -> Iterator[RestoredChunk]:
    """Yield restored chunks in order. Memory use does not grow with the clip if each chunk is consumed before the next.

    Without a backend the result is the source, enlarged bicubically, and the source itself at its own size.
    `resume` is the state after a chunk of an earlier run; `frames` then begin at `resume.frame`, and the chunks are
    bit-identical to those of an uninterrupted run.
    Raises what reading `frames` raises, and what `on_progress` raises (a cancellation), between steps.
    """
    watch = watch or Stopwatch()
    state, first = resume, 0 if resume is None else resume.chunk
    done = 0
    source = _prepared(frames, watch, None if resume is None else resume.last)
    for number, chunk in enumerate(group(source, settings.method.chunk, opens=resume is None), first):
        reach("after_decode")
        count = len(chunk.frames)

        def report(step: int, steps: int, number: int = number, done: int = done, count: int = count) -> None:
            if on_progress is not None:
                on_progress(ClipProgress(number, done, step, steps, count))

        if backend is None:
            restored = _source_chunk(number, chunk, settings, watch)
        else:
            restored = _restore_chunk(
                number, chunk, None if chunk.opens_shot else state, backend, ClipMotion(flow), settings, watch, report
            )
        reach("after_denoise")
        state = restored.state
        done += count
        yield restored


def _restore_chunk(
    number: int,
    chunk: Chunk[Item],
    state: ClipState | None,
    backend: Backend,
    motion: ClipMotion,
    settings: ClipSettings,
    watch: Stopwatch,
    report: StepCallback,
) -> RestoredChunk:
    """Restore one chunk, linked to the keyframe of `state` if there is one."""
    method = settings.method
    previous_key, carries, anchor = (None, (), None) if state is None else (state.key, state.carries, state.anchor)
    look = look_of(backend, method)
    pictures = {index: item[1] for index, item in zip(chunk.frames, chunk.items, strict=True)}
    if previous_key is not None:
        pictures[previous_key[0]] = previous_key[1]
    motion.hold(pictures)
    with watch.stage("flow"):
        key = choose_key(chunk.frames, method.keyframe, settings.seed, motion) if method.consistency else 0
        links = None
        if needs_motion(method) or (look is not None and look.span != "frame"):
            back = method.warp and method.warp_source == "fused"
            links = motion.of_chunk(chunk.frames, key, None if previous_key is None else previous_key[0], back=back)
    low = _stack([item[0] for item in chunk.items], backend.device)
    model_input, noise = low, 0.0
    if needs_noise(method):
        with watch.stage("fuse"):
            fused = fuse_frames(limited(low), chunk.frames, motion, method.fusion)
        model_input, noise = fused.frames, fused.noise
        links = None if links is None else replace(links, noise=noise)
    backend.time(watch)
    source = (low.shape[3], low.shape[2])
    drawn, carries = restore_in_passes(
        backend, model_input, backend.info.passes(source, settings.size or source), chunk, key, links, carries, method,
        settings.seed, tiles=settings.tiles, batch=settings.batch, watch=watch, report=report,
    )  # fmt: skip
    if look is None:
        picture = partial(_picture, drawn=drawn, low=low, model_input=model_input, noise=noise, settings=settings)
    else:
        with watch.stage("decode latents"):
            depth, anchor = share_depth(drawn, key, links, anchor, look)
        picture = partial(_depth_picture, depth=depth, look=look, size=settings.size)
    frames = _finished([item[0] for item in chunk.items], picture, watch)
    last = chunk.frames[-1]
    after = ClipState(
        number + 1, last + 1, chunk.items[-1][1], (chunk.frames[key], chunk.items[key][1]), carries, anchor
    )
    return RestoredChunk(number, chunk.opens_shot, FrameRange(chunk.frames[0], last + 1), frames, after)


def _source_chunk(number: int, chunk: Chunk[Item], settings: ClipSettings, watch: Stopwatch) -> RestoredChunk:
    """A chunk of which the model has no share."""
    sources, after = [item[0] for item in chunk.items], chunk.frames[-1] + 1
    frames = _finished(sources, lambda k: _source_picture(_stack([sources[k]]), settings.size), watch)
    state = ClipState(number + 1, after, chunk.items[-1][1])
    return RestoredChunk(number, chunk.opens_shot, FrameRange(chunk.frames[0], after), frames, state)


def timed_frames(frames: Iterable[Frame], watch: Stopwatch, check: Callable[[], None] | None = None) -> Iterator[Frame]:
    """`frames`, with decoding timed. `check` is called before each frame and may stop the run by raising."""
    source = iter(frames)
    while True:
        if check is not None:
            check()
        with watch.stage("decode"):
            frame = next(source, None)
        if frame is None:
            return
        yield frame


def _prepared(
    frames: Iterable[Frame], watch: Stopwatch, previous: FlowPicture | None
) -> Iterator[tuple[int, bool, Item]]:
    """(index, opens_shot, (frame, flow picture)) of each frame; `previous` belongs to the frame before the first."""
    detector = CutDetector()
    for frame in frames:
        with watch.stage("flow"):
            picture = prepare(frame.picture)
            cut = previous is not None and detector.is_cut(previous, picture)
        previous = picture
        yield frame.index, cut, (frame, picture)


def _stack(frames: Sequence[Frame], device: torch.device | None = None) -> Tensor:
    """[F, 3, h, w] from pictures [h, w, 3]."""
    return torch.from_numpy(np.stack([f.picture for f in frames]).transpose(0, 3, 1, 2).copy()).to(device)


def _picture(k: int, drawn: Drawn, low: Tensor, model_input: Tensor, noise: float, settings: ClipSettings) -> Tensor:
    """Finished picture k [1, 3, H, W] of a chunk; `low` [F, 3, h, w] is the source, `shown` the model's input."""
    picture, low, model_input = drawn.picture(k), low[k : k + 1], model_input[k : k + 1]
    if settings.method.back_projection:
        picture = back_project(picture, model_input, noise, settings.method.back_projection)
    height, width = picture.shape[2:]
    if settings.strength < 1:
        picture = torch.lerp(_bicubic(low.clamp(0, 1), width, height), picture, settings.strength)
    picture = _with_excess(picture, low)
    if settings.size is not None and settings.size != (width, height):
        picture = _bicubic(picture, *settings.size, antialias=True)
    return picture


def _source_picture(low: Tensor, size: tuple[int, int] | None) -> Tensor:
    """The source `low` [1, 3, h, w] at the output size: itself if that is its own."""
    own = (low.shape[3], low.shape[2])
    if size is None or size == own:
        return low
    smaller = size[0] < own[0] or size[1] < own[1]
    return _with_excess(_bicubic(low.clamp(0, 1), *size, antialias=smaller), low, antialias=smaller)


def _with_excess(picture: Tensor, low: Tensor, *, antialias: bool = False) -> Tensor:
    """`picture` [1, 3, H, W] within 0..1, with what lies outside of it in `low`.

    Models are conditioned on values in [0, 1]; the excess outside of it is enlarged and added, so it survives.
    """
    excess = low - low.clamp(0, 1)
    if not bool((excess != 0).any()):
        return picture.clamp(0, 1)
    return picture.clamp(0, 1) + _bicubic(excess, picture.shape[3], picture.shape[2], antialias=antialias)


def _bicubic(z: Tensor, width: int, height: int, *, antialias: bool = False) -> Tensor:
    return F.interpolate(z, size=(height, width), mode="bicubic", align_corners=False, antialias=antialias)


def _depth_picture(k: int, depth: Tensor, look: DepthLook, size: tuple[int, int] | None) -> Tensor:
    """Picture k [1, 3, H, W] of a chunk's depth [F, h, w]."""
    return show_depth(depth[k : k + 1], look, size)


def _array(picture: Tensor) -> Picture:
    """[H, W, 3] from [1, 3, H, W]."""
    return np.ascontiguousarray(picture[0].float().cpu().numpy().transpose(1, 2, 0))


def _finished(sources: Sequence[Frame], picture: Callable[[int], Tensor], watch: Stopwatch) -> Iterator[Frame]:
    """The restored frames of `sources`; `picture(k)` makes picture k [1, 3, H, W]."""

    def finish(k: int, source: Frame) -> Frame:
        with watch.stage("decode latents"):
            return _frame(source, _array(picture(k)))

    # A separate function, so that no picture stays alive while the next one is made.
    for k, source in enumerate(sources):
        yield finish(k, source)


def _frame(source: Frame, picture: Picture) -> Frame:
    """The restored frame; alpha is scaled with the picture, never generated."""
    if source.alpha is None:
        return Frame(source.index, picture, None)
    alpha = F.interpolate(
        torch.from_numpy(source.alpha)[None, None], size=picture.shape[:2], mode="bilinear", align_corners=False
    )
    return Frame(source.index, picture, alpha[0, 0].numpy())
