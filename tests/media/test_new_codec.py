"""One entry in the table of codecs is all that a new codec takes: every part of the program reads it from there."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.arguments import PlainParser
from answerprint.cli.restore import add_arguments
from answerprint.errors import InputError, OutputError
from answerprint.frames import CODECS, CodecInfo, FrameRange, OutputSpec, Picture, codec_named, codecs, default_codec
from answerprint.frames.colour import ColourTags
from answerprint.media import open_reader, open_writer, probe
from answerprint.media.encode import encode_pixels
from answerprint.media.pixels import decode_pixels
from answerprint.resolve.restore.output_names import restored_path
from answerprint.worker import doctor
from answerprint.worker.resolved_job import resolve_job
from media.makers import make_movie
from resolve.settings_form.offers import field, form
from worker.test_join import join

WIDTH, HEIGHT, FRAMES = 448, 256, 4

DNXHR = CodecInfo(
    name="dnxhr-sq",
    description="DNxHR SQ, 8 bit 4:2:2, without alpha (.mov)",
    suffixes=(".mov",),
    encoder="dnxhd",
    profile="DNXHR SQ",
    pixel_format="yuv422p",
    bits_per_pixel=4,
    containers=("mov",),
    options={"profile": "dnxhr_sq"},
    least_size=(256, 120),
    spares_sdi_codes=True,
    join_tag="AVdh",
)
JPEG2000 = CodecInfo(
    name="jp2",
    description="JPEG 2000, 16 bit R'G'B', one file per frame (out.%04d.jp2)",
    suffixes=(".jp2",),
    encoder="jpeg2000",
    pixel_format="rgb48le",
    bits_per_pixel=60,
)
TOLERANCE = {"dnxhr-sq": 0.02, "jp2": 0.002}
"""Mean absolute error in 0..1: a few levels for a lossy codec, less for one that is nearly lossless."""


@pytest.fixture(params=[DNXHR, JPEG2000], ids=lambda codec: codec.name)
def added(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> CodecInfo:
    """A codec that the program does not have, added as its page says: one entry in the table, and nothing else."""
    codec: CodecInfo = request.param
    assert codec.name not in CODECS
    monkeypatch.setitem(codecs._CODECS, codec.name, codec)
    return codec


def photograph() -> Picture:
    return np.asarray(data.chelsea()[:HEIGHT, :WIDTH], np.float32) / np.float32(255)


def output(folder: Path, codec: CodecInfo, stem: str = "out") -> Path:
    return folder / f"{stem}{'.%04d' if codec.is_sequence else ''}{codec.suffixes[0]}"


def request_for(folder: Path, codec: CodecInfo, span: str | None = None) -> RestoreRequest:
    """To enlarge a small clip to a size that DNxHR takes."""
    source = folder / "source.mov"
    if not source.exists():
        make_movie(source, FRAMES, codec="mpeg4", timecode="01:00:00:00", sound="pcm_s16le")
    clip = ClipRef(str(source), span)
    return RestoreRequest(clip, str(output(folder, codec)), size=(256, 192), codec=codec.name)


def test_it_is_offered_wherever_codecs_are_chosen(added: CodecInfo) -> None:
    parser = PlainParser(prog="answerprint restore")
    add_arguments(parser)
    assert added.description in " ".join((parser.epilog or "").split())
    assert (added.name, added.description) in field(form(), "codec").choices
    with pytest.raises(InputError) as refused:
        codec_named("no-such-codec")
    assert added.name in refused.value.remedy
    assert doctor._av()["missing_encoders"] == []


def test_its_files_are_named_by_it(added: CodecInfo, tmp_path: Path) -> None:
    path = restored_path(tmp_path, "reel.mxf", (), added.name)
    assert path.suffix == added.suffixes[0]
    assert ("%" in path.name) is added.is_sequence
    # ProRes stays what a .mov is by default: the first codec with a suffix is.
    assert default_codec(path) == ("prores4444" if added.suffixes == (".mov",) else added.name)


def test_pictures_come_back_as_they_were_written(added: CodecInfo, tmp_path: Path) -> None:
    pictures = [np.roll(photograph(), shift, axis=1) for shift in range(FRAMES)]
    path = output(tmp_path, added)
    with open_writer(path, OutputSpec(WIDTH, HEIGHT, Fraction(25), added.name)) as writer:
        for picture in pictures:
            writer.write(picture)
    info = probe(path)
    assert (info.frames, info.width, info.height) == (FRAMES, WIDTH, HEIGHT)
    with open_reader(info) as reader:
        for wanted, frame in zip(pictures, reader, strict=True):
            assert np.abs(wanted - frame.picture).mean() < TOLERANCE[added.name]
    files = [path] if not added.is_sequence else sorted(tmp_path.glob(f"*{path.suffix}"))
    assert sum(file.stat().st_size for file in files) <= added.bits_per_pixel / 8 * WIDTH * HEIGHT * FRAMES


def test_the_disk_estimate_knows_its_size(added: CodecInfo, tmp_path: Path) -> None:
    order = resolve_job(request_for(tmp_path, added))
    pixels = order.size[0] * order.size[1]
    assert order.codec == added.name
    assert order.estimate()["output_bytes"] == int(pixels * added.bits_per_pixel / 8) * FRAMES > 0


def test_its_parts_are_joined_if_its_frames_stand_alone(added: CodecInfo, tmp_path: Path) -> None:
    parts = []
    for name, frames in (("a", FrameRange(0, 2)), ("b", FrameRange(2, FRAMES))):
        request = request_for(tmp_path, added, str(frames))
        order = resolve_job(request)
        path = output(tmp_path, added, name)
        with open_writer(path, order.spec()) as writer:
            for _ in range(len(frames)):
                writer.write(np.full((*order.size[::-1], 3), 0.5, np.float32))
        parts.append((str(path), frames))
    request = replace(request_for(tmp_path, added), parts=tuple(parts))
    if added.can_join:
        assert join(request)["frames"] == FRAMES
        assert probe(request.output).frames == FRAMES
    else:
        with pytest.raises(OutputError):
            join(request)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"suffixes": ()}, "suffixes"),
        ({"suffixes": ("mov",)}, "suffixes"),
        ({"bits_per_pixel": 0.0}, "disk estimate"),
        ({"containers": ()}, "joined"),
        ({"containers": ("mov", "mxf")}, "muxer"),
    ],
)
def test_an_entry_that_contradicts_itself_is_refused(changed: dict[str, object], problem: str) -> None:
    entry = {name: getattr(DNXHR, name) for name in CodecInfo.__dataclass_fields__}
    assert CodecInfo(**entry) == DNXHR
    with pytest.raises(ValueError, match=problem):
        CodecInfo(**{**entry, **changed})


FULL_RANGE = ("rgb24", "rgba", "rgb48le", "rgba64be", "gbrp", "gbrp10le", "gbrap12le", "gbrp16be", "gbrpf32le")
YUV = (
    "yuv420p",
    "yuv411p",
    "yuv422p",
    "yuv444p",
    "yuv420p10le",
    "yuv422p12le",
    "yuva422p10le",
    "yuv444p12le",
    "yuva444p16le",
)


@pytest.mark.parametrize("pixel_format", [*FULL_RANGE, *YUV])
def test_every_documented_pixel_format_is_written_and_read(pixel_format: str) -> None:
    # The photograph doubled, so that halved chroma loses little.
    picture: Picture = photograph()[:64, :64].repeat(2, 0).repeat(2, 1)
    opacity = np.linspace(0, 1, 128, dtype=np.float32) * np.ones((128, 1), np.float32)
    colour = ColourTags("bt709", "bt709", "bt709", "tv" if pixel_format in YUV else "pc")
    frame = encode_pixels(picture, opacity, pixel_format, colour)
    bits = frame.format.components[0].bits
    back, alpha = decode_pixels(frame, colour)
    halved = pixel_format.startswith(("yuv411", "yuv420", "yuv422", "yuva422"))
    assert _error(back, picture) < (0.01 if halved else 1 / 2**bits)
    assert (alpha is not None) == (len(frame.format.components) == 4)
    if alpha is not None:
        assert _error(alpha, opacity) < 1 / 2**bits


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le", "gray16be", "grayf32le"])
def test_a_grey_format_keeps_the_first_channel(pixel_format: str) -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32) * np.ones((32, 1), np.float32)
    frame = encode_pixels(np.repeat(ramp[..., None], 3, -1), None, pixel_format, ColourTags(range="pc"))
    back, _ = decode_pixels(frame, ColourTags(range="pc"))
    assert _error(back[..., 0], ramp) < 1 / 2 ** frame.format.components[0].bits


@pytest.mark.parametrize("pixel_format", ["nv12", "yuv410p", "yuvj420p", "rgb555le", "bgr24", "ya8"])
def test_a_pixel_format_that_cannot_be_written_is_named(pixel_format: str) -> None:
    with pytest.raises(ValueError, match=pixel_format):
        encode_pixels(photograph(), None, pixel_format, ColourTags(matrix="bt709", range="tv"))


_BY_FFMPEG = [codec for codec in CODECS.values() if codec.library == "ffmpeg"]


@pytest.mark.parametrize("codec", _BY_FFMPEG, ids=lambda codec: codec.name)
def test_every_format_of_every_codec_can_be_written(codec: CodecInfo) -> None:
    for name in filter(None, (codec.pixel_format, codec.alpha_format, codec.grey_format)):
        frame = encode_pixels(photograph(), None, name, ColourTags(matrix="bt709", range="tv"))
        assert frame.format.name == name


def _error(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    return float(np.abs(found - wanted).mean())
