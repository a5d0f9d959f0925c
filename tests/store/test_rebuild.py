"""A journal that is damaged or lost is made again from what can be read and from the chunks on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.errors import DiskFullError, JournalError
from answerprint.store import failpoints
from answerprint.store.journal import Journal
from answerprint.store.rebuild import rebuild
from answerprint.store.tables.schema import VERSION
from answerprint.store.verify import verify_journal
from store.builders import FRAMES, add, commit, finish_chunks, write_chunk

ANY = frozenset(JobState)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


def fill(path: Path, scratch: Path) -> dict[str, JobRecord]:
    """A journal with a job of each kind that a rebuild has to think of."""
    with Journal.open(path) as journal:
        jobs = {name: add(journal, label=name, priority=3) for name in ("working", "waiting", "failed", "done")}
        for name, chunks in (("working", 3), ("failed", 2), ("done", 1)):
            finish_chunks(journal, scratch, jobs[name], chunks)
        journal.change(jobs["working"].id, when=ANY, state=JobState.PAUSED)
        journal.change(jobs["failed"].id, when=ANY, state=JobState.FAILED)
        journal.change(jobs["done"].id, when=ANY, state=JobState.DONE)
        for index in range(300):  # pages enough that some can be damaged alone
            journal.append(jobs["done"].id, {"event": "warning", "message": f"{index} " * 20})
        return {name: journal.get(each.id) for name, each in jobs.items()}


def errors(path: Path, scratch: Path) -> list[str]:
    return [f"{finding.subject}: {finding.message}" for finding in verify_journal(path, scratch).errors]


def test_a_healthy_journal_comes_out_with_the_same_jobs(path: Path, scratch: Path) -> None:
    before = fill(path, scratch)
    report = rebuild(path, scratch)
    assert (report.jobs_from_journal, report.jobs_from_folders, report.chunks) == (4, 0, 5)
    with Journal.open(path) as journal:
        for old in before.values():
            new = journal.get(old.id)
            assert (new.number, new.state, new.label, new.request) == (old.number, old.state, old.label, old.request)
            assert (new.frames_done, new.priority, new.position) == (old.frames_done, old.priority, old.position)
        assert [job.label for job in journal.page()[0]] == ["working", "waiting", "done", "failed"]
        assert [job.chunk for job in journal.chunks(before["working"].id)] == [0, 1, 2]
        told = [each.event["event"] for each in journal.events(before["working"].id)]
        assert told.count("chunk") == 3, "each is told of once"
        commit(journal, write_chunk(scratch, before["working"].id, 3))
    assert errors(path, scratch) == []


@pytest.mark.parametrize("damage", ["text", "gone"])
def test_what_had_chunks_comes_back_when_nothing_of_the_journal_does(path: Path, scratch: Path, damage: str) -> None:
    before = fill(path, scratch)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"no journal " * 400)
        with pytest.raises(JournalError):
            Journal.open(path)
    report = rebuild(path, scratch)
    assert (report.jobs_from_journal, report.jobs_from_folders) == (0, 3)
    assert (report.damaged is None) == (damage == "gone")
    with Journal.open(path) as journal:
        working = journal.get(before["working"].id)
        assert (working.state, working.label, working.priority) == (JobState.QUEUED, "working", 3)
        assert (working.frames_done, working.request) == (3 * FRAMES, before["working"].request)
        assert [event.sequence for event in journal.events(working.id)] == [1, 2, 3, 4]
    assert errors(path, scratch) == []


def test_a_damaged_page_costs_only_what_was_on_it(path: Path, scratch: Path) -> None:
    before = fill(path, scratch)
    data = bytearray(path.read_bytes())
    at = data.index(b"250 250 250 ")
    data[at // 4096 * 4096 : (at // 4096 + 1) * 4096] = bytes(4096)
    path.write_bytes(data)
    with pytest.raises(JournalError, match="damaged"):
        Journal.open(path)
    report = rebuild(path, scratch)
    assert report.jobs_from_journal == 4
    assert report.damaged is not None
    assert report.damaged.read_bytes() == data
    with Journal.open(path) as journal:
        assert {job.label: job.state for job in journal.page()[0]} == {name: job.state for name, job in before.items()}
        assert journal.get(before["working"].id).frames_done == 3 * FRAMES
    assert errors(path, scratch) == []


def test_damaged_chunks_do_not_come_back(path: Path, scratch: Path) -> None:
    before = fill(path, scratch)
    path.unlink()
    chunk = scratch / before["working"].id / "chunk-000001.nut"
    data = bytearray(chunk.read_bytes())
    data[7] ^= 4
    chunk.write_bytes(data)
    rebuild(path, scratch)
    with Journal.open(path) as journal:
        assert journal.get(before["working"].id).frames_done == 0  # the carry of chunk 0 is gone
    assert errors(path, scratch) == []


def test_a_folder_that_does_not_say_what_it_is_stays_and_is_reported(path: Path, scratch: Path) -> None:
    before = fill(path, scratch)
    path.unlink()
    folder = scratch / before["working"].id
    (folder / "job.json").write_text('{"id": "someone else"}')
    report = rebuild(path, scratch)
    assert report.unreadable == [folder]
    assert (folder / "chunk-000000.nut").exists()


def test_a_journal_of_a_newer_version_is_not_made_again(path: Path, scratch: Path) -> None:
    with Journal.open(path) as journal:
        journal._connection.rows(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="newer"):
        rebuild(path, scratch)
    assert path.read_bytes() == before


def test_a_rebuild_that_is_cut_off_anywhere_can_be_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for nth in range(1, 100):
        path, scratch = tmp_path / str(nth) / "state" / "journal.db", tmp_path / str(nth) / "scratch"
        before = fill(path, scratch)
        log = path.with_name("journal.db-wal")
        log.write_bytes(b"the log of another time")
        failpoints.reset()
        with monkeypatch.context() as fault:
            fault.setenv(failpoints.VARIABLE, f"rebuild:raise-enospc:{nth}")
            try:
                rebuild(path, scratch)
                finished = True
            except DiskFullError:
                finished = False
        if not finished:
            assert path.exists()
            rebuild(path, scratch)
        with Journal.open(path) as journal:
            assert {job.label for job in journal.page()[0]} == set(before)
            assert journal.get(before["working"].id).frames_done == 3 * FRAMES
        assert errors(path, scratch) == []
        if finished:
            break
    assert nth == 4
