"""What a source holds beside its film and its sound is named, because no result keeps it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
import tifffile
from av.video.stream import VideoStream
from PIL import Image, ImageCms

from answerprint.errors import MediaError, TruncatedError
from answerprint.frames.colour import ColourTags, resolve_colour
from answerprint.media import open_reader, probe
from answerprint.media.boundary import demuxed
from media.makers import make_movie, numbered_frame

CAPTIONS = b"\xb5\x00\x31GA94\x03\xc1\xff\xfc\x94\x20\xff\x80"
"""SEI of closed captions (ATSC A/53): one pair of bytes."""


def test_tracks_that_are_not_restored_are_named(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        film = container.add_stream("ffv1", rate=25)
        other = container.add_stream("ffv1", rate=25)
        for stream in (film, other):
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.add_attachment("font.ttf", "font/ttf", b"font")
        for index in range(3):
            for stream in (film, other):
                frame = numbered_frame(index)
                frame.pts, frame.time_base = index, Fraction(1, 25)
                container.mux(stream.encode(frame))
        for stream in (film, other):
            container.mux(stream.encode(None))
    assert probe(tmp_path / "in.mkv").notices == (
        "Of the source, these are left out: 1 other video track, 1 attached file.",
    )


def test_closed_captions_in_the_pictures_are_named(tmp_path: Path) -> None:
    data = make_movie(tmp_path / "plain.h264", 3).read_bytes()
    unit = b"\0\0\0\1\x06\x04" + bytes([len(CAPTIONS)]) + CAPTIONS + b"\x80"
    at = data.index(b"\0\0\1\x65") - (data[data.index(b"\0\0\1\x65") - 1] == 0)  # before the first picture
    (tmp_path / "in.h264").write_bytes(data[:at] + unit + data[at:])
    assert probe(tmp_path / "plain.h264").notices == ()
    assert "closed captions" in " ".join(probe(tmp_path / "in.h264").notices)


def test_a_plain_film_with_sound_and_timecode_leaves_nothing_out(tmp_path: Path) -> None:
    assert probe(make_movie(tmp_path / "in.mov", 3, sound="pcm_s16le", timecode="01:00:00:00")).notices == ()


def stills(folder: Path, *names: str) -> None:
    for name in names:
        Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(folder / name, "PNG")


def test_pictures_named_alike_are_named(tmp_path: Path) -> None:
    stills(tmp_path, "p.-1.png", "p.0.png", "p.1.png", "p.02.png", "p.3.PNG", "q.4.png")
    info = probe(tmp_path / "p.%d.png")
    assert info.frames == 2
    assert info.notices == ("Pictures that are named alike are no part of the sequence: p.-1.png, p.02.png, p.3.PNG.",)


def test_a_number_sign_is_answered_with_the_right_form(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        probe(tmp_path / "p.####.png")
    assert "%04d" in caught.value.remedy


def test_an_empty_picture_in_the_middle_is_named(tmp_path: Path) -> None:
    stills(tmp_path, "p.0.png", "p.1.png", "p.2.png")
    (tmp_path / "p.1.png").write_bytes(b"")
    with (
        open_reader(probe(tmp_path / "p.%d.png")) as reader,
        pytest.raises(TruncatedError, match=r"p\.1\.png is empty"),
    ):
        list(reader)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_colour_profile_is_said_unless_it_is_that_of_srgb(tmp_path: Path, suffix: str) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    said = []
    for number, profile in enumerate((lab, srgb)):
        picture = np.full((8, 8, 3), 90, np.uint8)
        if suffix == ".png":
            Image.fromarray(picture).save(tmp_path / f"{number}.png", icc_profile=profile)
        else:
            tifffile.imwrite(tmp_path / f"{number}.tif", picture, photometric="rgb", iccprofile=profile)
        said.append(any("ICC" in notice for notice in probe(tmp_path / f"{number}{suffix}").notices))
    assert said == [True, False]


def test_a_track_that_begins_later_is_noticed() -> None:
    packet = av.Packet(b"1")

    class Container:
        failed = False

        def demux(self, *_: object) -> Iterator[Any]:
            yield packet
            if not self.failed:
                self.failed = True
                raise IndexError  # as PyAV does

    later: list[int] = []
    assert list(demuxed(cast(Any, Container()), on_later=lambda: later.append(1))) == [packet, packet]
    assert later == [1]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_side_data_that_pyav_fails_on_does_no_harm(tmp_path: Path, kind: str) -> None:
    """The name of a profile is freed twice without the cure; EXIF is a kind without a name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[271] = "maker"
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / "in", kind, icc_profile=profile, exif=exif)
    packet = av.Packet((tmp_path / "in").read_bytes())
    with av.open(str(tmp_path / "in.mov"), "w") as container:
        stream = container.add_stream({"PNG": "png", "JPEG": "mjpeg"}[kind], rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, {"PNG": "rgb24", "JPEG": "yuvj420p"}[kind]
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1, 25)
        container.mux(packet)
    for _ in range(5):
        assert probe(tmp_path / "in.mov").frames == 1
        gc.collect()


@pytest.mark.parametrize("height", [480, 2160])
def test_pictures_with_primaries_of_bt2020_get_its_matrix(height: int) -> None:
    assert resolve_colour(ColourTags(primaries="bt2020"), height).matrix == "bt2020nc"
    assert resolve_colour(ColourTags(primaries="bt2020", matrix="bt709"), height).matrix == "bt709"
