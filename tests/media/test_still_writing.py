"""EXR, DPX and TIFF as other programs read them: every sample, and a header that says what the source's said."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
import tifffile
from skimage import data

from answerprint.api.request import RestoreRequest
from answerprint.frames import ClipInfo, ColourTags, FrameRange, OutputSpec, Picture, Plane
from answerprint.media import open_reader, open_writer, probe
from answerprint.media.provenance import read_provenance
from answerprint.worker.resolved_job import resolve_job
from media.pictures import exr_timecode, only_frame, read_dpx, read_exr, write_dpx, write_exr

SCENE = np.resize(np.array((-0.5, 0.0, 0.18, 1.0, 4.0, 60.0), np.float16), (6, 8, 3))
ALPHA = np.tile(np.linspace(0, 1, 8, dtype=np.float32), (6, 1))
MADE = {"answerprint_job": "7f", "answerprint_version": "1"}


def restored(source: Path, output: Path, codec: str, **more: Any) -> list[Path]:  # noqa: ANN401
    """The files of a clip that goes through unchanged; more: fields of its OutputSpec."""
    info = probe(source)
    spec = replace(OutputSpec.for_clip(info, info.whole, codec, provenance=MADE), **more)
    return passed_on(info, info.whole, output, spec)


def passed_on(info: ClipInfo, frames: FrameRange, output: Path, spec: OutputSpec) -> list[Path]:
    with open_reader(info, frames) as reader, open_writer(output, spec) as writer:
        for frame in reader:
            writer.write(frame.picture, frame.alpha)
    return sorted(output.parent.glob(f"{output.name.split('%')[0]}*{output.suffix}"))


def written(path: Path, codec: str, picture: Picture, alpha: Plane | None = None, **more: Any) -> Path:  # noqa: ANN401
    height, width = picture.shape[:2]
    spec = OutputSpec(width, height, Fraction(25), codec, alpha=alpha is not None, **more)
    with open_writer(path, spec) as writer:
        writer.write(picture, alpha)
    return path.with_name(path.name % spec.first_number)


@pytest.mark.parametrize(("codec", "kind"), [("exr", np.float32), ("exr-half", np.float16)])
def test_floats_of_an_exr_stay_what_they_were(tmp_path: Path, codec: str, kind: type[np.floating[Any]]) -> None:
    source = write_exr(tmp_path / "a.0001.exr", {"RGB": SCENE})
    (file,) = restored(source, tmp_path / "o.%04d.exr", codec)
    header, channels = read_exr(file)
    assert {name: each.dtype for name, each in channels.items()} == dict.fromkeys("RGB", np.dtype(kind))
    np.testing.assert_array_equal(np.stack([channels[name] for name in "RGB"], -1), SCENE.astype(kind))
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION


def test_values_beyond_half_precision_become_its_largest_not_infinite(tmp_path: Path) -> None:
    file = written(tmp_path / "o.%04d.exr", "exr-half", np.full((6, 8, 3), 1e6, np.float32))
    assert read_exr(file)[1]["R"].max() == 65504


def test_dwaa_is_small_and_close(tmp_path: Path) -> None:
    picture = np.asarray(data.chelsea()[:128, :192], np.float32) / np.float32(255)
    small, large = (written(tmp_path / f"{name}.%04d.exr", name, picture) for name in ("exr-half-dwaa", "exr-half"))
    header, channels = read_exr(small)
    assert header["compression"] == OpenEXR.DWAA_COMPRESSION
    assert np.abs(np.stack([channels[name] for name in "RGB"], -1) - picture).mean() < 0.004
    assert small.stat().st_size < large.stat().st_size


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_every_code_of_a_dpx_is_written(tmp_path: Path, bits: int) -> None:
    codes = (np.arange(96 * 128 * 3) * (5 if bits == 16 else 1) % 2**bits).astype(np.uint16).reshape(96, 128, 3)
    source = write_dpx(tmp_path / "a.0001.dpx", codes, bits, rate=25.0)
    (file,) = restored(source, tmp_path / "o.%04d.dpx", f"dpx-{bits}bit")
    fields, found = read_dpx(file)
    assert fields["bits"] == bits
    np.testing.assert_array_equal(found, codes)
    np.testing.assert_array_equal(only_frame(file)[0], codes.astype(np.float32) / np.float32(2**bits - 1))


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_samples_of_a_tiff_stay_what_they_were(tmp_path: Path, bits: int) -> None:
    samples: Any = SCENE.astype(np.float32) * np.float32(1.001)
    if bits < 32:
        samples = np.random.default_rng(1).integers(0, 2**bits, (6, 8, 3)).astype(f"u{bits // 8}")
    tifffile.imwrite(tmp_path / "a.0001.tif", samples, photometric="rgb", description="slate 7", metadata=None)
    codec = "tiff-float" if bits == 32 else "tiff"
    (file,) = restored(tmp_path / "a.0001.tif", tmp_path / "o.%04d.tif", codec)
    np.testing.assert_array_equal(tifffile.imread(file), samples.astype(np.uint16) * 257 if bits == 8 else samples)
    assert read_provenance(file) == {**MADE, "answerprint_source_description": "slate 7"}


def test_the_header_of_an_exr_is_kept_and_counts_on(tmp_path: Path) -> None:
    own: dict[str, Any] = {
        "framesPerSecond": Fraction(25),
        "pixelAspectRatio": 2.0,
        "owner": "the owner",
        "reelName": "A007R2",
        "com.camera.iso": 800,
        "expTime": 0.02,
        "chromaticities": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    }
    for number in range(3):
        header = {**own, "timeCode": exr_timecode(10, 0, 0, 23 + number), "frameNote": f"take {number}"}
        write_exr(tmp_path / f"a.{number + 1001}.exr", {"RGB": SCENE}, **header)
    info = probe(tmp_path / "a.%04d.exr")
    assert info.metadata.reel == "A007R2"
    spec = OutputSpec.for_clip(info, FrameRange(1, 3), "exr-half", provenance=MADE)
    files = passed_on(info, FrameRange(1, 3), tmp_path / "o.%04d.exr", spec)
    assert [file.name for file in files] == ["o.1002.exr", "o.1003.exr"]
    for file, label, note in zip(files, ((10, 0, 0, 24), (10, 0, 1, 0)), ("take 1", "take 2"), strict=True):
        header, _ = read_exr(file)
        code = header["timeCode"]
        assert (code.hours, code.minutes, code.seconds, code.frame) == label
        assert header["frameNote"] == note
        assert Fraction(str(header["framesPerSecond"])) == 25
        assert (header["owner"], header["com.camera.iso"], header["reelName"]) == ("the owner", 800, "A007R2")
        assert header["expTime"] == np.float32(0.02)
        assert header["pixelAspectRatio"] == 2
        np.testing.assert_allclose(header["chromaticities"], own["chromaticities"], atol=1e-6)
        assert read_provenance(file) == MADE


def test_the_header_of_a_dpx_is_kept_and_counts_on(tmp_path: Path) -> None:
    black = np.zeros((6, 8, 3), np.uint16)
    for number in range(2):
        path = write_dpx(
            tmp_path / f"a.{number + 1}.dpx", black, 10, rate=29.97, timecode=0x00595968 + number, transfer=3,
            aspect=(10, 11),
        )  # fmt: skip
        content = bytearray(path.read_bytes())
        content[1556:1588] = b"A007R2".ljust(32, b"\0")
        path.write_bytes(content)
    files = restored(tmp_path / "a.%d.dpx", tmp_path / "o.%d.dpx", "dpx-10bit")
    for file, timecode in zip(files, (0x00595968, 0x00595969), strict=True):
        fields, _ = read_dpx(file)
        assert fields["timecode"] == timecode
        assert abs(fields["rate"] - 30000 / 1001) < 1e-5
        assert (fields["transfer"], fields["colorimetric"], fields["aspect"]) == (3, 3, (10, 11))
        assert fields["device"] == "A007R2"
        assert read_provenance(file) == MADE
    assert probe(tmp_path / "o.%d.dpx").rate == Fraction(30000, 1001)


def test_a_clip_that_is_not_linear_does_not_become_so_in_an_exr(tmp_path: Path) -> None:
    picture = np.full((6, 8, 3), 0.5, np.float32)
    file = written(tmp_path / "o.%04d.exr", "exr", picture, colour=ColourTags("bt709", "bt709", "bt709", "tv"))
    assert read_exr(file)[0]["colorInteropID"] == "g24_rec709_display"
    assert probe(file).colour.transfer == "unknown"
    file = written(tmp_path / "l.%04d.exr", "exr", picture, colour=ColourTags("bt709", "linear"))
    assert "colorInteropID" not in read_exr(file)[0]
    assert probe(file).colour == ColourTags("bt709", "linear")


@pytest.mark.parametrize(("samples", "meant"), [("unassalpha", 2), ("assocalpha", 1)])
def test_a_tiff_keeps_the_association_of_its_alpha(tmp_path: Path, samples: str, meant: int) -> None:
    codes = np.random.default_rng(1).integers(0, 65536, (6, 8, 4)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.1.tif", codes, photometric="rgb", extrasamples=[samples])
    (file,) = restored(tmp_path / "a.1.tif", tmp_path / "o.%d.tif", "tiff")
    np.testing.assert_array_equal(tifffile.imread(file), codes)
    with tifffile.TiffFile(file) as opened:
        assert [int(kind) for kind in opened.pages[0].aspage().extrasamples] == [meant]


def test_alpha_is_multiplied_in_where_the_format_asks_for_it_and_nowhere_else(tmp_path: Path) -> None:
    colour = np.full((6, 8, 3), 0.75, np.float32)
    file = written(tmp_path / "o.%04d.exr", "exr", colour, ALPHA)  # of a straight source
    _, channels = read_exr(file)
    np.testing.assert_allclose(channels["R"], 0.75 * ALPHA, atol=1e-6)
    (again,) = restored(file, tmp_path / "again.%04d.exr", "exr")
    np.testing.assert_array_equal(read_exr(again)[1]["R"], channels["R"])
    (straight,) = restored(file, tmp_path / "p.%04d.png", "png")
    picture, alpha = only_frame(straight)
    assert alpha is not None
    np.testing.assert_allclose(alpha, ALPHA, atol=1e-5)
    np.testing.assert_allclose(picture[:, 1:], 0.75, atol=1e-4)


def overscanned(path: Path) -> Path:
    return write_exr(path, {"RGB": SCENE}, dataWindow=((-2, -1), (5, 4)), displayWindow=((0, 0), (3, 2)))


def test_overscan_is_enlarged_with_the_picture(tmp_path: Path) -> None:
    info = probe(overscanned(tmp_path / "a.0001.exr"))
    spec = OutputSpec.for_clip(info, info.whole, "exr-half", size=(16, 12))
    with open_writer(tmp_path / "o.%04d.exr", spec) as writer:
        writer.write(np.repeat(np.repeat(SCENE.astype(np.float32), 2, 0), 2, 1))
    header, channels = read_exr(tmp_path / "o.0000.exr")
    windows = [
        tuple(tuple(int(side) for side in corner) for corner in header[name])
        for name in ("dataWindow", "displayWindow")
    ]
    assert windows == [((-4, -2), (11, 9)), ((0, 0), (7, 5))]
    assert channels["R"].shape == (12, 16)


@pytest.mark.parametrize(("output", "size", "said"), [("o.%04d.exr", (8, 6), ""), ("o.%04d.png", (4, 3), "overscan")])
def test_overscan_that_the_codec_cannot_hold_is_left_out_with_a_word(
    tmp_path: Path, output: str, size: tuple[int, int], said: str
) -> None:
    source = overscanned(tmp_path / "a.0001.exr")
    request = {"input": str(source), "output": str(tmp_path / output), "model": "identity"}
    job = resolve_job(RestoreRequest.from_json(request))
    assert job.size == size
    assert len([notice for notice in job.notices if "overscan" in notice]) == bool(said)


def test_alpha_that_the_codec_cannot_hold_is_left_out_with_a_word(tmp_path: Path) -> None:
    source = written(tmp_path / "a.%04d.exr", "exr", np.zeros((6, 8, 3), np.float32), ALPHA)
    request = {"input": str(source), "output": str(tmp_path / "o.%04d.dpx"), "model": "identity"}
    assert [notice for notice in resolve_job(RestoreRequest.from_json(request)).notices if "alpha" in notice]


@pytest.mark.parametrize("codec", ["exr-half", "dpx-10bit", "tiff"])
def test_the_same_picture_gives_the_same_bytes(tmp_path: Path, codec: str) -> None:
    suffix = {"exr-half": "exr", "dpx-10bit": "dpx", "tiff": "tif"}[codec]
    picture = np.random.default_rng(3).random((6, 8, 3), np.float32)
    one, two = (written(tmp_path / f"{name}.%d.{suffix}", codec, picture, provenance=MADE) for name in "ab")
    assert one.read_bytes() == two.read_bytes()
