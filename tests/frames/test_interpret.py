from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from answerprint.api.interpretation import Interpretation
from answerprint.errors import InputError
from answerprint.frames.clip import ClipInfo
from answerprint.frames.colour import ColourTags

_CLIP = ClipInfo(
    Path("/c.mov"), "file", 720, 576, Fraction(24), 48,
    colour=ColourTags(range="pc"), start_timecode="01:00:00:23", has_audio=True,
)  # fmt: skip


def test_what_is_not_given_stays_as_the_file_says() -> None:
    assert Interpretation.parse({}).of(_CLIP) == _CLIP


def test_what_an_editor_changed_is_what_counts() -> None:
    given = {"rate": "24000/1001", "start_timecode": "10:00:00:00", "pixel_aspect": "16/15", "levels": "video"}
    clip = Interpretation.parse(given).of(_CLIP)
    assert (clip.rate, clip.start_timecode) == (Fraction(24000, 1001), "10:00:00:00")
    assert (clip.sample_aspect, clip.colour.range, clip.frames) == (Fraction(16, 15), "tv", 48)


def test_sound_is_left_out_where_pictures_are_played_at_another_speed() -> None:
    assert not Interpretation.parse({"rate": "25"}).of(_CLIP).has_audio
    assert Interpretation.parse({"rate": "24"}).of(_CLIP).has_audio
    assert not Interpretation.parse({"sound": "no"}).of(_CLIP).has_audio


def test_a_label_of_the_file_that_the_new_rate_does_not_have_is_left_out() -> None:
    assert Interpretation.parse({"rate": "23"}).of(_CLIP).start_timecode is None


def test_a_sequence_gets_the_rate_that_it_could_not_have() -> None:
    plates = ClipInfo(Path("/p"), "sequence", 64, 48, Fraction(24), 10, rate_is_assumed=True)
    assert not Interpretation.parse({"rate": "24"}).of(plates).rate_is_assumed


@pytest.mark.parametrize(
    "given",
    [{"rate": "0"}, {"rate": "x"}, {"pixel_aspect": "1/0"}, {"levels": "auto"}, {"sound": ""}, {"hue": "1"}],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InputError):
        Interpretation.parse(given)


def test_a_timecode_that_its_rate_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="does not exist"):
        Interpretation.parse({"start_timecode": "01:00:00:24"}).of(_CLIP)
