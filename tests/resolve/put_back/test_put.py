"""A clip that was put back shows, frame for frame, what the source showed."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from fakes.resolve.quirks import Quirks
from resolve.conftest import MakeFake
from resolve.put_back.put_back_case import make_case

NTSC = Fraction(1000, 1001)

SITUATIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "from the first frame": {"source": (0, 20)},
    "to the last frame": {"source": (40, 60)},
    "one frame": {"source": (30, 31)},
    "no handles": {"handles": 0},
    "subclip": {"subclip": (10, 50)},
    "sequence": {"sequence": True},
    "sequence to sequence": {"sequence": True, "restored_sequence": True},
    "file to sequence": {"restored_sequence": True},
    "drop frame": {"rate": 30 * NTSC, "timeline_rate": "29.97 DF"},
    "50p in 25p": {"rate": 50, "source": (20, 40)},
    "24 in 25": {"rate": 24, "source": (10, 40)},
    "24 in 25, between frames": {"rate": 24, "source": (10 + Fraction(2, 25), 40)},
    "23.976 in 24": {"rate": 24 * NTSC, "timeline_rate": 24},
    "25 in 29.97": {"rate": 25, "timeline_rate": "29.97 DF"},
    "59.94 in 23.976": {"rate": 60 * NTSC, "timeline_rate": "23.976", "source": (10, 50)},
    "25 in 50": {"rate": 25, "timeline_rate": 50, "source": (10, 25)},
    "third track": {"track": 3},
    "with sound": {"sound": "pcm_s16le"},
}

QUIRKS: dict[str, Quirks] = {
    "as measured": Quirks(),
    "last frame exclusive": Quirks(append_end="exclusive"),
    "lengths to the nearest": Quirks(append_floors=False),
    "items begin late": Quirks(append_moves_start=1),
    "no source frames": Quirks(source_frames_unknown=True),
    "source frames low": Quirks(source_start_low="all"),
    "offsets in source frames": Quirks(offsets_in_timeline_frames=False),
    "keeps fractions": Quirks(append_cuts_fractions=False),
    "counts from 0": Quirks(sequence_numbers=False),
    "dropped for nothing": Quirks(hollow_items=False),
    "takes exact": Quirks(take_keeps_one_more=False),
    "dictionaries fail": Quirks(import_dict_fails=True),
    "other language": Quirks(language="zh"),
}


BETWEEN = "24 in 25, between frames"
NO_ROOM = ("from the first frame", "to the last frame", "no handles")


def pairs(situations: Iterable[str], quirks: Iterable[str], few: tuple[str, ...]) -> list[ParameterSet]:
    """Every pair; all but a few are slow, unless the quirks are as measured."""
    every = ((situation, quirk) for situation in situations for quirk in quirks)
    return [
        pytest.param(*each, marks=() if each[1] == "as measured" or each[0] in few else pytest.mark.slow)
        for each in every
    ]


def can_be(mode: str, situation: str, quirks: str) -> bool:
    """Whether the API can show the same frames at all."""
    if situation == BETWEEN:  # begins between two source frames, which only a fraction can say
        return mode == "track" and quirks == "keeps fractions"
    # To begin in time it would have to be told to begin a frame before the first, or end after the last.
    return mode == "take" or quirks != "items begin late" or situation not in NO_ROOM


@pytest.mark.parametrize("mode", ["track", "take"])
@pytest.mark.parametrize(
    ("situation", "quirks"), pairs(SITUATIONS, QUIRKS, ("24 in 25", "sequence to sequence", "to the last frame"))
)
def test_no_record_frame_ever_shows_another_frame(
    situation: str, quirks: str, mode: str, make_fake: MakeFake, tmp_path: Path
) -> None:
    case = make_case(make_fake(quirks=QUIRKS[quirks]), tmp_path, mode=mode, **SITUATIONS[situation])
    outcome = case.put()
    assert len(case.restored_clips()) == 1
    if can_be(mode, situation, quirks):
        assert (outcome.did, outcome.warnings) == (mode, ())
        assert tuple(case.sees_restored()) == case.before
    else:
        assert (outcome.did, len(outcome.warnings)) == ("pool", 1)
        assert tuple(case.sees_source()) == case.before
        assert (len(case.timeline.tracks["video"]), case.item.takes) == (case.place.track, [])


RETIMES: dict[str, dict[str, Any]] = {
    "200 %": {"speed": 2, "source": (10, 50)},
    "50 %": {"speed": Fraction(1, 2), "source": (20, 30)},
    "50 %, odd": {"speed": Fraction(1, 2), "source": (20, 30), "duration": 19},
    "33 %": {"speed": Fraction(1, 3), "source": (20, 27)},
    "reversed": {"speed": -1, "source": (20, 40)},
    "reversed with long handles": {"speed": -1, "source": (20, 30), "handles": 20},
    "reversed, twice as fast": {"speed": -2, "source": (20, 40)},
    "freeze, long handles": {"speed": 0, "source": (20, 21), "duration": 10, "handles": 20},
    "freeze": {"speed": 0, "source": (20, 21), "duration": 30, "handles": 2},
    "50p in 25p at 200 %": {"speed": 2, "rate": 50, "source": (0, 40)},
    "24 in 25 at 50 %": {"speed": Fraction(1, 2), "rate": 24, "source": (0, 12)},
}
SPEED_QUIRKS = ("as measured", "last frame exclusive", "source frames low", "offsets in source frames", "counts from 0")
# At half the speed lengths are even, a third is no whole percentage, and 12 frames of 24 are no whole number of 25.
ODD_LENGTHS = ("50 %, odd", "33 %", "24 in 25 at 50 %")


@pytest.mark.parametrize("mode", ["track", "take"])
@pytest.mark.parametrize(("situation", "quirks"), pairs(RETIMES, SPEED_QUIRKS, ("reversed",)))
def test_a_retimed_item_shows_its_frames_at_its_speed(
    situation: str, quirks: str, mode: str, make_fake: MakeFake, tmp_path: Path
) -> None:
    fake = make_fake(version=(21, 1, 0), quirks=QUIRKS[quirks])
    case = make_case(fake, tmp_path, mode=mode, **RETIMES[situation])
    outcome = case.put()
    unclear = "reversed" in situation and quirks == "offsets in source frames"
    if unclear or (mode == "track" and situation in ODD_LENGTHS):
        assert (outcome.did, len(outcome.warnings)) == ("pool", 1)
        assert tuple(case.sees_source()) == case.before
        assert len(case.timeline.tracks["video"]) == 1
    else:
        assert (outcome.did, outcome.warnings) == (mode, ())
        assert tuple(case.sees_restored()) == case.before
