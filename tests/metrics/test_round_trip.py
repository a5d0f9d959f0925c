"""`answerprint compare` says whether a clip came back as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from answerprint import child
from answerprint.cli.context import Context
from answerprint.cli.main import main as answerprint_main
from answerprint.frames.output_spec import OutputSpec
from answerprint.media import find_fields, open_reader, open_writer, probe
from answerprint.metrics import prove
from answerprint.metrics.round_trip import choose_range, measure_round_trip
from media.interlace import film, interlaced, moments
from media.makers import fill, make_movie, numbered_frame

LOSSLESS: dict[str, Any] = {"codec": "ffv1", "tags": (1, 1, 1, 1), "timecode": "01:00:00:00", "sound": "pcm_s16le"}


def asked(first: Path, second: Path, **more: object) -> str:
    plain: dict[str, object] = {"range": None, "psnr": None, "ignore": [], "sheet": None, "json": True}
    return json.dumps({"first": str(first), "second": str(second), **plain, **more})


def compared(capsys: pytest.CaptureFixture[str], first: Path, second: Path, **more: object) -> dict[str, Any]:
    """What the program says, with its exit code as `code`."""
    code = prove.main([asked(first, second, **more)])
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {**said, "code": code, "what": [each["what"] for each in said.get("differences", ())]}


def test_a_copy_in_another_container_is_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = make_movie(tmp_path / "a.mkv", 4, **LOSSLESS)
    second = make_movie(tmp_path / "b.mkv", 4, **LOSSLESS | {"options": {"level": "3", "slices": "4"}})
    found = compared(capsys, first, second)
    assert (found["code"], found["equal"], found["frames"], found["differences"]) == (0, True, 4, [])
    assert (found["psnr"], found["worst_psnr"], len(found["sound"])) == ([None] * 4, None, 1)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"timecode": "01:00:00:01"}, ["timecode"]),
        ({"tags": (9, 16, 9, 2)}, ["primaries", "transfer", "matrix", "levels", "pictures"]),
        ({"rate": Fraction(24)}, ["rate", "sound 1"]),
        ({"sound": None}, ["sound tracks"]),
        ({"frames": 3}, ["frames", "sound 1"]),
        ({"frames": [numbered_frame(n) for n in (0, 2, 1, 3)]}, ["pictures", "order"]),
    ],
    ids=lambda each: " ".join(each),
)
def test_what_is_lost_is_named_and_gives_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], what: list[str]
) -> None:
    first = make_movie(tmp_path / "a.mkv", 4, **LOSSLESS)
    second = make_movie(tmp_path / "b.mkv", **{"frames": 4, **LOSSLESS, **change})
    found = compared(capsys, first, second, range="0:4" if "timecode" in change else None)
    assert (found["code"], found["what"]) == (1, what)
    if what == ["pictures", "order"]:
        assert found["misplaced"] == [1, 2]
    names = [each.split()[0] for each in what if each not in ("pictures", "order")]
    rest = compared(capsys, first, second, range="0:4" if "timecode" in change else None, ignore=names)
    assert rest["what"] == [each for each in what if each in ("pictures", "order")]


def test_part_of_a_clip_is_found_by_its_timecode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = make_movie(tmp_path / "a.mkv", 8, **LOSSLESS | {"sound": None})
    part = [numbered_frame(n) for n in (3, 4, 5)]
    second = make_movie(tmp_path / "b.mkv", part, **LOSSLESS | {"sound": None, "timecode": "01:00:00:03"})
    found = compared(capsys, first, second)
    assert (found["range"], found["psnr"]) == ([3, 6], [None] * 3)
    # A script must not take what lacks frames for the whole: only who says the range means a part.
    assert (found["code"], found["differences"]) == (1, [{"what": "frames", "first": "8", "second": "3"}])
    assert prove.main([asked(first, second, json=False)]) == 1
    assert "say so: --range 3:6\n" in capsys.readouterr().out
    assert compared(capsys, first, second, range="3:6")["code"] == 0
    assert compared(capsys, first, second, ignore=["frames"])["code"] == 0
    assert compared(capsys, first, second, range="2:5")["code"] == 1
    assert choose_range(probe(second), probe(first), None) == probe(second).whole


def test_pictures_that_cannot_be_compared_are_not_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = make_movie(tmp_path / "a.mkv", 2, **LOSSLESS)
    second = make_movie(tmp_path / "b.mkv", [numbered_frame(n, 80, 48) for n in range(2)], **LOSSLESS)
    found = compared(capsys, first, second, ignore=["size"])
    assert (found["code"], found["frames"], found["what"]) == (1, 0, ["pictures"])
    assert prove.main([asked(first, second, json=False)]) == 1
    said = capsys.readouterr().out
    assert "0 frames compared\n" in said
    assert "different: pictures: the sizes cannot be compared; wanted: 2 frames" in said
    assert "equal\n" not in said


def test_tape_without_a_flag_is_compared_as_it_is_restored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = tmp_path / "tape.mkv"
    film(tape, interlaced(moments(12)))
    info = find_fields(probe(tape))
    with (
        open_reader(info) as reader,
        open_writer(tmp_path / "a.mkv", OutputSpec.for_clip(info, info.whole, "ffv1")) as writer,
    ):
        for frame in reader:
            writer.write(frame.picture)
    found = compared(capsys, tape, tmp_path / "a.mkv", psnr=45.0, ignore=["fields", "matrix", "levels"])
    assert (found["code"], found["frames"]) == (0, 6), found
    assert compared(capsys, tape, tmp_path / "a.mkv", psnr=45.0)["what"][0] == "fields"


def test_rgb_needs_no_matrix_and_no_levels(tmp_path: Path) -> None:
    first = probe(
        make_movie(tmp_path / "a.mov", [numbered_frame(n).reformat(format="rgb24") for n in range(2)], codec="png")
    )
    tagged = replace(first, colour=replace(first.colour, matrix="gbr", range="pc"))
    bare = replace(first, colour=replace(first.colour, matrix="unknown", range="unknown"))
    assert measure_round_trip(bare, tagged, first.whole).differences == []


def test_one_sample_of_sound_counts_and_so_does_the_shape_of_a_pixel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_movie(tmp_path / "a.mkv", 4, **LOSSLESS)
    monkeypatch.setattr("media.makers.sound_at", lambda sample: (sample % 32000 - 16000 + (sample == 99)).astype("i2"))
    second = make_movie(tmp_path / "b.mkv", 4, **LOSSLESS)
    source = probe(first)
    (only,) = measure_round_trip(source, probe(second), source.whole).differences
    assert only.what == "sound 1"
    (shape,) = measure_round_trip(source, replace(source, sample_aspect=Fraction(4, 3)), source.whole).differences
    assert (shape.what, shape.second) == ("pixel aspect", "4/3")
    assert only.first.split(", sha256")[0] == only.second.split(", sha256")[0]


def test_a_larger_copy_is_compared_at_the_size_of_the_source_within_a_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make_movie(tmp_path / "a.mkv", 2, **LOSSLESS)
    large = [numbered_frame(n, 128, 96) for n in range(2)]
    fill(large[1], 0, np.full((96, 4), 196, np.uint8))
    second = make_movie(tmp_path / "b.mkv", large, **LOSSLESS)
    found = compared(capsys, first, second, ignore=["size"])
    assert (found["code"], found["psnr"][0]) == (1, None)
    assert 30 < found["psnr"][1] < 60
    sheet = tmp_path / "sheet.png"
    assert compared(capsys, first, second, ignore=["size"], psnr=30.0, sheet=str(sheet))["code"] == 0
    assert probe(sheet).width == 3 * 64
    again = compared(capsys, first, second, sheet=str(sheet))
    assert (again["code"], again["event"]) == (2, "error")


def test_the_command_passes_on_what_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_movie(tmp_path / "a.mkv", 2, **LOSSLESS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))

    def here(kind: str, arguments: list[str], context: Context) -> int:
        return child.main([kind, *arguments])

    monkeypatch.setattr("answerprint.cli.compare.forward", here)
    assert answerprint_main(["compare", "a.mkv", "a.mkv"]) == 0
    assert answerprint_main(["compare", "a.mkv", "absent.mkv"]) == 2
    assert answerprint_main(["compare", "a.mkv", "a.mkv", "--ignore", "range", "--ignore", "levels"]) == 0
