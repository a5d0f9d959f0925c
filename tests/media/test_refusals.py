"""What cannot be read is refused in plain words, and nothing else is opened on the way."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from answerprint.errors import AnswerprintError, MediaError, TruncatedError
from answerprint.frames import FrameRange
from answerprint.media import open_reader, probe
from media.makers import make_movie, make_png, png_bytes


def assert_plain(error: AnswerprintError) -> None:
    """One line that says what is wrong, and a remedy."""
    assert error.message
    assert "\n" not in error.message
    assert "Traceback" not in error.message
    assert error.remedy


def refuse(path: Path | str) -> MediaError:
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert_plain(caught.value)
    return caught.value


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refuse(tmp_path / "no.mov").message


URLS = ["http://example.invalid/a.mp4", "concat:a.mp4|b.mp4", "rtsp://x/y", "pipe:0", "data:,"]


@pytest.mark.parametrize("text", URLS)
def test_urls_and_protocols_are_refused(text: str) -> None:
    assert "only files on this machine" in refuse(text).message


def test_a_file_named_like_a_protocol_is_only_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_movie(tmp_path / "plain.mp4")
    (tmp_path / "plain.mp4").rename(tmp_path / "concat:x")
    assert probe("concat:x").frames == 12


@pytest.mark.parametrize("content", [b"", b"not a movie\n" * 50, b"\0" * 5000])
def test_other_files_renamed_to_mov_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mov"
    path.write_bytes(content)
    refuse(path)


@pytest.mark.parametrize(
    ("content", "message", "remedy"),
    [
        (b"", "is empty: it has 0 bytes", "again"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is a PNG picture, not a video", ".png"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "is a JPEG picture, not a video", ".jpg"),
    ],
    ids=["empty", "png", "jpeg"],
)
def test_what_is_no_video_is_named(tmp_path: Path, content: bytes, message: str, remedy: str) -> None:
    path = tmp_path / "clip.mov"
    path.write_bytes(content)
    error = refuse(path)
    assert message in error.message
    assert remedy in error.remedy


def test_a_file_that_ends_in_its_header_is_not_blamed_on_the_disk_alone(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "clip.mkv")
    path.write_bytes(path.read_bytes()[:300])
    assert "cut short" in refuse(path).message


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000)
        frame = av.AudioFrame(format="s16", layout="stereo", samples=1024)
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
    assert "no video" in refuse(path).message


def test_a_device_and_a_pipe_are_refused_without_opening_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mov")  # opening it would wait for ever
    assert "not a regular file" in refuse(tmp_path / "pipe.mov").message
    assert "not a regular file" in refuse("/dev/zero").message


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    assert "no numbered pictures" in refuse(tmp_path).message


@pytest.mark.parametrize(("width", "height"), [(60000, 60000), (20000, 16000), (16385, 8), (2**31 - 1, 1), (0, 5)])
def test_absurd_sizes_of_a_picture_are_refused_before_memory_is_taken(tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "a.0001.png").write_bytes(png_bytes(width, height, 8, bytes(100)))
    before = peak_memory_bytes()
    refuse(tmp_path / "a.0001.png")
    assert peak_memory_bytes() - before < 64 * 2**20


def peak_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_absurd_sizes_of_a_movie_are_refused(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "clip.mov", codec="png", frames=[gray_png_frame()])
    data = path.read_bytes()
    small = struct.pack(">HH", 64, 48)
    entry = data.index(b"stsd")
    place = data.index(small, entry)
    png = data.index(b"IHDR") + 4
    forged = bytearray(data)
    forged[place : place + 4] = struct.pack(">HH", 60000, 60000)
    forged[png : png + 8] = struct.pack(">II", 60000, 60000)
    path.write_bytes(forged)
    refuse(path)


def gray_png_frame() -> av.VideoFrame:
    return av.VideoFrame(64, 48, "rgb24")


def test_a_picture_that_is_not_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.0001.png").write_bytes(b"hello")
    assert "not a picture" in refuse(tmp_path).message


def test_a_picture_of_another_size_ends_the_reading(tmp_path: Path) -> None:
    make_png(tmp_path / "a.1.png", np.zeros((8, 8, 3), np.uint16))
    make_png(tmp_path / "a.2.png", np.zeros((8, 9, 3), np.uint16))
    with open_reader(probe(tmp_path)) as reader, pytest.raises(MediaError, match="9x8"):
        list(reader)


def cut(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def test_a_movie_cut_short_says_how_much_of_it_could_be_read(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "clip.mkv", codec="ffv1", options={"g": "1"})
    whole = probe(path)
    cut(path, 0.6)
    info = probe(path)
    assert info.frames == whole.frames == 12  # what the header promises
    done = 0
    with open_reader(info) as reader, pytest.raises(TruncatedError, match=r"\d+ of 12 frames") as caught:
        for _ in reader:
            done += 1
    assert 0 < done < 12
    assert f"{done} of 12 frames" in str(caught.value)
    assert_plain(caught.value)
    with open_reader(info, FrameRange(0, done)) as reader:  # the remedy works
        assert len(list(reader)) == done


def test_a_movie_that_shrinks_after_it_was_probed_is_truncated_not_done(tmp_path: Path) -> None:
    path = make_movie(tmp_path / "clip.mkv", codec="ffv1", options={"g": "1"}, sound="pcm_s16le")
    info = probe(path)
    cut(path, 0.5)
    with open_reader(info) as reader, pytest.raises(TruncatedError, match="of 12 frames"):
        list(reader)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_mp4_that_was_never_finished_is_refused(tmp_path: Path, share: float) -> None:
    path = make_movie(tmp_path / "clip.mp4")
    cut(path, share)
    assert "never finished" in refuse(path).message


@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
def test_a_streamable_mp4_cut_anywhere_is_never_read_as_whole(tmp_path: Path, share: float) -> None:
    path = make_movie(tmp_path / "clip.mp4", 40, container_options={"movflags": "faststart"}, options={"g": "5"})
    size = path.stat().st_size
    cut(path, share)
    assert path.stat().st_size < size
    with pytest.raises((MediaError, TruncatedError)), open_reader(probe(path)) as reader:
        list(reader)


@contextmanager
def opened_files(folder: Path) -> Iterator[set[str]]:
    """Collect the names of files of a folder that anything in this process opens, C libraries included (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert descriptor >= 0
    names: set[str] = set()
    try:
        in_open = 0x20
        assert libc.inotify_add_watch(descriptor, os.fsencode(folder), in_open) >= 0
        yield names
        try:
            events = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            events = b""
        while events:
            (length,) = struct.unpack_from("I", events, 12)
            names.add(events[16 : 16 + length].rstrip(b"\0").decode())
            events = events[16 + length :]
    finally:
        os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{canary}\n#EXT-X-ENDLIST\n"),
        ("list.mov", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{canary}\n#EXT-X-ENDLIST\n"),
        ("list.mp4", "ffconcat version 1.0\nfile '{canary}'\n"),
        ("list.mkv", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n"),
        ("list.mpd", "<?xml version='1.0'?><MPD><Period><BaseURL>{canary}</BaseURL></Period></MPD>"),
    ],
)
def test_a_playlist_is_refused_and_opens_no_other_file(tmp_path: Path, name: str, content: str) -> None:
    media = tmp_path / "media"
    media.mkdir()
    canary = make_movie(media / "canary.mp4")
    playlist = tmp_path / name
    playlist.write_text(content.format(canary=canary))
    with opened_files(media) as opened:
        probe(canary)
    assert opened == {"canary.mp4"}  # the trap works
    with opened_files(media) as opened:
        refuse(playlist)
    assert opened == set()


def test_mutated_files_raise_nothing_but_our_errors(tmp_path: Path) -> None:
    """A small seeded mutation run; it found no crash so far, and guards the boundary against foreign exceptions."""
    generator = np.random.default_rng(7)
    sources = [make_movie(tmp_path / f"clip{suffix}", 6, sound=None) for suffix in (".mp4", ".mkv", ".avi")]
    for turn in range(150):
        source = sources[turn % len(sources)]
        data = bytearray(source.read_bytes())
        for _ in range(generator.integers(1, 13)):
            data[generator.integers(len(data))] = generator.integers(256)
        victim = tmp_path / f"victim{source.suffix}"
        victim.write_bytes(data)
        try:
            with open_reader(probe(victim)) as reader:
                for _ in reader:
                    pass
        except AnswerprintError as error:
            assert_plain(error)
