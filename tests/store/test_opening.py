"""Opening a journal: old ones are brought up to date, and no other is touched."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobState
from answerprint.errors import DiskFullError, JournalError
from answerprint.store import failpoints
from answerprint.store.journal import Journal
from answerprint.store.tables.schema import APPLICATION_ID, VERSION
from answerprint.store.verify import verify_journal
from store.builders import add, commit, receipt

GOLDENS = Path(__file__).parents[1] / "goldens"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


def old_journal(path: Path, version: int) -> None:
    """A journal as an older program left it."""
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as connection:
        connection.executescript((GOLDENS / f"journal_v{version}.sql").read_text())
    connection.close()


def contents(folder: Path) -> dict[str, bytes]:
    """All that a user could lose; the index of the log is made anew by every reader."""
    return {each.name: each.read_bytes() for each in folder.iterdir() if not each.name.endswith("-shm")}


def crashed_copy(path: Path, folder: Path) -> Path:
    """The files as a process that is killed now would leave them."""
    folder.mkdir()
    for name in (path.name, path.name + "-wal"):
        shutil.copy(path.with_name(name), folder / name)
    return folder / path.name


@pytest.mark.parametrize("version", range(1, VERSION))
def test_an_older_journal_is_copied_and_then_brought_up_to_date(path: Path, version: int) -> None:
    old_journal(path, version)
    with Journal.open(path) as journal:
        jobs = {job.number: job for job in journal.page()[0]}
        assert [job.state.value for _, job in sorted(jobs.items())] == ["done", "running", "queued", "failed", "paused"]
        assert (jobs[2].lane, jobs[2].label, jobs[2].clip, jobs[2].not_before) == ("auto", "", ClipRef(), None)
        assert (jobs[1].frames_done, jobs[1].result["frames"], jobs[4].problem) == (
            8, 8, {"code": "bad_media", "message": "No.", "remedy": "", "exit_code": 2},
        )  # fmt: skip
        assert [chunk.chunk for chunk in journal.chunks(jobs[1].id)] == [0, 1]
        assert [event.sequence for event in journal.events(jobs[1].id)] == [1, 2, 3]
        assert [job.number for job in journal.page({JobState.DONE, JobState.FAILED})[0]] == [4, 1]
        commit(journal, receipt(jobs[2].id, 1))
        assert add(journal).number == 6
    backup = path.with_name(f"journal.db.backup-v{version}")
    with sqlite3.connect(backup) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == version
        assert connection.execute("SELECT count(*) FROM jobs").fetchone()[0] == 5
    connection.close()
    assert sorted(contents(path.parent)) == ["journal.db", backup.name]
    with Journal.open(path) as journal:
        assert sum(journal.counts().values()) == 6


@pytest.mark.parametrize("version", range(1, VERSION))
@pytest.mark.parametrize("action", ["raise-enospc", "raise-eio"])
def test_a_migration_that_fails_leaves_the_old_journal_and_works_later(
    path: Path, version: int, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_journal(path, version)
    with monkeypatch.context() as broken:
        broken.setenv("ANSWERPRINT_FAILPOINT", f"journal_before_commit:{action}")
        with pytest.raises(DiskFullError if action == "raise-enospc" else JournalError):
            Journal.open(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == version
    connection.close()
    with Journal.open(path) as journal:
        assert sum(journal.counts().values()) == 5


@pytest.mark.parametrize("clean", [True, False])
def test_a_newer_journal_is_refused_and_not_touched(path: Path, tmp_path: Path, clean: bool) -> None:
    journal = Journal.open(path)
    add(journal)
    journal._connection.rows(f"PRAGMA user_version = {VERSION + 1}")
    if clean:
        journal.close()
    else:
        path = crashed_copy(path, tmp_path / "crashed")
        journal.close()
    before = contents(path.parent)
    with pytest.raises(JournalError, match="version") as refusal:
        Journal.open(path)
    assert "newer version" in refusal.value.remedy
    assert contents(path.parent) == before


def test_a_database_of_another_program_is_refused_and_not_touched(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = contents(path.parent)
    with pytest.raises(JournalError, match="not a journal of jobs"):
        Journal.open(path)
    assert contents(path.parent) == before


@pytest.mark.parametrize("damage", ["header", "middle", "cut", "text"])
def test_a_damaged_journal_is_refused_with_the_way_out(path: Path, damage: str) -> None:
    with Journal.open(path) as journal:
        kept = add(journal)
        for chunk in range(200):
            commit(journal, receipt(kept.id, chunk))
    data = bytearray(path.read_bytes())
    if damage == "header":
        data[:16] = bytes(16)
    elif damage == "middle":
        data[len(data) // 2 : len(data) // 2 + 8192] = b"\xff" * 8192
    elif damage == "cut":
        del data[len(data) // 2 :]
    else:
        data = bytearray(b"Dear journal, " * 1000)
    path.write_bytes(data)
    before = contents(path.parent)
    with pytest.raises(JournalError) as refusal:
        Journal.open(path)
    assert "doctor --rebuild" in refusal.value.remedy
    assert contents(path.parent) == before


def test_a_log_without_its_journal_is_not_thrown_away(path: Path, tmp_path: Path) -> None:
    with Journal.open(path) as journal:
        add(journal)
        copy = crashed_copy(path, tmp_path / "crashed")
    copy.unlink()
    before = contents(copy.parent)
    with pytest.raises(JournalError) as refusal:
        Journal.open(copy)
    assert "doctor --rebuild" in refusal.value.remedy
    assert contents(copy.parent) == before


def test_a_link_in_place_of_the_journal_is_refused(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError):
        Journal.open(path)
    assert not (tmp_path / "elsewhere").exists()


def test_what_was_committed_is_there_after_the_process_was_lost(path: Path, tmp_path: Path) -> None:
    with Journal.open(path) as journal:
        kept = add(journal)
        for chunk in range(3):
            commit(journal, receipt(kept.id, chunk))
            copy = crashed_copy(path, tmp_path / f"crashed-{chunk}")
            with Journal.open(copy) as after:
                assert after.chunks(kept.id) == journal.chunks(kept.id)
                assert after.get(kept.id) == journal.get(kept.id)


def test_a_journal_that_cannot_grow_says_so_and_goes_on_when_it_can(path: Path, tmp_path: Path) -> None:
    with Journal.open(path) as journal:
        kept = add(journal)
        pages = journal._connection.rows("PRAGMA page_count")[0][0]
        journal._connection.rows(f"PRAGMA max_page_count = {pages}")
        committed = 0
        with pytest.raises(DiskFullError) as refusal:
            for committed in range(1000):
                commit(journal, receipt(kept.id, committed))
        assert refusal.value.folder == str(path.parent)
        assert refusal.value.needed_bytes > 0
        assert len(journal.chunks(kept.id)) == committed
        assert journal.get(kept.id).last_sequence == committed + 1
        journal._connection.rows("PRAGMA max_page_count = 1000000")
        commit(journal, receipt(kept.id, committed))
        assert journal.get(kept.id).last_sequence == committed + 2
    assert verify_journal(path, tmp_path / "scratch").jobs == 1


@pytest.mark.parametrize(("action", "error"), [("raise-enospc", DiskFullError), ("raise-eio", JournalError)])
def test_a_failed_commit_changes_nothing_and_the_next_one_works(
    path: Path, action: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.open(path) as journal:
        kept = add(journal)
        with monkeypatch.context() as broken:
            broken.setenv("ANSWERPRINT_FAILPOINT", f"journal_before_commit:{action}")
            for call in (
                lambda: commit(journal, receipt(kept.id, 0)),
                lambda: journal.change(kept.id, when={JobState.QUEUED}, state=JobState.RUNNING),
                lambda: journal.append(kept.id, {"event": "warning", "message": "x"}),
            ):
                failpoints.reset()
                with pytest.raises(error):
                    call()
        assert journal.get(kept.id) == kept
        commit(journal, receipt(kept.id, 0))
        assert journal.get(kept.id).last_sequence == 2


def test_a_second_writer_is_told_so(path: Path) -> None:
    with Journal.open(path) as journal, sqlite3.connect(path, isolation_level=None) as other:
        kept = add(journal)
        journal._connection.rows("PRAGMA busy_timeout = 10")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="locked by another process"):
            journal.append(kept.id, {"event": "warning", "message": "x"})
        other.execute("ROLLBACK")
        assert journal.append(kept.id, {"event": "warning", "message": "x"}).sequence == 2
    other.close()


def test_the_file_names_itself(path: Path) -> None:
    with Journal.open(path) as journal:
        assert journal._connection.rows("PRAGMA application_id")[0][0] == APPLICATION_ID
        assert journal._connection.rows("PRAGMA user_version")[0][0] == VERSION


@pytest.fixture(autouse=True)
def _fail_points_count_from_one() -> None:
    failpoints.reset()
