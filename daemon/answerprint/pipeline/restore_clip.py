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
from answerprint.frames.planes import channels_first, channels_last, empty
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

_NONE = np.empty((0, 0, 3), np.float32)


@dataclass(slots=True)
class _Item:
    """A frame of a chunk, and what estimators of flow see of it."""

    frame: Frame
    shown: FlowPicture


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
    chunk: Chunk[_Item],
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
    pictures = {index: item.shown for index, item in zip(chunk.frames, chunk.items, strict=True)}
    if previous_key is not None:
        pictures[previous_key[0]] = previous_key[1]
    motion.hold(pictures)
    with watch.stage("flow"):
        key = choose_key(chunk.frames, method.keyframe, settings.seed, motion) if method.consistency else 0
        links = None
        if needs_motion(method) or (look is not None and look.span != "frame"):
            back = method.warp and method.warp_source == "fused"
            links = motion.of_chunk(chunk.frames, key, None if previous_key is None else previous_key[0], back=back)
    low = _taken(chunk.items).to(backend.device)
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
    frames = _finished([item.frame for item in chunk.items], picture, watch)
    last = chunk.frames[-1]
    after = ClipState(
        number + 1, last + 1, chunk.items[-1].shown, (chunk.frames[key], chunk.items[key].shown), carries, anchor
    )
    return RestoredChunk(number, chunk.opens_shot, FrameRange(chunk.frames[0], last + 1), frames, after)


def _source_chunk(number: int, chunk: Chunk[_Item], settings: ClipSettings, watch: Stopwatch) -> RestoredChunk:
    """A chunk of which the model has no share: the source, resized if another size is wanted."""
    after = chunk.frames[-1] + 1
    height, width = chunk.items[0].frame.picture.shape[:2]
    frames = _handed_on(chunk.items)
    if settings.size is not None and settings.size != (width, height):
        frames = _resized(frames, settings.size, watch)
    state = ClipState(number + 1, after, chunk.items[-1].shown)
    return RestoredChunk(number, chunk.opens_shot, FrameRange(chunk.frames[0], after), frames, state)


def _handed_on(items: Sequence[_Item]) -> Iterator[Frame]:
    """The frames as they are; each is held no longer than its consumer holds it."""
    for item in items:
        frame, item.frame = item.frame, replace(item.frame, picture=_NONE)
        yield frame


def _resized(frames: Iterable[Frame], size: tuple[int, int], watch: Stopwatch) -> Iterator[Frame]:
    """The frames at another size, bicubically."""
    for frame in frames:
        with watch.stage("decode latents"):
            low = torch.from_numpy(channels_first(frame.picture)[None].copy())
            smaller = size[0] < low.shape[3] or size[1] < low.shape[2]
            picture = _with_excess(_bicubic(low.clamp(0, 1), *size, antialias=smaller), low, antialias=smaller)
        yield _frame(frame, _array(picture))


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
) -> Iterator[tuple[int, bool, _Item]]:
    """(index, opens_shot, item) of each frame; `previous` belongs to the frame before the first."""
    detector = CutDetector()
    for frame in frames:
        with watch.stage("flow"):
            picture = prepare(frame.picture)
            cut = previous is not None and detector.is_cut(previous, picture)
        previous = picture
        item = _Item(frame, picture)
        del frame  # the item alone holds it
        yield item.frame.index, cut, item


def _taken(items: Sequence[_Item]) -> Tensor:
    """The pictures of a chunk [F, 3, h, w], which its items then hold no more: a chunk is not in memory twice."""
    height, width = items[0].frame.picture.shape[:2]
    low = empty((len(items), 3, height, width), np.float32)
    for k, frame in enumerate(_handed_on(items)):
        low[k] = channels_first(frame.picture)
    return torch.from_numpy(low)


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


def _with_excess(picture: Tensor, low: Tensor, *, antialias: bool = False) -> Tensor:
    """`picture` [1, 3, H, W] within 0..1, with what lies outside of it in `low`.

    Models are conditioned on values in [0, 1]; the excess outside of it is enlarged and added, so it survives.
    """
    least, most = torch.aminmax(low)
    if bool((least >= 0) & (most <= 1)):  # not if there is a NaN
        return picture.clamp(0, 1)
    excess = low - low.clamp(0, 1)
    return picture.clamp(0, 1) + _bicubic(excess, picture.shape[3], picture.shape[2], antialias=antialias)


def _bicubic(z: Tensor, width: int, height: int, *, antialias: bool = False) -> Tensor:
    return F.interpolate(z, size=(height, width), mode="bicubic", align_corners=False, antialias=antialias)


def _depth_picture(k: int, depth: Tensor, look: DepthLook, size: tuple[int, int] | None) -> Tensor:
    """Picture k [1, 3, H, W] of a chunk's depth [F, h, w]."""
    return show_depth(depth[k : k + 1], look, size)


def _array(picture: Tensor) -> Picture:
    """[H, W, 3] from [1, 3, H, W]."""
    planes = empty(tuple(picture.shape[1:]), np.float32)
    torch.from_numpy(planes).copy_(picture[0])
    return channels_last(planes)


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
