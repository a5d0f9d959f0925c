from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import InputError
from answerprint.frames.clip import ClipInfo
from answerprint.frames.colour import ColourTags
from answerprint.frames.frame import FrameRange

_CLIP = ClipInfo(
    Path("/c.mov"), "file", 720, 576, Fraction(24), 48,
    colour=ColourTags(range="pc"), start_timecode="01:00:00:23", has_audio=True,
)  # fmt: skip


def test_what_is_not_given_stays_as_the_file_says() -> None:
    assert ClipRef.from_settings("/c.mov", None, {}).interpret(_CLIP) == _CLIP


def test_what_an_editor_changed_is_what_counts() -> None:
    given = {"rate": "24000/1001", "start_timecode": "10:00:00:00", "pixel_aspect": "16/15", "levels": "video"}
    clip = ClipRef.from_settings("/c.mov", None, given).interpret(_CLIP)
    assert (clip.rate, clip.start_timecode) == (Fraction(24000, 1001), "10:00:00:00")
    assert (clip.sample_aspect, clip.colour.range, clip.frames) == (Fraction(16, 15), "tv", 48)


def test_sound_is_left_out_where_pictures_are_played_at_another_speed() -> None:
    assert not ClipRef.from_settings("/c.mov", None, {"rate": "25"}).interpret(_CLIP).has_audio
    assert ClipRef.from_settings("/c.mov", None, {"rate": "24"}).interpret(_CLIP).has_audio
    assert not ClipRef.from_settings("/c.mov", None, {"sound": "no"}).interpret(_CLIP).has_audio


def test_a_label_of_the_file_that_the_new_rate_does_not_have_is_left_out() -> None:
    assert ClipRef.from_settings("/c.mov", None, {"rate": "23"}).interpret(_CLIP).start_timecode is None


def test_a_label_of_a_header_counts_at_the_rate_that_it_exists_at() -> None:
    scan = ClipInfo(Path("/p"), "sequence", 64, 48, Fraction(24), 10, header_timecode="10:00:00:24")
    assert ClipRef("/p").interpret(scan).start_timecode is None
    assert ClipRef.from_settings("/p", None, {"rate": "25"}).interpret(scan).start_timecode == "10:00:00:24"


@pytest.mark.parametrize(
    ("handles", "range", "frames"),
    [
        ("8", "20:30", "12:38"),
        ("2,5", "20:30", "18:35"),
        ("8", "3:46", "0:48"),
        ("1", "01:00:01:02:01:00:01:20", "2:22"),
    ],
)
def test_handles_lie_around_a_range_as_far_as_there_are_frames(handles: str, range: str, frames: str) -> None:
    clip = ClipRef.from_settings("/c.mov", range, {"handles": handles})
    info = clip.interpret(_CLIP)
    assert str(clip.frames(info)) == frames
    for other in (
        ClipRef.from_json({**clip.to_json()}),
        ClipRef.from_settings("/c.mov", range, clip.settings()["interpret"]),
    ):
        assert str(other.frames(info)) == frames


def test_a_sequence_gets_the_rate_that_it_could_not_have() -> None:
    plates = ClipInfo(Path("/p"), "sequence", 64, 48, Fraction(24), 10, rate_is_assumed=True)
    assert not ClipRef.from_settings("/c.mov", None, {"rate": "24"}).interpret(plates).rate_is_assumed


@pytest.mark.parametrize(
    "given",
    [
        {"rate": "0"},
        {"rate": "x"},
        {"pixel_aspect": "1/0"},
        {"levels": "auto"},
        {"sound": ""},
        {"hue": "1"},
        {"handles": "8"},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InputError):
        ClipRef.from_settings("/c.mov", None, given)


def test_a_timecode_that_its_rate_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="does not exist"):
        ClipRef.from_settings("/c.mov", None, {"start_timecode": "01:00:00:24"}).interpret(_CLIP)


@pytest.mark.parametrize(
    "damaged",
    [
        {"media": "/a", "range": 5},
        {"media": "/a", "handle_before": "x"},
        {"rate": {"numerator": []}},
        {"editor": 1},
        [],
    ],
)
def test_a_damaged_clip_is_refused(damaged: Any) -> None:  # noqa: ANN401 - as JSON may be
    with pytest.raises(InputError, match="cannot be read"):
        ClipRef.from_json(damaged)


def test_what_only_a_newer_program_knows_of_a_clip_is_left_out() -> None:
    newer = {"media": "/a", "levels": "LEVELS_OF_TOMORROW", "lens": "50 mm", "reel": "A001"}
    assert ClipRef.from_json(newer) == ClipRef("/a", reel="A001")


def test_frames_are_those_of_the_range_and_its_handles_within_the_media() -> None:
    assert ClipRef("/c.mov", FrameRange(4, 40), (10, 8)).frames(_CLIP) == FrameRange(0, 48)
    assert ClipRef("/c.mov", "01:00:01:00:01:00:01:02").frames(_CLIP) == FrameRange(1, 3)
    assert ClipRef("/c.mov").frames(_CLIP) == FrameRange(0, 48)
    with pytest.raises(InputError, match="outside"):
        ClipRef("/c.mov", FrameRange(4, 40), (10, 9)).frames(_CLIP)
