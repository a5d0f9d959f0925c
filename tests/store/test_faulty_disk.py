"""A disk that fails at any step of a durable write: what is there is whole, and the next try works."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import DiskFullError, StorageError
from answerprint.store import atomic, receipts
from answerprint.store.folders import make_job_folder, read_waiting_job, write_job_file
from answerprint.store.journal import Journal
from answerprint.store.quota import storage_error
from answerprint.store.recovery import recover
from answerprint.store.verify import verify_journal
from fakes.faulty_fs import FAULTS, FaultyFS
from store.builders import FRAMES, add, chunk_event, finish_chunks, job, write_chunk

DATA = b"picture" * 100


def each_fault(work: Callable[[FaultyFS], None], code: int) -> list[str]:
    """Run `work` with a fault at call 1, 2, ... until it meets none; returns the calls that failed."""
    failed: list[str] = []
    for nth in range(1, 200):
        disk = FaultyFS(code, nth)
        work(disk)
        if not disk.failed:
            return failed
        failed.append(disk.failed)
    raise AssertionError("it never ends")


@pytest.mark.parametrize("code", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_is_whole_or_absent_whichever_step_fails(tmp_path: Path, code: int, overwrite: bool) -> None:
    def work(disk: FaultyFS) -> None:
        path = tmp_path / str(disk.nth) / "file"
        path.parent.mkdir()
        if overwrite:
            path.write_bytes(b"old")
        try:
            with disk.at_work():
                atomic.write_bytes(path, DATA, overwrite=overwrite)
        except OSError as error:
            assert error.errno == code
            found = path.read_bytes() if path.exists() else None
            assert found in ((b"old", DATA) if overwrite else (None,))
        assert [each for each in path.parent.iterdir() if each != path] == []
        atomic.write_bytes(path, DATA, overwrite=path.exists())
        assert path.read_bytes() == DATA

    calls = ["open", "write", "fsync", "replace" if overwrite else "link", "fsync"]
    assert each_fault(work, code) == calls


def test_a_file_that_could_not_be_synced_is_never_synced_again(tmp_path: Path) -> None:
    disk = FaultyFS(FAULTS["broken disk"], 3)
    with pytest.raises(OSError, match="faulty"), disk.at_work():
        atomic.write_bytes(tmp_path / "file", DATA)
    assert disk.calls == ["open", "write", "fsync"]


def test_a_finished_file_under_a_name_that_was_taken_is_kept_for_its_maker(tmp_path: Path) -> None:
    temporary = atomic.temporary_beside(tmp_path / "file")
    temporary.write_bytes(DATA)
    (tmp_path / "file").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        atomic.publish(temporary, tmp_path / "file")
    assert temporary.read_bytes() == DATA
    atomic.publish(temporary, tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == DATA


@pytest.mark.parametrize("code", FAULTS.values(), ids=FAULTS)
def test_a_chunk_counts_wholly_or_not_at_all_whichever_step_fails(tmp_path: Path, code: int) -> None:
    def work(disk: FaultyFS) -> None:
        home = tmp_path / str(disk.nth)
        scratch = home / "scratch"
        with Journal.open(home / "state" / "journal.db") as journal:
            kept = add(journal)
            finish_chunks(journal, scratch, kept, 1)
            try:
                with disk.at_work():
                    made = write_chunk(scratch, kept.id, 1)
                journal.commit_chunk(made, chunk_event(made))
            except OSError:
                recover(journal, scratch)
            # Only the very last step, the sync of the receipt's folder, leaves a chunk that is whole all the same.
            done = journal.get(kept.id).frames_done // FRAMES
            assert done == (1 if disk.failed and len(disk.calls) < 15 else 2)
            for chunk in range(done, 3):
                made = write_chunk(scratch, kept.id, chunk)
                journal.commit_chunk(made, chunk_event(made))
        assert verify_journal(home / "state" / "journal.db", scratch).errors == []

    assert each_fault(work, code) == ["open", "write", "fsync", "replace", "fsync"] * 3


@pytest.mark.parametrize("code", FAULTS.values(), ids=FAULTS)
def test_what_was_asked_for_is_kept_wholly_or_not_at_all(tmp_path: Path, code: int) -> None:
    record = job(clip=ClipRef(reel="A1"), priority=4)
    folder = make_job_folder(tmp_path, record.id)

    def work(disk: FaultyFS) -> None:
        try:
            with disk.at_work():
                write_job_file(folder, record)
        except StorageError as error:
            assert isinstance(error, DiskFullError) == (code == FAULTS["no room"])
        write_job_file(folder, record)
        assert read_waiting_job(folder) == record
        assert [each.name for each in folder.iterdir()] == ["job.json"]

    assert len(each_fault(work, code)) == 5


def test_a_receipt_is_read_back_or_refused(tmp_path: Path) -> None:
    made = write_chunk(tmp_path, job().id, 0)
    path = receipts.receipt_path(tmp_path / made.job, 0)
    assert receipts.read_receipt(path) == made
    assert not receipts.find_damage(path.parent, made)
    for text in ("", "[]", "{}", "[" * 100_000, path.read_text().replace(".nut", ".nut/../../x")):
        path.write_text(text)
        with pytest.raises(receipts.DamagedChunkError):
            receipts.read_receipt(path)


def test_the_meaning_of_a_failed_disk_is_told_with_place_and_room(tmp_path: Path) -> None:
    full = storage_error(OSError(FAULTS["no room"], "x"), tmp_path / "chunk.mkv", 1_500_000_000)
    assert isinstance(full, DiskFullError)
    assert (full.needed_bytes, full.folder) == (1_500_000_000, str(tmp_path))
    assert "1.5 GB" in full.message
    broken = storage_error(OSError(FAULTS["broken disk"], "Input/output error"), tmp_path / "chunk.mkv")
    assert not isinstance(broken, DiskFullError)
    assert "Input/output error" in broken.message
