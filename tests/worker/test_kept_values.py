"""What the source holds, the result holds: depth, values outside 0..1, and pictures that no model changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from torch import Tensor

from answerprint.api.request import RestoreRequest
from answerprint.backends.base import Backend
from answerprint.backends.identity.adapter import IdentityBackend
from answerprint.backends.latent import LatentCondition
from answerprint.errors import InputError
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame, Picture
from answerprint.frames.colour import resolve_colour
from answerprint.ipc.messages import Message
from answerprint.media import Hooks, open_writer
from answerprint.media.encode import encode_pixels
from answerprint.media.segment import SegmentReader, encode_segment
from answerprint.pipeline.clip_state import pack_state, read_state
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip
from answerprint.pipeline.working_space import SPACES
from answerprint.store.receipts import carry_path
from answerprint.temporal.options import MethodOptions
from answerprint.worker.devices import DeviceMemory
from answerprint.worker.frame_job import StillTask, make_still
from answerprint.worker.loading import Models, load_model
from answerprint.worker.memory_fallbacks import is_out_of_memory
from answerprint.worker.model_cache import WarmModels
from answerprint.worker.requests import JobChannel, JobControls
from answerprint.worker.resolved_job import ResolvedJob, resolve_job
from media.makers import fill, make_movie, make_png
from temporal.models import small_backend
from worker.clips import HEIGHT, WIDTH, frames_of, same_frames, write_clip
from worker.rendering import Rendering

CPU = torch.device("cpu")
SIZE = (46, 31)  # px, odd where chroma allows


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))


def job_of(source: Path, output: str, **settings: object) -> ResolvedJob:
    request = {"input": str(source), "output": str(source.with_name(output)), "model": "identity", **settings}
    return resolve_job(RestoreRequest.from_json(request))


def test_more_than_twelve_bits_take_more_room_and_the_estimate_says_so(tmp_path: Path) -> None:
    """Also of noise, which no encoder makes smaller."""
    codes = np.random.default_rng(1).integers(0, 65536, (128, 160, 3)).astype(np.uint16)
    deep = job_of(make_png(tmp_path / "deep.png", codes), "a.%04d.png")
    usual = job_of(write_clip(tmp_path / "clip.mkv", 0, 1), "b.mkv")
    assert (usual.float_segments, deep.float_segments) == (False, True)
    noise = Frame(0, codes.astype(np.float32) / np.float32(65535))
    assert deep.estimate()["scratch_bytes"] > len(encode_segment([noise], Fraction(24), floats=True))
    pixels = 128 * 160 / (32 * 40)
    assert deep.estimate()["scratch_bytes"] > 2 * pixels * usual.estimate()["scratch_bytes"] > 0


def random_frame(pixel_format: str) -> VideoFrame:
    """Any code that the format has, legal or not."""
    frame = VideoFrame(*SIZE, pixel_format)
    bits = frame.format.components[0].bits
    rng = np.random.default_rng(bits)
    for index, plane in enumerate(frame.planes):
        samples = 3 if frame.format.name.startswith("rgb") else 1
        codes = rng.integers(0, 1 << bits, (plane.height, plane.width * samples))
        form = "u1" if bits == 8 else ">u2" if frame.format.is_big_endian else "<u2"
        fill(frame, index, codes.astype(form))
    return frame


def write_still(path: Path, encoder: str, frame: VideoFrame) -> Path:
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base = Fraction(1)
    frame.pts = 0
    path.write_bytes(b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None))))
    return path


def source_of(folder: Path, encoder: str, pixel_format: str) -> Path:
    """A source with the whole range of codes, also those that are not legal in video."""
    if encoder == "ffv1":
        options = {"level": "3", "strict": "experimental"}
        return make_movie(folder / "in.mkv", [random_frame(pixel_format)] * 2, codec="ffv1", options=options)
    return write_still(folder / f"in.{encoder}", encoder, random_frame(pixel_format))


def planes_of(frame: VideoFrame) -> list[NDArray[np.generic]]:
    """The bytes of each plane without the padding of its rows."""
    bits = frame.format.components[0].bits
    pixel_bytes = (1 if bits == 8 else 2) * (3 if frame.format.name.startswith("rgb") else 1)
    return [
        np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width * pixel_bytes]
        for plane in frame.planes
    ]


def no_model(name: str) -> Backend:
    raise AssertionError(f"{name} is loaded, though it has no share in the result")


def kept_frames(source: Path, folder: Path, settings: Message, *, loads: bool) -> Iterator[Frame]:
    """The finished frames of a job at the source's size."""
    job = Rendering(source, folder, {"scale": "1", "steps": None, **settings})
    load = (lambda name: load_model(name, CPU)) if loads else no_model
    models = Models(WarmModels(load, DeviceMemory(CPU), is_out_of_memory), CPU, -1.0)
    assert job.run(models=models)["event"] == "rendered"
    for receipt in job.chunks:
        yield from SegmentReader(folder, receipt).frames()


@pytest.mark.parametrize(
    "settings", [{"model": "identity"}, {"model": "tiny-x4", "strength": 0}], ids=["model", "none"]
)
@pytest.mark.parametrize(
    ("encoder", "pixel_format"),
    [
        ("ffv1", "yuv422p10le"),
        ("ffv1", "yuv420p10le"),
        ("ffv1", "yuv444p12le"),
        ("ffv1", "yuv422p16le"),
        ("ffv1", "yuv420p"),
        ("ffv1", "gbrp16le"),
        ("dpx", "gbrp10be"),
        ("dpx", "gbrp12be"),
        ("tiff", "rgb48le"),
        ("dpx", "rgb48be"),
        ("png", "rgb48be"),
    ],
)
def test_a_picture_that_nothing_changes_has_every_code_of_its_source(
    encoder: str, pixel_format: str, settings: Message, tmp_path: Path
) -> None:
    source = source_of(tmp_path, encoder, pixel_format)
    loads = settings["model"] == "identity"
    info = resolve_job(RestoreRequest.from_json({"input": str(source), "output": "/out.mkv", **settings})).info
    count = 0
    for frame in kept_frames(source, tmp_path / "job", settings, loads=loads):
        tags = resolve_colour(info.colour, info.height)
        again = encode_pixels(frame.picture, frame.alpha, pixel_format, tags)
        for one, other in zip(planes_of(again), planes_of(random_frame(pixel_format)), strict=True):
            assert np.array_equal(one, other)
        count += 1
    assert count == info.frames


def test_without_the_model_the_source_is_enlarged_as_it_is_with_it(tmp_path: Path) -> None:
    """And a resumed clip goes on with the same bits."""
    frames = frames_of(0, 12, cuts=(8,))
    frames[1].picture[:8] *= 3
    method = MethodOptions(chunk=4, merge=False)
    backend = small_backend()
    settings = ClipSettings(method, strength=0, size=(4 * WIDTH, 4 * HEIGHT))
    flow = FlowSource(get_estimator("dis"))
    with_model = [frame for chunk in restore_clip(frames, backend, flow, settings) for frame in chunk]
    chunks = [(chunk, list(chunk)) for chunk in restore_clip(frames, None, flow, settings)]
    assert [(chunk.range.start, chunk.opens_shot) for chunk, _ in chunks] == [(0, True), (4, False), (8, True)]
    assert same_frames(with_model, [frame for _, made in chunks for frame in made])
    state = tmp_path / "state"
    state.write_bytes(pack_state(chunks[0][0].state))
    resumed = restore_clip(frames[4:], None, flow, settings, resume=read_state(state))
    assert same_frames(with_model[4:], [frame for chunk in resumed for frame in chunk])


def test_without_the_model_a_smaller_picture_keeps_its_values_and_does_not_flicker() -> None:
    stripes = np.zeros((32, 40, 3), np.float32)
    stripes[:, ::2] = 3.0
    settings = ClipSettings(strength=0, size=(20, 16))
    (chunk,) = restore_clip([Frame(0, stripes)], None, FlowSource(get_estimator("dis")), settings)
    (frame,) = chunk
    assert np.allclose(frame.picture[4:-4, 4:-4], 1.5, atol=0.01)


LIGHT = np.linspace(-0.5, 60, 46 * 31 * 3).astype(np.float16).astype(np.float32).reshape(31, 46, 3)


def light_source(folder: Path, light: Picture = LIGHT) -> Path:
    """A scene-linear EXR, of values as half floats have them."""
    frame = VideoFrame(*SIZE, "gbrpf32le")
    for index, channel in enumerate((1, 2, 0)):
        fill(frame, index, np.ascontiguousarray(light[..., channel]))
    return write_still(folder / "in.exr", "exr", frame)


class Watched(IdentityBackend):
    """Keeps what it is shown."""

    seen: Tensor

    def condition(self, low: Tensor) -> LatentCondition:
        self.seen = low
        return super().condition(low)


def test_light_is_seen_as_on_a_display_and_comes_back_as_it_was(tmp_path: Path) -> None:
    source = light_source(tmp_path)
    job = Rendering(source, tmp_path / "job", {"model": "identity", "scale": "1", "steps": None})
    backend = Watched(CPU)
    job.run(backend)
    (receipt,) = job.chunks
    (frame,) = SegmentReader(tmp_path / "job", receipt).frames()
    np.testing.assert_allclose(frame.picture, LIGHT, rtol=1e-5, atol=1e-6)
    assert np.array_equal(frame.picture.astype(np.float16), LIGHT.astype(np.float16))
    seen = backend.seen[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(seen, SPACES["linear"].to_display(LIGHT), atol=1e-6)
    assert job.kinds("started")[0]["working_space"] == "linear"


def test_the_space_is_part_of_what_decides_the_picture(tmp_path: Path) -> None:
    """The usual clip has the fingerprint that it had before there were spaces; a source returned as it is, too."""
    usual, exr = write_clip(tmp_path / "clip.mkv", 0, 1), light_source(tmp_path)
    assert job_of(usual, "a.mkv").fingerprint == job_of(usual, "a.mkv", working_space="display").fingerprint
    assert job_of(usual, "a.mkv").fingerprint != job_of(usual, "a.mkv", working_space="slog3").fingerprint
    assert job_of(exr, "a.%04d.exr").fingerprint == job_of(exr, "a.%04d.exr", working_space="LINEAR").fingerprint
    assert job_of(exr, "a.%04d.exr").fingerprint != job_of(exr, "a.%04d.exr", working_space="display").fingerprint
    assert job_of(exr, "a.%04d.exr", strength=0).working_space.name == "display"
    with pytest.raises(InputError, match="no working space"):
        job_of(exr, "a.%04d.exr", working_space="film").started("cpu")


def test_a_resumed_clip_goes_on_in_its_space(tmp_path: Path) -> None:
    """Also where the state is lost at a cut, which is then found anew."""
    clip = write_clip(tmp_path / "clip.mkv", 0, 10, cuts=(5,))
    settings = {"model": "tiny-x4", "working_space": "slog3"}
    whole = Rendering(clip, tmp_path / "whole", settings)
    whole.run()
    part = Rendering(clip, tmp_path / "part", settings)

    def stop() -> None:
        if part.chunks:
            part.controls.give_way.set()

    assert part.run(at_border=stop)["event"] == "stopped"
    part.controls.give_way.clear()
    carry_path(part.folder, 0).unlink()
    part.run(resume=part.chunks[-1])
    assert [each.segment for each in part.chunks] == [each.segment for each in whole.chunks]
    assert len(whole.chunks) > 1


def test_values_that_are_no_numbers_are_black_and_said(tmp_path: Path) -> None:
    """One of them would spread over the picture around it, and fail the job."""
    light = LIGHT.copy()
    light[3, 5], light[9, 9, 1], light[20, 7, 2] = np.nan, np.inf, -np.inf
    job = Rendering(light_source(tmp_path, light), tmp_path / "job", {"scale": "1", "strength": 0})
    job.run()
    (frame,) = SegmentReader(tmp_path / "job", job.chunks[0]).frames()
    assert np.array_equal(frame.picture, np.nan_to_num(light, nan=0, posinf=65504, neginf=-65504))
    assert sum("not numbers" in event["message"] for event in job.kinds("warning")) == 1


def test_a_deliverable_says_what_it_clips(tmp_path: Path) -> None:
    """Not what video has beyond white and black anyway, and not where it keeps every value."""
    said = {}
    pictures: dict[str, Picture] = {"light": LIGHT, "video": np.clip(LIGHT / 60, -0.08, 1.09)}
    for name, picture in pictures.items():
        for output in ("out.mkv", "out.%04d.exr", "out.%04d.png", "out.mov"):
            spec = replace(job_of(light_source(tmp_path), output).spec(), overwrite=True)
            warnings: list[str] = []
            with open_writer(tmp_path / output, spec, Hooks(warn=warnings.append)) as writer:
                writer.write(picture)
            said[name, output] = [each for each in warnings if "clipped" in each]
    assert {case for case, warnings in said.items() if warnings} == {
        ("light", "out.mkv"), ("light", "out.%04d.png"), ("light", "out.mov"),
    }  # fmt: skip
    assert "of 1 frame were clipped, from frame 0" in said["light", "out.mov"][0]


@pytest.mark.parametrize("side", ["source", "restored"])
def test_a_frame_of_light_is_shown_as_on_a_display(side: str, tmp_path: Path) -> None:
    """Middle grey as the code 118, which is 46 when light is taken for a display's values."""
    grey = np.full_like(LIGHT, 0.18)
    job = Rendering(light_source(tmp_path, grey), tmp_path / "job", {"scale": "1", "strength": 0})
    job.run()
    message = {
        "request": job.request.to_json(), "scratch": str(tmp_path / "job"), "frame": 0, "side": side, "format": "png",
        "receipt": job.chunks[0].to_json(), "output": str(tmp_path / "shown.png"),
    }  # fmt: skip
    make_still(StillTask.from_message(message), JobChannel(lambda event: None, JobControls(), {}))
    shown = cv2.imread(str(tmp_path / "shown.png"))
    assert shown is not None
    assert np.unique(shown).tolist() == [118]
