"""While no daemon runs, the journal answers what waits in it."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobRecord, JobState
from answerprint.cli.jobs.stored import stored_jobs, waiting_words
from answerprint.cli.jobs.view import unfinished, view_of, with_recent
from answerprint.errors import JournalError
from answerprint.home import state_folder
from answerprint.store.journal import Journal
from answerprint.store.read_only import journal_to_read


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    return Journal.open(state_folder() / "journal.db")


def add(journal: Journal, label: str, state: JobState) -> JobRecord:
    record = JobRecord(
        id=str(uuid.uuid4()), number=0, kind="restore", label=label, state=JobState.QUEUED, request={}, clip=ClipRef()
    )
    journal.add(record, {"event": "state", "state": "queued"})
    return journal.change(
        record.id, when=frozenset(JobState), event={"event": "state", "state": state.value}, state=state
    )[0]


def test_what_a_daemon_that_was_killed_left_is_seen_as_it_will_go_on(journal: Journal) -> None:
    states = (JobState.RUNNING, JobState.MUXING, JobState.QUEUED, JobState.PAUSED, JobState.DONE)
    jobs = {state: add(journal, state.value, state) for state in states}
    assert (state_folder() / "journal.db-wal").stat().st_size, "nothing is left to be replayed"
    with stored_jobs() as kept:
        assert kept is not None
        assert [job.state for job in unfinished(kept)] == [JobState.QUEUED] * 3 + [JobState.PAUSED]
        recent, older = with_recent(kept)
        assert {job.label for job in recent} == {state.value for state in states}
        assert older == 0
        assert [look.before for look in view_of(kept, unfinished(kept))][:3] == [0, 1, 2]
        assert kept.get(str(jobs[JobState.DONE].number)).state is JobState.DONE
        assert [each.event["event"] for each in kept.watch(jobs[JobState.DONE].id)] == ["state", "state"]
        assert kept.suspend_reason() is None
        (state_folder() / "held").write_text("Resolve renders")
        assert kept.suspend_reason() == "Resolve renders"
    assert waiting_words() == " 3 jobs are waiting for it."


def test_nothing_can_be_changed_through_it(journal: Journal) -> None:
    job = add(journal, "a", JobState.QUEUED)
    journal.close()
    before = (state_folder() / "journal.db").read_bytes()
    with journal_to_read(state_folder() / "journal.db") as reading, pytest.raises(JournalError):
        reading.append(job.id, {"event": "warning", "message": "no"})
    assert (state_folder() / "journal.db").read_bytes() == before
    assert [each.name for each in state_folder().iterdir()] == ["journal.db"]


def test_a_journal_of_another_version_is_left_to_the_daemon(journal: Journal) -> None:
    journal.close()
    with sqlite3.connect(state_folder() / "journal.db") as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with pytest.raises(JournalError, match="has another version"), stored_jobs():
        pass
    assert waiting_words() == ""


def test_without_a_journal_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    with stored_jobs() as kept:
        assert kept is None
    assert waiting_words() == ""
    assert not (tmp_path / "state").exists()
