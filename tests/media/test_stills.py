"""Pictures of every format are read code by code, upright, and with what their headers say."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
import tifffile

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import AnswerprintError, MediaError
from answerprint.frames import PixelWindow
from answerprint.frames.timecode import plausible_rate
from answerprint.media import open_reader, probe
from media.makers import make_movie, make_png
from media.pictures import exr_timecode, only_frame, write_dpx, write_exr

SCENE = (-0.5, 0.0, 0.18, 1.0, 4.0, 60.0)  # scene-linear light, below black and far above white


def scene(kind: type[np.floating[Any]]) -> Any:  # noqa: ANN401
    """[H, W, 3]."""
    return np.resize(np.array(SCENE, kind), (8, 12, 3))


@pytest.mark.parametrize("compression", ["ZIP", "ZIPS", "PIZ", "RLE", "NO", "DWAA", "DWAB"])
def test_half_floats_of_an_exr_arrive_as_they_are(tmp_path: Path, compression: str) -> None:
    values = scene(np.float16)
    packed = getattr(OpenEXR, f"{compression}_COMPRESSION")
    picture, alpha = only_frame(write_exr(tmp_path / "a.0001.exr", {"RGB": values}, compression=packed))
    assert alpha is None
    if compression.startswith("DWA"):  # lossy
        np.testing.assert_allclose(picture, values, rtol=0.05, atol=0.02)
    else:
        np.testing.assert_array_equal(picture, values.astype(np.float32))


def test_single_floats_of_exr_and_tiff_arrive_as_they_are(tmp_path: Path) -> None:
    values = scene(np.float32) * np.float32(1.0001)
    np.testing.assert_array_equal(only_frame(write_exr(tmp_path / "a.1.exr", {"RGB": values}))[0], values)
    tifffile.imwrite(tmp_path / "a.1.tif", values, photometric="rgb")
    np.testing.assert_array_equal(only_frame(tmp_path / "a.1.tif")[0], values)
    assert probe(tmp_path / "a.1.tif").bit_depth == 32
    tifffile.imwrite(tmp_path / "h.1.tif", scene(np.float16), photometric="rgb")
    np.testing.assert_array_equal(only_frame(tmp_path / "h.1.tif")[0], scene(np.float16).astype(np.float32))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_every_code_of_a_dpx_comes_back(tmp_path: Path, bits: int, order: str) -> None:
    top = 2**bits - 1
    codes = np.arange(128 * 96 * 3, dtype=np.uint32).reshape(96, 128, 3) * (37 if bits == 16 else 1) % (top + 1)
    info = probe(write_dpx(tmp_path / "a.0001.dpx", codes.astype(np.uint16), bits, order=order))
    assert info.bit_depth == bits
    with open_reader(info) as reader:
        np.testing.assert_array_equal(next(reader).picture, codes.astype(np.float32) / np.float32(top))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_dpx_of_10_bits_without_padding_is_read(tmp_path: Path, order: str) -> None:
    codes = np.random.default_rng(3).integers(0, 1024, (9, 16, 3)).astype(np.uint16)
    path = write_dpx(tmp_path / "a.0001.dpx", codes, 10, order=order)
    bits = np.unpackbits(codes.astype("<u2")[..., None].view(np.uint8), axis=-1, bitorder="little")[..., :10]
    words = np.packbits(bits.reshape(9, -1), axis=1, bitorder="little").view("<u4").astype(order + "u4")
    path.write_bytes(path.read_bytes()[:804] + bytes(2) + path.read_bytes()[806:2048] + words.tobytes())
    np.testing.assert_array_equal(only_frame(path)[0], codes.astype(np.float32) / np.float32(1023))


def test_a_dpx_that_cannot_be_read_is_refused_for_its_own_reason(tmp_path: Path) -> None:
    path = write_dpx(tmp_path / "a.0001.dpx", np.zeros((9, 16, 3), np.uint16), 10)
    path.write_bytes(path.read_bytes()[:806] + b"\0\1" + path.read_bytes()[808:])
    with pytest.raises(MediaError, match="compressed"):
        probe(path)


def test_an_exr_of_whole_numbers_is_no_picture(tmp_path: Path) -> None:
    numbers = np.arange(96, dtype=np.uint32).reshape(8, 12)
    write_exr(tmp_path / "a.1.exr", {name: numbers.copy() for name in "RGB"})
    with pytest.raises(MediaError, match="whole numbers"):
        probe(tmp_path / "a.1.exr")


def test_a_tiff_of_cmyk_is_said_to_be_converted(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.1.tif", np.zeros((8, 12, 4), np.uint8), photometric="separated")
    assert "CMYK" in " ".join(probe(tmp_path / "a.1.tif").notices)


@pytest.mark.parametrize("compression", ["none", "zip", "lzw", "separate"])
def test_every_code_of_a_tiff_comes_back(tmp_path: Path, compression: str) -> None:
    codes = np.random.default_rng(0).integers(0, 65536, (24, 32, 3)).astype(np.uint16)
    if compression == "separate":
        tifffile.imwrite(tmp_path / "a.1.tif", codes.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    else:
        _oiio(tmp_path / "a.1.tif", codes, compression=compression)
    picture, _ = only_frame(tmp_path / "a.1.tif")
    np.testing.assert_array_equal(picture, codes.astype(np.float32) / np.float32(65535))


def _oiio(path: Path, codes: Any, **attributes: Any) -> Path:  # noqa: ANN401
    """Written by OpenImageIO, for formats that nothing else here writes."""
    height, width, channels = codes.shape
    spec = oiio.ImageSpec(width, height, channels, str(codes.dtype))
    for name, value in attributes.items():
        spec.attribute(name, value)
    output = oiio.ImageOutput.create(str(path))
    assert output is not None and output.open(str(path), spec) and output.write_image(codes) and output.close()
    return path


@pytest.mark.parametrize(("samples", "association"), [("unassalpha", False), ("assocalpha", True)])
def test_a_tiff_says_how_its_alpha_is_meant(tmp_path: Path, samples: str, association: bool) -> None:
    codes = np.random.default_rng(1).integers(0, 65536, (8, 12, 4)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.1.tif", codes, photometric="rgb", extrasamples=[samples])
    info = probe(tmp_path / "a.1.tif")
    assert (info.has_alpha, info.premultiplied) == (True, association)
    picture, alpha = only_frame(tmp_path / "a.1.tif")
    assert alpha is not None
    np.testing.assert_array_equal(np.rint(np.dstack([picture, alpha]) * 65535), codes)


def test_the_alpha_of_an_exr_is_multiplied_in_and_stays_so(tmp_path: Path) -> None:
    colour, alpha = scene(np.float16), np.full((8, 12), 0.5, np.float16)
    path = write_exr(tmp_path / "a.1.exr", {"RGBA": np.dstack([colour, alpha])})
    assert probe(path).premultiplied
    picture, read = only_frame(path)
    assert read is not None
    np.testing.assert_array_equal(np.dstack([picture, read]), np.dstack([colour, alpha]).astype(np.float32))


def test_layers_that_are_not_restored_are_named(tmp_path: Path) -> None:
    depth = np.full((8, 12), 7, np.float32)
    path = write_exr(tmp_path / "a.1.exr", {"RGB": scene(np.float16), "Z": depth, "id.X": depth})
    assert probe(path).notices == ("Of the source, these are left out: Z, id.X.",)
    parts = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"Z": depth}, name="depth"),
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {"RGB": scene(np.float32)}, name="beauty"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "b.1.exr"))
    np.testing.assert_array_equal(only_frame(tmp_path / "b.1.exr")[0], scene(np.float32))
    assert probe(tmp_path / "b.1.exr").notices == ("Of the source, these are left out: depth.",)


def test_a_picture_without_its_empty_border_is_put_back_into_it(tmp_path: Path) -> None:
    display = ((0, 0), (19, 9))
    for number, left in ((1, 2), (2, 5)):
        data = ((left, 1), (left + 11, 8))
        write_exr(tmp_path / f"a.{number}.exr", {"RGB": scene(np.float16)}, dataWindow=data, displayWindow=display)
    info = probe(tmp_path)
    assert (info.width, info.height, info.display_window) == (20, 10, None)
    with open_reader(info) as reader:
        for frame, left in zip(reader, (2, 5), strict=True):
            np.testing.assert_array_equal(frame.picture[1:9, left : left + 12], scene(np.float16))
            assert np.count_nonzero(frame.picture) == np.count_nonzero(scene(np.float16))


def test_overscan_is_read_and_its_place_is_known(tmp_path: Path) -> None:
    path = write_exr(
        tmp_path / "a.1.exr", {"RGB": scene(np.float16)}, dataWindow=((-2, -1), (9, 6)), displayWindow=((0, 0), (7, 5))
    )
    info = probe(path)
    assert (info.width, info.height) == (12, 8)
    assert (info.data_window, info.display_window) == (PixelWindow(-2, -1, 12, 8), PixelWindow(0, 0, 8, 6))
    np.testing.assert_array_equal(only_frame(path)[0], scene(np.float16))
    cropped = info.without_overscan()
    assert (cropped.width, cropped.height) == (8, 6)
    with open_reader(cropped) as reader:
        np.testing.assert_array_equal(next(reader).picture, scene(np.float16)[1:7, 2:10])


EXR_RATES = [(Fraction(25), Fraction(25)), (Fraction(24000, 1001), Fraction(24000, 1001))]


@pytest.mark.parametrize(("written", "rate"), [*EXR_RATES, (Fraction(2997, 100), Fraction(30000, 1001))])
def test_rate_and_timecode_of_an_exr_are_those_of_its_header(tmp_path: Path, written: Fraction, rate: Fraction) -> None:
    drop = rate == Fraction(30000, 1001)
    label = (0, 59, 58, 10) if drop else (10, 0, 0, 23)
    path = write_exr(
        tmp_path / "a.1.exr", {"RGB": scene(np.float16)}, framesPerSecond=written, timeCode=exr_timecode(*label, drop)
    )
    info = probe(path)
    assert (info.rate, info.rate_is_assumed) == (rate, False)
    assert info.start_timecode == ("00:59:58;10" if drop else "10:00:00:23")


@pytest.mark.parametrize(
    ("header", "rate", "timecode"),
    [
        ({"rate": 25.0, "timecode": 0x10000024}, Fraction(25), "10:00:00:24"),
        ({"film_rate": 23.976, "timecode": 0x01000000}, Fraction(24000, 1001), "01:00:00:00"),
        ({"rate": 29.97, "timecode": 0x00595850}, Fraction(30000, 1001), "00:59:58;10"),
        ({"timecode": 0x00595850}, Fraction(30000, 1001), "00:59:58;10"),  # at no other rate are numbers dropped
        ({"rate": 50.0, "timecode": 0x01000012 | 1 << 15}, Fraction(50), "01:00:00:25"),  # the second of a pair
        ({"timecode": 0x10000024}, Fraction(24), None),
        ({}, Fraction(24), None),
    ],
)
def test_rate_and_timecode_of_a_dpx_are_those_of_its_header(
    tmp_path: Path, header: dict[str, Any], rate: Fraction, timecode: str | None
) -> None:
    info = probe(write_dpx(tmp_path / "a.1.dpx", np.zeros((8, 12, 3), np.uint16), 10, aspect=(10, 11), **header))
    assert (info.rate, info.start_timecode, info.sample_aspect) == (rate, timecode, Fraction(10, 11))
    assert info.rate_is_assumed == ("rate" not in header and "film_rate" not in header)
    if header:
        assert info.header_timecode  # is not lost where it does not fit an assumed rate


@pytest.mark.parametrize(("bits", "black", "white"), [(8, 16, 235), (10, 64, 940), (16, 4096, 60160)])
def test_video_levels_of_a_scan_count_if_they_are_declared(tmp_path: Path, bits: int, black: int, white: int) -> None:
    codes = np.full((8, 12, 3), white, np.uint16)
    codes[0], codes[1] = black, 2**bits - 1
    info = probe(write_dpx(tmp_path / "a.1.dpx", codes, bits))
    with open_reader(ClipRef("/a", levels="video").interpret(info)) as reader:
        picture = next(reader).picture
    np.testing.assert_allclose((picture[0], picture[2]), (np.zeros((12, 3)), np.ones((12, 3))), atol=1e-6)
    assert picture[1].min() > 1.05
    with open_reader(ClipRef("/a", levels="full").interpret(info)) as reader:
        np.testing.assert_array_equal(next(reader).picture, codes / np.float32(2**bits - 1))


def test_colour_is_tagged_as_the_header_says(tmp_path: Path) -> None:
    black = np.zeros((8, 12, 3), np.uint16)
    for transfer, name in ((2, "linear"), (3, "cineon"), (1, "cineon"), (6, "bt709"), (0, "unknown")):
        assert probe(write_dpx(tmp_path / "a.1.dpx", black, 10, transfer=transfer)).colour.transfer == name
    path = write_exr(tmp_path / "a.1.exr", {"RGB": scene(np.float16)})
    assert (probe(path).colour.transfer, probe(path).colour.primaries) == ("linear", "unknown")
    wide = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
    path = write_exr(tmp_path / "b.1.exr", {"RGB": scene(np.float16)}, chromaticities=wide)
    assert probe(path).colour.primaries == "bt2020"
    path = write_exr(tmp_path / "c.1.exr", {"RGB": scene(np.float16)}, colorInteropID="g24_rec709_display")
    assert probe(path).colour.transfer == "unknown"


@pytest.mark.parametrize("value", [23.976, 24.0, 25, 29.97, 30000 / 1001, 48, 59.94, 119.88])
def test_a_rounded_rate_is_the_one_that_is_meant(value: float) -> None:
    found = plausible_rate(value)
    assert found is not None
    assert found.denominator in (1, 1001)
    assert abs(found - value) < 0.001
    assert plausible_rate(0) is plausible_rate(-1.7e38) is plausible_rate(float("nan")) is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".dpx"])
def test_a_picture_stored_lying_or_mirrored_is_turned_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    seen = np.full((24, 16, 3), 40, np.uint8)
    seen[:12, :8], seen[:12, 8:] = (200, 40, 40), (40, 200, 40)  # red on the left and green on the right of the top
    stored = _stored(seen, orientation)
    path = tmp_path / f"a.1{suffix}"
    if suffix == ".dpx":
        header = (1, 4, 2, 3, 5, 6, 8, 7).index(orientation)
        write_dpx(path, stored.astype(np.uint16), 8, orientation=header)
    else:
        _oiio(path, stored, Orientation=orientation)
    info = probe(path)
    assert (info.width, info.height) == (16, 24)
    picture, _ = only_frame(path)
    assert np.abs(picture - seen / np.float32(255)).mean() < (0.03 if suffix == ".jpg" else 1e-6)


def _stored(seen: Any, orientation: int) -> Any:  # noqa: ANN401
    """How a picture is stored of which row 0 and column 0 are seen where EXIF's code says."""
    ways = {1: "", 2: "h", 3: "hv", 4: "v", 5: "t", 6: "ht", 7: "hvt", 8: "vt"}
    for step in ways[orientation]:
        seen = {"h": seen[:, ::-1], "v": seen[::-1], "t": seen.transpose(1, 0, 2)}[step]
    return np.ascontiguousarray(seen)


@pytest.mark.parametrize("suffix", [".webp", ".bmp", ".tga", ".jp2", ".apng"])
def test_stills_of_less_common_formats_are_read(tmp_path: Path, suffix: str) -> None:
    codes = np.full((64, 96, 3), (200, 90, 40), np.uint8)
    path = tmp_path / f"a.0001{suffix}"
    if suffix == ".apng":
        _oiio(tmp_path / "a.png", codes).rename(path)
    else:
        _oiio(path, codes, CompressionQuality=100)
    info = probe(path)
    assert (info.kind, info.width, info.height, info.frames) == ("sequence", 96, 64, 1)
    np.testing.assert_allclose(only_frame(path)[0], codes / np.float32(255), atol=0.02)


def test_an_avif_is_read(tmp_path: Path) -> None:
    frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), (200, 90, 40), np.uint8), format="rgb24")
    with av.open(str(tmp_path / "a.avif"), "w") as container:
        stream: Any = container.add_stream("libaom-av1" if "libaom-av1" in av.codecs_available else "libsvtav1")
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    np.testing.assert_allclose(only_frame(tmp_path / "a.avif")[0][20, 20], np.array((200, 90, 40)) / 255, atol=0.05)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        ("a.tga", b"hello" * 20, "not a picture"),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50), "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_for_its_own_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError, match=reason) as caught:
        probe(tmp_path / name)
    assert caught.value.remedy


def test_an_animation_is_no_picture(tmp_path: Path) -> None:
    make_movie(tmp_path / "a.apng", [_rgb(shade) for shade in (40, 200)], codec="apng")
    with pytest.raises(MediaError, match="is an animation"):
        probe(tmp_path / "a.apng")


def _rgb(shade: int) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.full((16, 16, 3), shade, np.uint8), format="rgb24")


def test_mutated_pictures_raise_nothing_but_our_errors(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    codes = generator.integers(0, 65536, (8, 12, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", codes, photometric="rgb", compression=None)
    sources = [
        tmp_path / "a.tif",
        make_png(tmp_path / "a.png", codes),
        write_dpx(tmp_path / "a.dpx", (codes >> 6).astype(np.uint16), 10),
        write_exr(tmp_path / "a.exr", {"RGB": scene(np.float16)}),
        _oiio(tmp_path / "a.webp", (codes >> 8).astype(np.uint8)),
    ]
    refused = 0
    for turn in range(200):
        source = sources[turn % len(sources)]
        data = bytearray(source.read_bytes())
        for _ in range(generator.integers(1, 9)):
            data[generator.integers(min(len(data), 600))] = generator.integers(256)
        victim = tmp_path / f"v{source.suffix}"
        victim.write_bytes(data)
        try:
            only_frame(victim)
        except AnswerprintError as error:
            refused += 1
            assert error.remedy
    assert refused
