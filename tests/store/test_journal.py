"""The journal: what it keeps, in which order, and what it refuses."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import ChunkRefusedError, JobRecord, JobState, UnknownJobError
from answerprint.api.types import NotFoundError
from answerprint.errors import InputError
from answerprint.store.journal import Journal
from store.builders import FRAMES, QUEUED, add, chunk_event, commit, job, receipt

ANY = frozenset(JobState)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "state" / "journal.db", clock=Clock()) as opened:
        yield opened


class Clock:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def end(journal: Journal, job_id: str, state: JobState = JobState.DONE) -> None:
    assert journal.change(job_id, when=ANY, state=state)[1]


@pytest.mark.skipif(os.name == "nt", reason="file modes are those of POSIX")
def test_the_journal_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    with Journal.open(folder / "journal.db") as journal:
        add(journal)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert "journal.db" in modes


def test_a_commit_waits_for_the_disk(journal: Journal) -> None:
    connection = journal._connection
    assert [connection.rows(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "foreign_keys")] == [
        "wal", 2, 1,
    ]  # fmt: skip


def test_a_job_comes_back_as_it_was_added(journal: Journal) -> None:
    given = job(
        "a \udcff name", clip=ClipRef(reel="A001"), lane="cuda:0", priority=5, not_before=1e9, facts={"x": [1, 2.5]}
    )
    kept, created = journal.add(given, QUEUED)
    assert created
    assert (kept.number, kept.last_sequence, kept.created) == (1, 1, 1_001.0)
    assert dataclasses.replace(kept, number=0, last_sequence=0, created=0.0, position=0.0) == given
    assert journal.get(given.id) == kept


def test_the_same_id_twice_is_the_same_job(journal: Journal) -> None:
    first = add(journal)
    again, created = journal.add(dataclasses.replace(job("other"), id=first.id), QUEUED)
    assert not created
    assert again == first
    assert len(journal.events(first.id)) == 1


@pytest.mark.parametrize("bad", ["", "1", "../../etc", "A" * 36, "{0}", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"])
def test_an_id_that_is_no_canonical_uuid_is_refused(journal: Journal, bad: str) -> None:
    with pytest.raises(InputError):
        journal.add(dataclasses.replace(job(), id=bad), QUEUED)
    assert sum(journal.counts().values()) == 0


def test_numbers_are_never_given_twice(journal: Journal) -> None:
    first = add(journal)
    end(journal, first.id)
    journal.delete(first.id)
    assert add(journal).number == first.number + 1


def test_a_job_is_found_by_id_number_and_the_start_of_its_id(journal: Journal) -> None:
    kept, _ = journal.add(job(id="abcd0000-0000-4000-8000-000000000000"), QUEUED)
    for reference in (kept.id, kept.id.upper(), "1", "abcd", "abcd0000-0", " abcd "):
        assert journal.find(reference) == kept


def test_what_names_no_job_or_several_is_not_found(journal: Journal) -> None:
    for tail in "12":
        journal.add(job(id=f"abcd0000-0000-4000-8000-00000000000{tail}"), QUEUED)
    for reference in (
        "",
        "7",
        "abc",
        "abce",
        "abcd",
        "%",
        "____",
        "9" * 40,
        "²",
        "abcd0000-0000-4000-8000-000000000001x",
    ):
        with pytest.raises(UnknownJobError) as refusal:
            journal.find(reference)
        assert refusal.value.code == "not_found"
    assert NotFoundError is UnknownJobError


def test_a_number_comes_before_the_start_of_an_id(journal: Journal) -> None:
    first, _ = journal.add(job(id="00010000-0000-4000-8000-000000000000"), QUEUED)
    assert journal.find("0001") == first
    add(journal)
    assert journal.find("0002").number == 2


def test_a_page_has_work_first_then_the_queue_then_history(journal: Journal) -> None:
    jobs = {name: add(journal, label=name) for name in ("done", "low", "failed", "run", "paused", "mux", "queued")}
    journal.change(jobs["low"].id, when=ANY, priority=-1)
    journal.change(jobs["mux"].id, when=ANY, priority=3, state=JobState.MUXING)
    journal.change(jobs["run"].id, when=ANY, state=JobState.RUNNING)
    journal.change(jobs["paused"].id, when=ANY, state=JobState.PAUSED)
    end(journal, jobs["failed"].id, JobState.FAILED)
    end(journal, jobs["done"].id)
    wanted = ["mux", "run", "paused", "queued", "low", "done", "failed"]
    assert [each.label for each in journal.page()[0]] == wanted
    assert [each.label for each in journal.in_states({JobState.QUEUED, JobState.DONE})] == ["queued", "low", "done"]
    assert {each.label for each in journal.running()} == {"mux", "run"}
    assert journal.counts() == {
        state: 2 if state is JobState.QUEUED else state is not JobState.CANCELLED for state in ANY
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_together_are_the_whole_list_once(journal: Journal, limit: int) -> None:
    for index in range(7):
        kept = add(journal, priority=index % 2)
        if index % 3 == 0:
            end(journal, kept.id)
    seen: list[int] = []
    token = ""
    while True:
        jobs, token, total = journal.page((), limit, token)
        seen += [each.number for each in jobs]
        assert total == 7
        assert len(jobs) <= limit
        if not token:
            break
    assert seen == [each.number for each in journal.page()[0]]


@pytest.mark.parametrize(
    "token", ["x", "1:2", "9:0:0:0", "-1:0:0:0", "0:a:0:0", "0:0:nan:0", f"0:{2**70}:0:0", "0:0:inf:0"]
)
def test_a_token_that_is_none_is_refused(journal: Journal, token: str) -> None:
    with pytest.raises(InputError):
        journal.page(token=token)


def test_the_next_job_is_due_of_the_lane_and_first_in_the_queue(journal: Journal) -> None:
    late = add(journal, label="late", not_before=500.0, priority=9)
    first, second = add(journal, label="first"), add(journal, label="second", lane="cuda:1")
    urgent = add(journal, label="urgent", priority=1)
    add(journal, label="paused", state=JobState.PAUSED, priority=50)
    assert [each.label for each in journal.ready(499.0, None, 9)] == ["urgent", "first", "second"]
    assert journal.ready(500.0) == [late]
    assert journal.ready(0.0, {"cuda:1"}) == [second]
    assert journal.ready(0.0, {"cpu"}) == []
    assert journal.ready(0.0, set()) == []
    assert journal.ready(0.0, {"auto"}, 2) == [urgent, first]


def test_the_next_time_to_look_is_that_of_the_next_job_that_becomes_due(journal: Journal) -> None:
    assert journal.next_wakeup(0.0) is None
    for due in (300.0, 100.0, 200.0):
        add(journal, not_before=due)
    add(journal, not_before=150.0, state=JobState.PAUSED)
    assert journal.next_wakeup(100.0) == 200.0
    assert journal.next_wakeup(300.0) is None


def test_only_one_caller_is_told_that_the_job_was_moved(journal: Journal) -> None:
    kept = add(journal)
    event = {"event": "state", "state": "cancelled"}
    first = journal.change(kept.id, when={JobState.QUEUED}, event=event, state=JobState.CANCELLED)
    second = journal.change(kept.id, when={JobState.QUEUED}, event=event, state=JobState.CANCELLED)
    assert (first[1], second[1]) == (True, False)
    assert first[0] == second[0]
    assert [each.event for each in journal.events(kept.id)] == [QUEUED, event]


def test_times_follow_from_the_state(journal: Journal) -> None:
    kept = add(journal)
    run, _ = journal.change(kept.id, when=ANY, state=JobState.RUNNING)
    assert run.started is not None
    journal.change(kept.id, when=ANY, state=JobState.QUEUED)
    again, _ = journal.change(kept.id, when=ANY, state=JobState.RUNNING)
    assert again.started == run.started
    failed, _ = journal.change(kept.id, when=ANY, state=JobState.FAILED, problem={"code": "x"})
    assert failed.ended is not None
    assert failed.ended > run.started
    retried, _ = journal.change(kept.id, when=ANY, state=JobState.QUEUED, problem=None)
    assert (retried.ended, retried.problem) == (None, None)
    assert [each.number for each in journal.page({JobState.QUEUED})[0]] == [kept.number]


def test_fields_that_the_journal_itself_sets_cannot_be_changed(journal: Journal) -> None:
    kept = add(journal)
    for name in ("id", "number", "kind", "frames_done", "last_sequence", "position", "created", "nonsense"):
        fields: dict[str, Any] = {name: 1}
        with pytest.raises(TypeError):
            journal.change(kept.id, when=ANY, event=None, **fields)
    assert journal.get(kept.id) == kept


def test_a_change_that_cannot_be_kept_changes_nothing(journal: Journal) -> None:
    kept = add(journal)
    with pytest.raises(ValueError, match="JSON"):
        journal.change(kept.id, when=ANY, event={"event": "warning", "value": float("nan")}, rung=3)
    assert journal.get(kept.id) == kept
    assert journal.change(kept.id, when=ANY, rung=3)[0].rung == 3


def test_an_unknown_job_is_said_to_be_unknown_by_every_call(journal: Journal) -> None:
    gone = job().id
    for call in (
        lambda: journal.get(gone),
        lambda: journal.change(gone, when=ANY, rung=1),
        lambda: journal.move(gone, priority=1),
        lambda: journal.delete(gone),
        lambda: journal.append(gone, QUEUED),
        lambda: journal.events(gone),
        lambda: journal.chunks(gone),
        lambda: journal.last_chunk(gone),
        lambda: journal.chunk_with_frame(gone, 0),
        lambda: journal.drop_chunks(gone, 0),
        lambda: commit(journal, receipt(gone, 0)),
    ):
        with pytest.raises(UnknownJobError):
            call()


def test_a_job_moves_to_the_front_and_the_back_of_its_priority(journal: Journal) -> None:
    names = ["a", "b", "c"]
    jobs = {name: add(journal, label=name) for name in names}

    def order() -> str:
        return "".join(each.label for each in journal.ready(0.0, None, 9))

    journal.move(jobs["c"].id, place="first")
    assert order() == "cab"
    journal.move(jobs["c"].id, place="last")
    assert order() == "abc"
    add(journal, label="d")
    assert order() == "abcd"
    journal.move(jobs["b"].id, priority=2)
    assert order() == "bacd"
    moved, _ = journal.move(jobs["b"].id, not_before=50.0)
    assert moved.not_before == 50.0
    assert order() == "acd"
    journal.move(jobs["b"].id, not_before=0)
    assert order() == "bacd"


def test_a_job_that_has_ended_is_not_moved(journal: Journal) -> None:
    kept = add(journal)
    end(journal, kept.id)
    same, moved = journal.move(kept.id, priority=9)
    assert not moved
    assert same.priority == 0


def test_only_what_has_ended_is_deleted_and_then_wholly(journal: Journal) -> None:
    kept = add(journal)
    commit(journal, receipt(kept.id, 0))
    assert not journal.delete(kept.id)
    assert journal.get(kept.id).frames_done == FRAMES
    end(journal, kept.id)
    assert journal.delete(kept.id)
    for table in ("jobs", "events", "chunks"):
        assert journal._connection.rows(f"SELECT * FROM {table}") == []  # noqa: S608


def test_history_expires_by_age_and_by_number_the_oldest_first(journal: Journal) -> None:
    jobs = [add(journal, label=str(index)) for index in range(5)]
    for each in (jobs[1], jobs[3], jobs[0]):
        end(journal, each.id)  # the clock goes on by one second a call

    def labels(found: list[JobRecord]) -> list[str]:
        return [each.label for each in found]

    assert labels(journal.expired(keep_jobs=1)) == ["1", "3"]
    assert labels(journal.expired(keep_jobs=0)) == ["1", "3", "0"]
    assert labels(journal.expired(keep_jobs=9)) == []
    assert labels(journal.expired()) == []
    assert labels(journal.expired(older_than_seconds=0, limit=2)) == ["1", "3"]
    assert labels(journal.expired(older_than_seconds=1.5)) == ["1"]
    assert labels(journal.expired(older_than_seconds=1e9)) == []


DAY = 86400.0
YEARS = 26 * 365 * DAY
QUARTER = 90 * DAY


class SetClock:
    """A wall clock that somebody sets."""

    def __init__(self) -> None:
        self.now = YEARS

    def __call__(self) -> float:
        return self.now


def ended_at(path: Path, times: Iterable[float]) -> tuple[Journal, SetClock]:
    """A journal of jobs that ended when the clock said so."""
    clock = SetClock()
    journal = Journal.open(path, clock=clock)
    for each in times:
        clock.now = each
        end(journal, add(journal, label=f"{each / DAY:g}").id)
    return journal, clock


@pytest.mark.parametrize("jump", [QUARTER, YEARS, -YEARS, 1e300])
@pytest.mark.parametrize("up_seconds", [75.0, 1e6])
def test_a_clock_that_is_set_makes_no_job_old(tmp_path: Path, jump: float, up_seconds: float) -> None:
    """A machine without a clock battery boots in 2000, works, and gets the time from the network, or the reverse."""
    journal, clock = ended_at(tmp_path / "j.db", [YEARS, YEARS + 60])
    with journal:
        clock.now += jump
        assert journal.expired(older_than_seconds=QUARTER, up_seconds=up_seconds) == []
        end(journal, add(journal).id)
        clock.now = YEARS + 200
        assert journal.expired(older_than_seconds=QUARTER, up_seconds=up_seconds) == []


def test_a_day_with_a_wrong_clock_is_not_more_than_a_day(tmp_path: Path) -> None:
    times = [YEARS + day * DAY + (YEARS if day % 2 else 0) for day in range(8)]
    journal, _ = ended_at(tmp_path / "j.db", times)
    with journal:
        assert journal.expired(older_than_seconds=9 * DAY, up_seconds=1e9) == []


def test_days_on_which_jobs_ended_make_those_before_old(tmp_path: Path) -> None:
    journal, clock = ended_at(tmp_path / "j.db", [day * DAY for day in range(12)])
    with journal:
        clock.now += DAY
        found = [each.label for each in journal.expired(older_than_seconds=9 * DAY, up_seconds=DAY)]
        assert found == ["0", "1", "2"]


def test_what_was_reported_and_not_delivered_never_expires(journal: Journal) -> None:
    failed, empty, done = (add(journal, label=label) for label in ("chunks", "none", "done"))
    commit(journal, receipt(failed.id, 0))
    commit(journal, receipt(done.id, 0))
    for each, state in ((failed, JobState.FAILED), (empty, JobState.FAILED), (done, JobState.DONE)):
        end(journal, each.id, state)
    found = journal.expired(older_than_seconds=0, keep_jobs=0, up_seconds=1e9)
    assert [each.label for each in found] == ["none", "done"]


def test_events_are_numbered_without_gaps_and_read_from_any_number(journal: Journal) -> None:
    kept, other = add(journal), add(journal)
    for index in range(5):
        assert journal.append(kept.id, {"event": "warning", "message": str(index)}).sequence == index + 2
        journal.append(other.id, {"event": "warning", "message": "x"})
    assert [each.sequence for each in journal.events(kept.id)] == [1, 2, 3, 4, 5, 6]
    assert [each.event["message"] for each in journal.events(kept.id, after=3, limit=2)] == ["2", "3"]
    assert journal.events(kept.id, after=6) == []
    assert journal.get(kept.id).last_sequence == 6


def test_a_chunk_counts_with_its_event_or_not_at_all(journal: Journal) -> None:
    kept = add(journal)
    journal.change(kept.id, when=ANY, failures=2)
    made = receipt(kept.id, 0)
    sequence = journal.commit_chunk(made, chunk_event(made), seconds=2.5)
    after = journal.get(kept.id)
    assert (after.frames_done, after.seconds, after.failures, after.fingerprint) == (FRAMES, 2.5, 0, "f1")
    assert after.last_sequence == sequence == 2
    assert journal.events(kept.id)[-1].event == chunk_event(made)
    assert journal.chunks(kept.id) == [made] == [journal.last_chunk(kept.id)]


def test_the_same_receipt_again_changes_nothing(journal: Journal) -> None:
    kept = add(journal)
    made = receipt(kept.id, 0)
    assert commit(journal, made) == commit(journal, made)
    assert journal.get(kept.id).frames_done == FRAMES
    assert len(journal.events(kept.id)) == 2


def test_a_chunk_that_does_not_continue_the_job_is_refused(journal: Journal) -> None:
    kept = add(journal)
    commit(journal, receipt(kept.id, 0))
    good = receipt(kept.id, 1)
    before = journal.get(kept.id), journal.events(kept.id)
    for bad in (
        receipt(kept.id, 2),
        dataclasses.replace(good, first=FRAMES - 1),
        dataclasses.replace(good, first=FRAMES + 1),
        dataclasses.replace(good, fingerprint="other"),
        dataclasses.replace(receipt(kept.id, 0), recipe={"tile": 32}),
    ):
        with pytest.raises(ChunkRefusedError):
            commit(journal, bad)
        assert (journal.get(kept.id), journal.events(kept.id)) == before
    commit(journal, good)
    assert journal.get(kept.id).frames_done == 2 * FRAMES


def test_the_first_chunk_is_number_zero_of_the_known_fingerprint(journal: Journal) -> None:
    kept = add(journal)
    journal.change(kept.id, when=ANY, fingerprint="f2")
    for bad in (receipt(kept.id, 1, fingerprint="f2"), receipt(kept.id, 0, fingerprint="f1")):
        with pytest.raises(ChunkRefusedError):
            commit(journal, bad)
    commit(journal, receipt(kept.id, 0, fingerprint="f2"))


def test_chunks_of_two_fingerprints_never_stand_side_by_side(journal: Journal) -> None:
    kept = add(journal)
    commit(journal, receipt(kept.id, 0, fingerprint="f1"))
    journal.change(kept.id, when=ANY, fingerprint="")
    with pytest.raises(ChunkRefusedError):
        commit(journal, receipt(kept.id, 1, fingerprint="f2"))


def test_a_chunk_of_a_job_that_has_ended_is_refused(journal: Journal) -> None:
    kept = add(journal)
    end(journal, kept.id, JobState.CANCELLED)
    with pytest.raises(ChunkRefusedError, match="cancelled"):
        commit(journal, receipt(kept.id, 0))


def test_the_chunk_of_a_frame_is_found(journal: Journal) -> None:
    kept = add(journal)
    made = [receipt(kept.id, chunk) for chunk in range(3)]
    for each in made:
        commit(journal, each)
    for frame in range(3 * FRAMES):
        assert journal.chunk_with_frame(kept.id, frame) == made[frame // FRAMES]
    assert journal.chunk_with_frame(kept.id, 3 * FRAMES) is None
    assert journal.chunk_with_frame(kept.id, -1) is None
    assert journal.chunk_bytes(kept.id) == 3 * len(b"picture")


def test_dropped_chunks_no_longer_count_and_can_be_made_again(journal: Journal) -> None:
    kept = add(journal)
    made = [receipt(kept.id, chunk) for chunk in range(3)]
    for each in made:
        commit(journal, each)
    event = {"event": "warning", "message": "lost"}
    assert journal.drop_chunks(kept.id, 1, event) == made[1:]
    after = journal.get(kept.id)
    assert (after.frames_done, after.fingerprint) == (FRAMES, "f1")
    assert journal.events(kept.id)[-1].event == event
    commit(journal, made[1])
    journal.drop_chunks(kept.id, 0)
    assert journal.get(kept.id).fingerprint == ""
    commit(journal, receipt(kept.id, 0, fingerprint="f2"))


def test_nothing_dropped_is_nothing_said(journal: Journal) -> None:
    kept = add(journal)
    commit(journal, receipt(kept.id, 0))
    assert journal.drop_chunks(kept.id, 1, {"event": "warning", "message": "lost"}) == []
    assert len(journal.events(kept.id)) == 2


def test_closing_leaves_one_file_and_all_of_it_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    with Journal.open(path) as journal:
        kept = add(journal)
        commit(journal, receipt(kept.id, 0))
        whole = journal.get(kept.id), journal.events(kept.id), journal.chunks(kept.id)
    assert [each.name for each in path.parent.iterdir()] == ["journal.db"]
    journal.close()  # again is no error
    with Journal.open(path) as journal:
        assert (journal.get(kept.id), journal.events(kept.id), journal.chunks(kept.id)) == whole
