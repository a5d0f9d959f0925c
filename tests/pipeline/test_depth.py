"""A clip's depth is steady over frames and chunks, also when it is resumed, and is no picture to be blended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends.base import own_condition
from answerprint.backends.marigold.adapter import EncodedCondition, MarigoldBackend
from answerprint.backends.marigold.info import INFO
from answerprint.backends.text import Text
from answerprint.errors import InputError
from answerprint.flow.opencv import DisEstimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame, OutputSpec
from answerprint.media import open_reader, open_writer, probe
from answerprint.pipeline.clip_state import ClipState, pack_state, read_state
from answerprint.pipeline.depth import coloured
from answerprint.pipeline.restore_clip import ClipSettings, RestoredChunk, restore_clip
from answerprint.temporal.depth import HEADROOM
from answerprint.temporal.options import MethodOptions, parse_option, per_frame
from answerprint.temporal.presets import PRESETS
from answerprint.temporal.protocols import Condition
from answerprint.worker.resolved_job import resolve_job
from backends.builders import CPU
from backends.builders_marigold import save_marigold, small_marigold, small_marigold_pipeline
from worker.clips import frames_of, same_frames, write_clip

TIED = MethodOptions(chunk=4)
PLAIN = MethodOptions(chunk=4, warp=False, merge=False)


def true_depth(low: Tensor) -> Tensor:
    """What is light is far: [F, 1, h, w] in 0.2..0.8."""
    return 0.2 + 0.6 * low.mean(1, keepdim=True).clamp(0, 1)


def jump_of(low: Tensor) -> tuple[Tensor, Tensor]:
    """A scale and a shift for each frame that look random and follow from its picture, as a model's do."""
    odd = (low.mean((1, 2, 3)) * 3989) % 1
    even = (low.mean((1, 2, 3)) * 3167) % 1
    return (0.6 + 0.4 * odd).view(-1, 1, 1, 1), (0.2 * even - 0.1).view(-1, 1, 1, 1)


class Jumping(MarigoldBackend):
    """Random weights find no depth: what is true is put in its place, on another scale for each frame."""

    def decode(self, x0: Tensor, condition: Condition) -> Tensor:
        found = super().decode(x0, condition)
        low = own_condition(condition, EncodedCondition).picture
        scale, shift = jump_of(low)
        return (scale * true_depth(low) + shift).expand_as(found)


@cache
def jumping(range: str = "clip", colour_map: str = "none") -> Jumping:
    pipeline = small_marigold_pipeline()
    text = Text(pipeline.tokenizer, pipeline.text_encoder)
    backend = Jumping(pipeline.unet, pipeline.vae, text, dict(pipeline.scheduler.config), CPU, resolution=0)
    backend.configure(steps=1, sampler="own", options={"range": range, "colour_map": colour_map})
    return backend


def run(
    backend: Jumping,
    stop: int,
    cuts: Collection[int] = (),
    *,
    method: MethodOptions = TIED,
    resume: ClipState | None = None,
    asked: ClipSettings | None = None,
) -> Iterator[RestoredChunk]:
    """The chunks of a pan, each made when it is asked for."""
    frames = frames_of(0 if resume is None else resume.frame, stop, cuts)
    settings = replace(asked or ClipSettings(seed=3), method=method)
    return restore_clip(frames, backend, FlowSource(DisEstimator()), settings, resume=resume)


def depth_of(chunks: Iterable[RestoredChunk]) -> NDArray[np.float32]:
    """[F, H, W] of all frames; the three channels are found to be one."""
    pictures = np.stack([frame.picture for chunk in chunks for frame in chunk])
    assert np.array_equal(pictures[..., 0], pictures[..., 1]) and np.array_equal(pictures[..., 0], pictures[..., 2])
    return pictures[..., 0]


def largest_step(depth: NDArray[np.float32]) -> float:
    """Largest change of depth from one frame to the next where both show the same: the pan moves by one pixel."""
    return float(np.abs(depth[1:, :, :-1] - depth[:-1, :, 1:]).mean((1, 2)).max())


@pytest.mark.parametrize("method", [TIED, PLAIN], ids=["tied", "neither warped nor merged"])
def test_depth_of_a_shot_is_steady_whatever_scale_each_frame_was_found_with(method: MethodOptions) -> None:
    alone = largest_step(depth_of(run(jumping("frame"), 16, method=method)))
    within = [largest_step(depth_of([chunk])) for chunk in run(jumping("chunk"), 16, method=method)]
    shared = largest_step(depth_of(run(jumping("clip"), 16, method=method)))
    assert alone > 0.05
    assert max(within) < 0.005 and shared < 0.005


def warping_error(method: MethodOptions, frames: list[Frame]) -> float:
    """E_warp of the depth that random weights find in a pan of two pixels a frame, each frame's scale its own."""
    backend = small_marigold()
    backend.configure(steps=4, sampler="own", options={"range": "frame"})
    chunks = restore_clip(iter(frames), backend, FlowSource(DisEstimator()), ClipSettings(method, seed=3))
    depth = depth_of(chunks)
    return float(((depth[1:, :, :-2] - depth[:-1, :, 2:]) ** 2).mean())


def test_depth_that_frames_find_together_is_steadier_than_that_of_each_alone() -> None:
    noise = np.random.default_rng(0)
    texture = cv2.GaussianBlur(noise.random((48, 90, 3), np.float32), (0, 0), 2)
    texture = (texture - texture.min()) / (texture.max() - texture.min())
    frames = []
    for k in range(8):
        grain = 0.02 * noise.standard_normal((48, 64, 3)).astype(np.float32)
        frames.append(Frame(k, np.ascontiguousarray(texture[:, 2 * k : 2 * k + 64] + grain)))
    together = MethodOptions()
    for name, text in (*INFO.method, *PRESETS["steady"].items()):
        together = parse_option(together, name, text)
    assert warping_error(together, frames) < 0.5 * warping_error(per_frame(together), frames)


def test_chunks_alone_keep_their_own_scales() -> None:
    assert largest_step(depth_of(run(jumping("chunk"), 16))) > 0.02


def test_shared_depth_is_that_of_the_first_keyframe_with_room_at_both_ends() -> None:
    depth = depth_of(run(jumping(), 8))
    low = torch.from_numpy(np.stack([frame.picture for frame in frames_of(0, 8)]).transpose(0, 3, 1, 2))
    scale, shift = (value[2] for value in jump_of(low))
    expected = HEADROOM + (1 - 2 * HEADROOM) * (scale * true_depth(low)[:, 0] + shift).numpy()
    assert np.abs(depth - expected).mean() < 0.005
    assert depth.min() > 0 and depth.max() < 1


def test_frames_that_are_not_tied_keep_what_the_model_gave() -> None:
    alone = depth_of(run(jumping("clip"), 8, method=per_frame(TIED)))
    assert np.array_equal(alone, depth_of(run(jumping("frame"), 8, method=per_frame(TIED))))
    low = torch.from_numpy(np.stack([frame.picture for frame in frames_of(0, 8)]).transpose(0, 3, 1, 2))
    scale, shift = jump_of(low)
    assert np.allclose(alone, (scale * true_depth(low) + shift)[:, 0].numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("range", "cuts"),
    [("clip", ()), ("clip", (8,)), ("clip", (6,)), ("chunk", (8,)), ("frame", ())],
    ids=["no cut", "cut at a border", "cut before a border", "by chunk", "by frame"],
)
def test_depth_goes_on_after_every_chunk_as_if_nothing_had_happened(
    range: str, cuts: tuple[int, ...], tmp_path: Path
) -> None:
    whole = list(run(jumping(range), 11, cuts))
    assert len(whole) > 2
    state: ClipState | None = None
    for expected in whole:
        found = next(run(jumping(range), 11, cuts, resume=state))
        assert same_frames(found.frames, expected.frames)
        assert pack_state(found.state) == pack_state(expected.state)
        path = tmp_path / "chunk.carry"
        path.write_bytes(pack_state(found.state))
        state = read_state(path)


def test_a_cut_begins_a_new_scale() -> None:
    """The second shot is what it would be without the first."""
    after = [chunk for chunk in run(jumping(), 16, (8,)) if chunk.range.start >= 8]
    frames = [frame for frame in frames_of(0, 16, (8,)) if frame.index >= 8]
    alone = restore_clip(frames, jumping(), FlowSource(DisEstimator()), ClipSettings(TIED, seed=3))
    assert np.array_equal(depth_of(after), depth_of(alone))


def test_only_what_shares_a_scale_over_chunks_is_carried() -> None:
    anchors = {range: next(run(jumping(range), 4)).state.anchor for range in ("clip", "chunk", "frame")}
    assert anchors["clip"] is not None and anchors["chunk"] is None and anchors["frame"] is None


def test_super_whites_and_strength_are_no_matter_of_depth() -> None:
    frames = frames_of(0, 4)
    bright = [Frame(frame.index, frame.picture + np.float32(frame.picture > 0.9), None) for frame in frames]
    backend = jumping("frame")
    made = {}
    for strength in (1.0, 0.3):
        asked = ClipSettings(TIED, seed=3, strength=strength)
        made[strength] = depth_of(restore_clip(bright, backend, FlowSource(DisEstimator()), asked))
    assert np.array_equal(made[1.0], made[0.3])
    assert made[1.0].max() <= 1


def test_depth_at_another_size_stays_within_the_depth_that_is_there() -> None:
    for size in ((80, 64), (20, 16)):
        depth = depth_of(run(jumping(), 4, asked=ClipSettings(seed=3, size=size)))
        assert depth.shape[1:] == (size[1], size[0])
        own = depth_of(run(jumping(), 4))
        assert depth.min() >= own.min() and depth.max() <= own.max()


def test_colours_are_of_the_shared_depth() -> None:
    depth = torch.from_numpy(depth_of(run(jumping(), 8)))
    for colours in ("grey", "spectral", "turbo"):
        made = np.stack([frame.picture for chunk in run(jumping(colour_map=colours), 8) for frame in chunk])
        assert np.allclose(made, coloured(depth, colours).permute(0, 2, 3, 1).numpy(), atol=1e-6)


def test_strength_of_depth_is_refused_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    save_marigold(tmp_path / "models" / "random-depth")
    clip = write_clip(tmp_path / "in.mkv", 0, 4)
    request = RestoreRequest(ClipRef(str(clip)), str(tmp_path / "out.%04d.png"), model="random-depth", task="depth")
    order = resolve_job(request)
    assert order.size == (40, 32)
    assert order.latent_size == (768 // 8, 614 // 8)
    with pytest.raises(InputError, match="--strength does not apply"):
        resolve_job(replace(request, strength=0.5))


def ordered(folder: Path, name: str, **options: str) -> OutputSpec:
    """What would be written of a clip's depth."""
    save_marigold(folder / "models" / "random-depth")
    clip = write_clip(folder / "in.mkv", 0, 4)
    request = RestoreRequest(
        ClipRef(str(clip)), str(folder / name), model="random-depth", task="depth", options=options
    )
    return resolve_job(request).spec(job="7f")


@pytest.mark.parametrize("name", ["out.%04d.exr", "out.%04d.tif", "out.%04d.png", "out.mov"])
def test_depth_is_ordered_in_grey_unless_in_colours(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    assert ordered(tmp_path, name).grey
    assert ordered(tmp_path, name, colour_map="none").grey
    for colours in ("grey", "spectral", "turbo"):
        assert not ordered(tmp_path, name, colour_map=colours).grey


def test_pictures_are_never_ordered_in_grey(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mkv", 0, 4)
    assert not resolve_job(RestoreRequest(ClipRef(str(clip)), str(tmp_path / "out.%04d.exr"))).spec().grey


def test_depth_is_in_the_files_what_it_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each float in EXR, the nearest of 65536 levels in PNG and TIFF; colours stay colours."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    made = [frame for chunk in run(jumping(), 4) for frame in chunk]
    height, width = made[0].picture.shape[:2]
    for suffix in ("exr", "tif", "png"):
        path = tmp_path / f"{suffix}.%04d.{suffix}"
        with open_writer(path, replace(ordered(tmp_path, path.name), width=width, height=height)) as writer:
            for frame in made:
                writer.write(frame.picture)
        info = probe(path)
        assert info.pixel_format.startswith("gray")
        with open_reader(info) as reader:
            back = np.stack([frame.picture[..., 0] for frame in reader])
        error = np.abs(back - np.stack([frame.picture[..., 0] for frame in made])).max()
        assert error == 0 if suffix == "exr" else error < 0.51 / 65535
    coloured_spec = replace(ordered(tmp_path, "c.%04d.png", colour_map="turbo"), width=width, height=height)
    with open_writer(tmp_path / "c.%04d.png", coloured_spec) as writer:
        writer.write(made[0].picture)
    assert probe(tmp_path / "c.%04d.png").pixel_format == "rgb48be"
