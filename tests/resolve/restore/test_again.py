"""One clip and one item, however often it is restored: what is ours is known, and nothing is restored twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from answerprint.resolve.conform.selection import SelectionRule
from answerprint.resolve.put_back import placement
from answerprint.resolve.put_back.ledger import Ledger, LedgerRecord
from fakes.resolve import FakeResolve
from resolve.restore.editor import Editor

ALL = SelectionRule("timeline")


@pytest.fixture
def editor(fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    made = Editor(fake, tmp_path, monkeypatch)
    made.place((20, 32), record=0)
    return made


def test_a_timeline_restored_again_is_as_it_was(editor: Editor) -> None:
    editor.place((40, 50), record=20)
    editor.restore(ALL)
    before = editor.state()
    again = editor.restore(ALL)
    assert (again.jobs, again.refused, again.plan.left_out) == ([], [], {"restored before": 2})
    assert [outcome.state for outcome in editor.outcomes] == ["already", "already"]
    assert editor.state() == before
    assert editor.tracks() == [2, 2]
    assert len(editor.pool()) == 2


def test_a_clip_without_sound_is_restored_again_with_it_and_a_report_alone_is_no_reason(editor: Editor) -> None:
    editor.restore(ALL, audio=False)
    assert editor.restore(ALL, audio=False, sidecar=True).jobs == []
    assert [job.clip.audio for _, job in editor.restore(ALL).jobs] == [None]


def test_the_playhead_over_a_restored_clip_means_its_source(editor: Editor) -> None:
    editor.restore(ALL)
    queued = editor.restore_under(3, again=True)
    (planned, _) = queued.jobs[0]
    assert planned.clip.media == str(editor.film)
    assert editor.restored(range(12)) == list(range(20, 32))
    assert editor.tracks() == [1, 1, 1]


def test_a_track_of_restored_clips_means_their_sources(editor: Editor) -> None:
    editor.restore(ALL)
    editor.restore(SelectionRule("track", "2"))
    assert [outcome.state for outcome in editor.outcomes] == ["already"]
    assert editor.tracks() == [1, 1]


def test_a_hidden_original_is_found_below_its_restoration(editor: Editor) -> None:
    editor.restore(ALL)
    (original,) = editor.fake.items(editor.timeline, 1)
    original.enabled = False
    queued = editor.restore(ALL, again=True)
    assert [planned.clip.media for planned, _ in queued.jobs] == [str(editor.film)]
    assert queued.plan.left_out == {}
    assert editor.restored(range(12)) == list(range(20, 32))


def test_a_second_copy_of_a_clip_is_laid_beside_the_first(editor: Editor) -> None:
    editor.restore(ALL)
    editor.place((20, 32), record=12)
    editor.restore(ALL)
    assert sorted(outcome.state for outcome in editor.outcomes) == ["already", "put"]
    assert editor.restored(range(24)) == [*range(20, 32), *range(20, 32)]
    assert editor.tracks() == [2, 2]
    assert len(editor.pool()) == 1


@pytest.mark.parametrize("put", ["take", "replace"])
def test_a_restored_take_or_file_is_not_restored_once_more(editor: Editor, put: str) -> None:
    handles = 60
    editor.restore(ALL, put, handles=handles)
    assert editor.restored(range(12)) == list(range(20, 32))
    before = editor.state()
    again = editor.restore(ALL, handles=handles, again=True)
    assert (again.jobs, again.reused, again.plan.left_out) == ([], [], {"restored before": 1})
    named = editor.restore_under(3, again=True)
    (refused,) = named.refused
    assert refused.refusal.code == "restored"
    assert "resolve undo" in refused.refusal.remedy
    assert editor.state() == before


def test_clips_of_ours_in_a_bin_are_left_out(editor: Editor) -> None:
    editor.restore(ALL, "pool")
    again = editor.restore(SelectionRule("bin", "Restored/Reel 1"))
    assert (again.jobs, again.plan.left_out) == ([], {"restored before": 1})


@pytest.mark.parametrize("known_by", ["metadata", "marker", "ledger", "job"])
def test_what_is_ours_is_known_by_each_of_its_marks(editor: Editor, known_by: str) -> None:
    editor.restore(ALL)
    (item,) = editor.fake.items(editor.timeline, 2)
    assert item.original is not None
    if known_by != "metadata":
        item.original.SetThirdPartyMetadata(dict.fromkeys(item.original.GetThirdPartyMetadata(), ""))
    if known_by != "marker":
        for frame in list(item.GetMarkers()):
            item.DeleteMarkerAtFrame(frame)
    if known_by != "ledger":
        for file in Ledger().folder.glob("*.json"):
            file.unlink()
    if known_by != "job":
        editor.jobs.clear()
    again = editor.restore_under(3, again=True)
    named = [planned.clip.media for planned, _ in again.jobs] or [each.refusal.code for each in again.refused]
    # Of a marker alone, what the clip was made from is known to nobody.
    assert named == (["restored"] if known_by == "marker" else [str(editor.film)])


def test_a_copy_of_a_restored_clip_elsewhere_is_no_source(editor: Editor) -> None:
    editor.restore(ALL)
    (clip,) = {item.original for item in editor.fake.items(editor.timeline, 2)}
    assert clip is not None
    editor.timeline.place(clip, track=1, record=editor.timeline.start + 40, source=(0, 5))
    assert editor.restore(ALL, again=True).plan.left_out == {"restored before": 2}
    assert [each.refusal.code for each in editor.restore_under(42).refused] == ["restored"]


def test_a_restoration_lies_above_those_of_before(editor: Editor) -> None:
    """Also where a lower track of ours is free: below an older one it would not be seen."""
    second = editor.place((20, 32), record=12)
    editor.restore(ALL)
    editor.restore_under(15, again=True)
    editor.restore_under(15, again=True)
    (low, *_) = [item for item in editor.fake.items(editor.timeline, 2) if item.start == second.start]
    editor.timeline.remove(low)
    editor.restore_under(15, again=True)
    seen = editor.seen(15)
    assert seen is not None
    assert seen.file == list(editor.files)[-1]


def test_a_part_is_laid_over_just_that_part(editor: Editor) -> None:
    queued = editor.restore_between(3, 6)
    assert [outcome.warnings for outcome in editor.outcomes] == [()]
    assert editor.restored(range(3, 7)) == [23, 24, 25, 26]
    assert editor.source([0, 1, 2, 7, 8, 9, 10, 11]) == [20, 21, 22, 27, 28, 29, 30, 31]
    ((planned, _),) = queued.jobs
    assert (planned.place.record - editor.timeline.start, planned.place.duration, planned.place.skip) == (3, 4, 3)


@pytest.mark.parametrize(("head", "tail", "seen"), [(1, 0, range(3, 7)), (5, 0, range(5, 7)), (0, 7, range(3, 5))])
def test_a_part_stays_with_its_frames_where_its_clip_is_trimmed(
    editor: Editor, head: int, tail: int, seen: range
) -> None:
    (item,) = editor.fake.items(editor.timeline, 1)
    editor.restore_between(3, 6)
    editor.undo(editor.units()[0])
    editor.timeline.trim(item, head=head, tail=tail)
    editor.timeline.move(item, item.start + 10)
    editor.bring_back(again=True)
    assert [outcome.did for outcome in editor.outcomes] == ["track"]
    records = [record + 10 for record in seen]
    assert editor.restored(records) == [record + 20 for record in seen]
    assert editor.tracks() == [1, 1]


def test_a_part_that_is_gone_by_then_is_said(editor: Editor) -> None:
    (item,) = editor.fake.items(editor.timeline, 1)
    editor.restore_between(3, 6)
    editor.undo(editor.units()[0])
    editor.timeline.trim(item, head=8)
    editor.bring_back(again=True)
    assert "is no longer on the timeline" in editor.outcomes[0].warnings[0]


def test_two_halves_make_the_whole_and_keep_no_other_clip_from_it(editor: Editor) -> None:
    editor.place((0, 10), record=40)
    editor.restore_between(0, 5)
    editor.restore_between(6, 11)
    jobs = len(editor.jobs)
    queued = editor.restore(ALL, handles=0)
    assert len(editor.jobs) == jobs + 1  # of the other clip
    assert [outcome.state for outcome in editor.outcomes] == ["put", "put"]
    assert queued.refused == []
    assert editor.restored(range(12)) == list(range(20, 32))
    assert editor.restored(range(40, 50)) == list(range(10))
    before = editor.state()
    editor.restore(ALL, handles=0)
    assert [outcome.state for outcome in editor.outcomes] == ["already", "already"]
    assert editor.state() == before


def test_one_clips_damaged_past_keeps_no_clip_from_being_restored(editor: Editor) -> None:
    editor.restore(ALL)
    (id_, job) = next(iter(editor.jobs.items()))
    editor.jobs[id_] = replace(job, clip=replace(job.clip, editor={**job.clip.editor, "answerprint_whole": "{"}))
    editor.undo(id_)
    queued = editor.restore(ALL)
    assert len(queued.jobs) == 1
    assert editor.restored(range(12)) == list(range(20, 32))


def test_undo_knows_every_place_that_a_restoration_went_to(editor: Editor) -> None:
    before = editor.state()
    editor.restore(ALL, "pool")
    editor.restore(ALL, "track")
    assert editor.restored(range(12)) == list(range(20, 32))
    (job,) = editor.units()
    assert editor.undo(job).state == "undone"
    assert editor.state() == before
    assert editor.undo(job).state == "nothing"
    editor.restore(ALL, "track")
    assert editor.restored(range(12)) == list(range(20, 32))
    editor.undo(job)
    assert editor.state() == before


def test_undo_of_a_half_takes_out_what_was_joined_of_it(editor: Editor) -> None:
    before = editor.state()
    editor.restore_between(0, 5)
    editor.restore_between(6, 11)
    editor.restore(ALL, handles=0)
    first, second = editor.units()
    editor.undo(first)
    assert editor.source(range(4)) == [20, 21, 22, 23]
    assert editor.restored(range(6, 12)) == list(range(26, 32))
    editor.undo(second)
    assert editor.state() == before


def test_an_undone_clip_that_is_used_elsewhere_goes_with_a_second_undo(editor: Editor) -> None:
    editor.restore(ALL)
    (item,) = editor.fake.items(editor.timeline, 2)
    assert item.original is not None
    copy = editor.timeline.place(item.original, track=1, record=editor.timeline.start + 40, source=(0, 5))
    (job,) = editor.units()
    assert "used 1 times elsewhere" in editor.undo(job).warnings[0]
    editor.timeline.remove(copy)
    assert editor.undo(job).state == "undone"
    assert editor.pool() == []
    assert editor.undo(job).state == "nothing"


def test_an_item_without_its_clip_is_taken_out_by_its_marker(editor: Editor) -> None:
    editor.restore(ALL)
    (item,) = editor.fake.items(editor.timeline, 2)
    assert item.original is not None
    other = editor.folder / "other.mov"
    other.write_bytes(editor.film.read_bytes())
    item.original.ReplaceClip(str(other))
    item.original.SetThirdPartyMetadata(dict.fromkeys(item.original.GetThirdPartyMetadata(), ""))
    (job,) = editor.units()
    editor.undo(job)
    assert editor.tracks() == [1]
    assert editor.source(range(12)) == list(range(20, 32))


def test_a_record_of_before_is_read(tmp_path: Path) -> None:
    record = LedgerRecord("job", "/x.mov", "p", "t", "i", "track", "track", of=("one",), first=3, stop=9)
    data = json.loads(json.dumps(record.to_json()))
    assert LedgerRecord.from_json(data) == record
    for name in ("of", "first", "stop"):
        del data[name]
    assert LedgerRecord.from_json(data) == replace(record, of=(), first=0, stop=0)
    assert placement.marker_data("job") == "answerprint:job"


def test_a_clip_that_one_place_brought_in_goes_with_the_last_place_that_uses_it(editor: Editor) -> None:
    """It is that place's to remove no more, once that place is undone before the others."""
    before = editor.state()
    editor.restore(ALL, "pool")
    (job,) = editor.units()
    editor.undo(job)
    editor.restore(ALL, "pool")
    (pool,) = editor.outcomes
    editor.restore(ALL, "track")
    (track,) = editor.outcomes
    assert pool.job not in (job, track.job)
    assert editor.undo(pool.job).warnings == ()
    assert editor.restored(range(12)) == list(range(20, 32))
    assert editor.undo(track.job).state == "undone"
    assert editor.state() == before
