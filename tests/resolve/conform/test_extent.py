"""A clip's frames and their labels, from what Resolve and the file say of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from answerprint.resolve.conform.extent import Extent, extent_of
from resolve.conform.resolve_answers import clip_of, media_of
from resolve.conform.situations import ALL, SITUATIONS, Situation


def extent(s: Situation, **properties: str) -> Extent:
    clip = clip_of(s)
    found = extent_of(replace(clip, properties={**clip.properties, **properties}), media_of(s))
    assert isinstance(found, Extent), found
    return found


def timecode_at(extent: Extent, frame: int) -> str:
    """Of a frame of the file; "" where the clip has none."""
    return "" if extent.label is None else str(extent.label.shifted(frame - extent.first))


@pytest.mark.parametrize("s", SITUATIONS, ids=lambda s: s.name)
def test_a_clip_is_the_frames_that_it_is(s: Situation) -> None:
    found = extent(s)
    assert (found.first, found.stop) == (s.part or (0, s.frames))
    assert (found.of_file, found.rate, found.number) == (s.frames, s.rate, s.number or 0)


def test_a_frame_has_the_timecode_that_is_on_it() -> None:
    assert timecode_at(extent(ALL["timecode from ten"]), 30) == "10:00:01:05"
    assert timecode_at(extent(ALL["25 in 25"]), 0) == "00:00:00:00"


def test_timecode_begins_again_after_midnight() -> None:
    assert timecode_at(extent(ALL["timecode over midnight"]), 20) == "00:00:00:05"


def test_drop_frame_stays_drop_frame() -> None:
    found = extent(ALL["59.94 DF in 59.94 DF"])
    assert timecode_at(found, 0) == "00:00:59;50"
    assert timecode_at(found, 10) == "00:01:00;04", "labels 0 to 3 of the minute do not exist"
    colons = extent(ALL["29.97 DF in 29.97 DF"], **{"Start TC": "00:59:58:10", "Drop frame": "1"})
    assert timecode_at(colons, 1) == "00:59:58;11"


def test_the_timecode_of_the_clips_attributes_wins() -> None:
    assert timecode_at(extent(ALL["timecode of the clip's attributes"]), 25) == "02:00:01:00"


def test_a_subclips_timecode_is_of_its_own_first_frame_unless_it_is_the_files() -> None:
    s = ALL["subclip trimmed"]
    assert timecode_at(extent(s), 30) == "10:00:01:05"
    assert timecode_at(extent(s, **{"Start TC": "10:00:00:00"}), 30) == "10:00:01:05"


def test_the_files_timecode_serves_where_resolve_says_none_that_exists() -> None:
    s = ALL["timecode from ten"]
    assert timecode_at(extent(s, **{"Start TC": ""}), 1) == "10:00:00:01"
    assert timecode_at(extent(s, **{"Start TC": "nonsense"}), 1) == "10:00:00:01"
    clip, media = clip_of(s), replace(media_of(s), start_timecode="")
    found = extent_of(replace(clip, properties={**clip.properties, "Start TC": ""}), media)
    assert isinstance(found, Extent)
    assert timecode_at(found, 5) == ""


def test_frames_are_counted_from_start_and_end_where_there_is_no_count() -> None:
    assert extent(ALL["subclip"], Frames="").stop == 90
