"""Whatever cannot be done is refused with exit code 2 and plain words, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from answerprint.cli.main import main
from cli.program import Program, error_lines
from media.makers import make_movie

Prepare = Callable[[Path], object]


def refused(program: Program, *arguments: str, says: str = "") -> None:
    before = program.files()
    result = program.run(*arguments)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    lines = error_lines(result.stderr)
    assert 1 <= len(lines) <= 2, result.stderr
    assert says in "\n".join(lines)
    assert program.files() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["absent.mov", "out.mov"], "does not exist"),
        (["empty", "out.mov"], "has no numbered pictures"),
        (["http://example.org/clip.mov", "out.mov"], "is not a path on this machine"),
        (["concat:clip.mov|clip.mov", "out.mov"], "is not a path on this machine"),
        (["clip.mov", "out.xyz"], "Use one of .mov"),
        (["clip.mov", "out"], "Use one of .mov"),
        (["clip.mov", "empty"], "is a folder"),
        (["clip.mov", "absent/too/out.mov"], "that its disk is connected"),
        (["clip.mov", "taken.mov"], "already exists"),
        (["clip.mov", "clip.mov", "--overwrite"], "is the source."),
        (["clip.mov", "link.mov", "--overwrite"], "is the source."),
        (["clip.mov", "out.png"], "no place for a frame number"),
        (["clip.mov", "out.mov", "--codec", "betamax"], "prores4444"),
        (["clip.mov", "out.mxf", "--codec", "h264"], "Name the output *.mp4"),
        (["clip.mov", "out.mov", "--model", "huge-x9"], "tiny-x4"),
        (["clip.mov", "out.mov", "--task", "depth"], "does not support the task depth"),
        (["clip.mov", "out.mov", "--task", "magic"], "sr"),
        (["clip.mov", "out.mov", "--device", "abacus"], "auto, cpu"),
        (["clip.mov", "out.mov", "--scale", "9"], "at most 4"),
        (["clip.mov", "out.mov", "--scale", "0"], "above 0"),
        (["clip.mov", "out.mov", "--scale", "1/0"], "above 0"),
        (["clip.mov", "out.mov", "--scale", "2", "--size", "9x9"], "exclude each other"),
        (["clip.mov", "out.mov", "--size", "0x9"], "at least 1x1"),
        (["clip.mov", "out.mov", "--size", "big"], "WIDTHxHEIGHT"),
        (["clip.mov", "out.mov", "--steps", "0"], "from 1 to 10000"),
        (["clip.mov", "out.mov", "--steps", "many"], "Give a whole number"),
        (["clip.mov", "out.mov", "--no-sound"], "answerprint restore has no option --no-sound"),
        (["clip.mov", "out.mov", "--levels", "legal"], "Give video or full"),
        (["clip.mov", "out.mov", "--codec", "ffv1", "--like-source"], "exclude each other"),
        (["clip.mov", "out.mov", "--timecode", "1:2:3"], "HH:MM:SS:FF"),
        (["clip.mov", "out.mov", "--timecode", "25:00:00:00"], "from 00 to 23"),
        (["clip.mov", "out.mov", "--rate", "1001"], "from 1 to 1000"),
        (["clip.mov", "out.mov", "--chunk", "-1"], "from 1 to 10000"),
        (["clip.mov", "out.mov", "--seed", "-1"], "from 0"),
        (["clip.mov", "out.mov", "--strength", "1.5"], "from 0 to 1"),
        (["clip.mov", "out.mov", "--strength", "nan"], "from 0 to 1"),
        (["clip.mov", "out.mov", "--noise", "pink"], "independent"),
        (["clip.mov", "out.mov", "--option", "grain=1"], "merge_ratio"),
        (["clip.mov", "out.mov", "--option", "merge_ratio"], "NAME=VALUE"),
        (["clip.mov", "out.mov", "--option", "merge_ratio=2"], "0 to 1"),
        (["clip.mov", "out.mov", "--model", "tiny-x4", "--option", "sampler=dice"], "ddim"),
        (["clip.mov", "out.mov", "--model", "tiny-x4", "--option", "eta=2"], "a number from 0 to 1"),
        (["gap.%02d.png", "out.mov"], "gap.02.png is missing"),
        (["clip.mov", "pipe:1"], "A file of that name is ./pipe:1"),
        (["clip.mov", "n" * 252 + ".mov"], "256 bytes"),
        (["n" * 300 + ".mov", "out.mov"], "304 bytes"),
        (["clip.mov", "ü" * 126 + ".mov"], "256 bytes"),
        (["clip.mov", "a/" * 2100 + "out.mov"], "Paths have at most 4095 bytes"),
        (["clip.mov", "out\udcff.mov"], "is not Unicode"),
        (["\udcff.mov", "out.mov"], "is not Unicode"),
        (["clip.mov", "out.mov "], "Use one of .mov"),
        (["-link.mov", "out.mov"], "write ./-link.mov"),
        (["clip.mov", "two.%04d.%02d.png"], "more than one frame number"),
    ],
)
def test_what_is_known_to_be_wrong_is_refused_at_once(
    arguments: list[str],
    says: str,
    program: Program,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (program.folder / "empty").mkdir()
    (program.folder / "taken.mov").touch()
    os.link(clip, program.folder / "link.mov")
    os.link(clip, program.folder / "-link.mov")
    for number in ("01", "03"):
        (program.folder / f"gap.{number}.png").touch()
    before = program.files()
    monkeypatch.chdir(program.folder)
    monkeypatch.setenv("ANSWERPRINT_HOME", str(program.home))
    assert main(["restore", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, len(error_lines(err)) <= 2, says in err) == ("", True, True), err
    assert program.files() == before
    assert not program.home.exists(), "nothing was started for it"


def _sound_alone(folder: Path) -> None:
    with av.open(str(folder / "in.mov"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _absurd_size(folder: Path) -> None:
    """A true movie whose headers promise pictures of 60000x60000."""
    movie = make_movie(folder / "in.mov", [av.VideoFrame(64, 48, "rgb24")], codec="png")
    forged = bytearray(movie.read_bytes())
    entry = forged.index(struct.pack(">HH", 64, 48), forged.index(b"stsd"))
    forged[entry : entry + 4] = struct.pack(">HH", 60000, 60000)
    header = forged.index(b"IHDR") + 4
    forged[header : header + 8] = struct.pack(">II", 60000, 60000)
    movie.write_bytes(forged)


def _write(content: bytes) -> Prepare:
    return lambda folder: (folder / "in.mov").write_bytes(content)


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(_write(b""), id="no byte"),
        pytest.param(_write(b"Dear diary, today I was renamed.\n" * 99), id="a text"),
        pytest.param(_write(b"#EXTM3U\n#EXTINF:1,\nclip.mov\n"), id="a playlist"),
        pytest.param(_write(b"ffconcat version 1.0\nfile clip.mov\n"), id="a list of files"),
        pytest.param(_sound_alone, id="sound alone"),
        pytest.param(_absurd_size, id="absurd size"),
    ],
)
def test_a_file_that_is_no_clip_is_refused(prepare: Prepare, studio: Program, clip: Path) -> None:
    prepare(studio.folder)
    refused(studio, "restore", "in.mov", "out.mov", says="in.mov")


@pytest.mark.parametrize(("numbers", "says"), [("10:99", "0:12"), ("soon", "A:B")])
def test_a_range_outside_the_clip_is_refused_with_the_valid_one(
    numbers: str, says: str, studio: Program, clip: Path
) -> None:
    before = studio.run("jobs", "list", "--all", "--json").stdout
    refused(studio, "restore", "clip.mov", "out.mov", "--range", numbers, says=says)
    assert studio.run("jobs", "list", "--all", "--json").stdout == before, "what was refused stays as a job"


def test_a_frame_outside_the_clip_is_refused(studio: Program, clip: Path) -> None:
    before = studio.run("jobs", "list", "--all", "--json").stdout
    refused(studio, "preview", "clip.mov", "--frame", "12", says="Frames run from 0 to 11")
    assert studio.run("jobs", "list", "--all", "--json").stdout == before, "what was refused stays as a job"


def test_of_many_the_possible_ones_are_queued_and_the_others_are_said(studio: Program, clip: Path) -> None:
    (studio.folder / "poem.mov").write_text("Not a film.")
    before = json.loads(studio.run("jobs", "list", "--all", "--json").stdout)
    result = studio.run("queue", "add", "poem.mov", "clip.mov", "--not-before", "+2h")
    assert result.returncode == 2
    assert "poem.mov cannot be read as video" in result.stderr
    assert "1 of 2 jobs is queued." in result.stderr
    after = json.loads(studio.run("jobs", "list", "--all", "--json").stdout)
    (new,) = [job for job in after if job["id"] not in {each["id"] for each in before}]
    assert (new["label"], new["frames_total"]) == ("clip.mov", 12)
    assert studio.run("jobs", "cancel", new["id"]).returncode == 0


def test_a_folder_that_cannot_be_written_to_is_refused(studio: Program, clip: Path) -> None:
    locked = Path("/proc")  # nobody can make files there, not even root
    if not locked.is_dir() and os.geteuid() != 0:
        locked = studio.folder / "locked"
        locked.mkdir(mode=0o500)
    refused(studio, "restore", "clip.mov", str(locked / "out.mov"), says="cannot be written")


def test_a_device_that_is_not_there_is_refused(studio: Program, clip: Path) -> None:
    refused(studio, "restore", "clip.mov", "out.mov", "--device", "cuda:99", says="cuda:99")


def test_a_clip_cut_short_says_how_much_of_it_there_is(studio: Program) -> None:
    movie = make_movie(studio.folder / "in.mkv", codec="ffv1", options={"g": "1"})
    movie.write_bytes(movie.read_bytes()[: movie.stat().st_size * 6 // 10])
    result = studio.run("restore", "in.mkv", "out.mov", "--steps", "1", "--chunk", "2")
    assert result.returncode == 4
    lines = error_lines(result.stderr)
    assert re.search(r"\b[1-9]\d? of 12 frames", lines[0])
    assert len(lines) == 2
    assert "Traceback" not in result.stderr
    assert studio.files() == {"in.mkv"}


def test_a_refusal_with_json_is_one_error_event(program: Program) -> None:
    result = program.run("restore", "absent.mov", "out.mov", "--json")
    assert result.returncode == 2
    event = json.loads(result.stdout)
    assert {key: event[key] for key in ("event", "code", "remedy")} == {
        "event": "error",
        "code": "bad_media",
        "remedy": "Check the path.",
    }
