"""The check that users run: it finds what is wrong, says nothing of what is right, and changes nothing."""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.store import atomic, receipts
from answerprint.store.journal import Journal
from answerprint.store.verify import Finding, verify_journal
from store.builders import FRAMES, add, commit, finish_chunks, job, write_chunk

ANY = frozenset(JobState)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.open(path) as opened:
        yield opened


def findings(path: Path, scratch: Path) -> list[Finding]:
    return [finding for finding in verify_journal(path, scratch).findings if not finding.subject.startswith("SQLite")]


def test_without_a_journal_there_is_nothing_to_find(path: Path, scratch: Path) -> None:
    assert [finding.level for finding in findings(path, scratch)] == ["note"]
    assert not path.parent.exists()


@pytest.mark.parametrize("running", [True, False])
def test_all_is_well_while_the_daemon_runs_and_when_it_does_not(path: Path, scratch: Path, running: bool) -> None:
    with Journal.open(path) as journal:
        for state in (JobState.QUEUED, JobState.PAUSED, JobState.RUNNING, JobState.FAILED):
            kept = add(journal)
            finish_chunks(journal, scratch, kept, 3)
            journal.change(kept.id, when=ANY, state=state)
        add(journal)
        if not running:
            journal.close()
        result = verify_journal(path, scratch)
    assert (result.jobs, result.chunks, result.errors) == (5, 12, [])
    assert result.bytes > 0


def test_what_a_child_at_work_has_begun_is_no_finding(journal: Journal, path: Path, scratch: Path) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 1)
    journal.change(kept.id, when=ANY, state=JobState.RUNNING)
    atomic.temporary_beside(scratch / kept.id / "x")
    write_chunk(scratch, kept.id, 1)
    assert findings(path, scratch) == []


def _cut(folder: Path) -> None:
    file = folder / "chunk-000001.nut"
    file.write_bytes(file.read_bytes()[:-1])


def _change(folder: Path) -> None:
    file = folder / "chunk-000000.nut"
    file.write_bytes(file.read_bytes().replace(b"p", b"q", 1))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda folder: (folder / "chunk-000000.nut").unlink(), "Chunk 0: .* is missing"),
        (_cut, "Chunk 1: .* bytes instead of"),
        (_change, "Chunk 0: .* hash"),
    ],
)
def test_a_chunk_that_is_not_as_promised_is_an_error(
    journal: Journal, path: Path, scratch: Path, damage: Callable[[Path], None], text: str
) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 2)
    damage(scratch / kept.id)
    found = [finding for finding in findings(path, scratch) if finding.level == "error"]
    assert [finding.subject for finding in found] == ["job 1"]
    assert re.search(text, found[0].message)
    shutil.rmtree(scratch / kept.id)
    journal.drop_chunks(kept.id, 0)
    assert findings(path, scratch) == []


def test_a_lost_carry_is_a_note_as_no_frame_is_lost_with_it(journal: Journal, path: Path, scratch: Path) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 2)
    (scratch / kept.id / "chunk-000001.carry").unlink()
    assert [(finding.level, finding.subject) for finding in findings(path, scratch)] == [("note", "job 1")]


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("DELETE FROM events WHERE sequence = 2", "events"),
        ("UPDATE jobs SET last_sequence = 9", "events"),
        ("UPDATE jobs SET frames_done = 99", "counts 99 frames"),
        ("DELETE FROM chunks WHERE chunk = 1", "does not follow"),
        ("UPDATE jobs SET fingerprint = 'f2'", "for another job or with other settings"),
    ],
)
def test_a_journal_that_contradicts_itself_is_an_error(
    journal: Journal, path: Path, scratch: Path, sql: str, text: str
) -> None:
    finish_chunks(journal, scratch, add(journal), 3)
    journal._connection.rows(sql)
    assert any(text in finding.message for finding in verify_journal(path, scratch).errors)


@pytest.mark.skipif(os.name == "nt", reason="file modes are those of POSIX")
def test_what_others_may_read_is_an_error(journal: Journal, path: Path, scratch: Path) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 1)
    for each, mode in ((path, 0o644), (path.parent, 0o711), (scratch / kept.id, 0o755)):
        each.chmod(mode)
    assert {finding.subject for finding in verify_journal(path, scratch).errors} == {
        str(path), str(path.parent), str(scratch / kept.id),
    }  # fmt: skip


def test_what_lies_about_is_a_note(journal: Journal, path: Path, scratch: Path) -> None:
    kept, ended = add(journal), add(journal)
    finish_chunks(journal, scratch, kept, 1)
    finish_chunks(journal, scratch, ended, 1)
    journal.change(ended.id, when=ANY, state=JobState.CANCELLED)
    unknown = job().id
    (scratch / unknown).mkdir()
    (scratch / "theirs.txt").touch()
    (scratch / kept.id / "theirs.txt").touch()
    atomic.temporary_beside(scratch / kept.id / "x")
    write_chunk(scratch, kept.id, 1)
    found = findings(path, scratch)
    assert {finding.level for finding in found} == {"note"}
    assert len(found) == 8  # three files of the chunk among them


def deliverable(journal: Journal, output: Path) -> JobRecord:
    kept = add(journal, request={"input": "/film/plate.mov", "output": str(output)})
    journal.change(kept.id, when=ANY, state=JobState.DONE)
    return kept


def test_a_deliverable_that_was_moved_away_is_a_note(
    journal: Journal, path: Path, scratch: Path, tmp_path: Path
) -> None:
    deliverable(journal, tmp_path / "out.mov")
    deliverable(journal, tmp_path / "plates" / "out.%04d.exr")
    assert [finding.level for finding in findings(path, scratch)] == ["note", "note"]
    (tmp_path / "out.mov").touch()
    (tmp_path / "plates").mkdir()
    assert findings(path, scratch) == []


def test_a_damaged_journal_is_told_with_the_way_out(path: Path, scratch: Path) -> None:
    with Journal.open(path) as journal:
        kept = add(journal)
        for _ in range(200):
            journal.append(kept.id, {"event": "warning", "message": "x" * 100})
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    errors = verify_journal(path, scratch).errors
    assert errors
    assert any("--rebuild" in finding.remedy for finding in errors)
    path.write_bytes(b"no journal at all, but long enough to be one" * 100)
    assert any("damaged" in finding.message for finding in verify_journal(path, scratch).errors)


def test_a_job_that_goes_on_while_it_is_looked_at_is_no_finding(
    journal: Journal, path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The carry of a chunk goes when the next is done, and the folder when the job is: both may happen meanwhile."""
    first, second = add(journal), add(journal)
    for each in (first, second):
        finish_chunks(journal, scratch, each, 2)
    module = importlib.import_module("answerprint.store.verify")
    real = receipts.find_damage
    seen: list[int] = []

    def meanwhile(folder: Path, *arguments: object, **options: object) -> str:
        if not seen:
            commit(journal, write_chunk(scratch, first.id, 2))
            (scratch / first.id / "chunk-000001.carry").unlink()
            journal.change(second.id, when=ANY, state=JobState.CANCELLED)
            shutil.rmtree(scratch / second.id)
        seen.append(1)
        return real(folder, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "find_damage", meanwhile)
    assert verify_journal(path, scratch).errors == []
    assert journal.get(first.id).frames_done == 3 * FRAMES
