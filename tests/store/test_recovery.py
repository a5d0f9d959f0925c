"""Recovery: after any end of the daemon, journal and disk agree, and nothing that was reported is lost."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerprint.api.job import JobState
from answerprint.errors import StorageError
from answerprint.store import atomic, failpoints, receipts
from answerprint.store.journal import Journal
from answerprint.store.recovery import discard_chunks, recover, settle_chunks
from answerprint.store.verify import verify_journal
from store.builders import FRAMES, add, commit, finish_chunks, job, write_chunk

ANY = frozenset(JobState)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "state" / "journal.db") as opened:
        yield opened


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


def agree(journal: Journal, scratch: Path) -> bool:
    """Whether the product's own check finds nothing to say of journal and disk."""
    findings = verify_journal(journal._connection.path, scratch).findings
    return [finding for finding in findings if not finding.subject.startswith("SQLite")] == []


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_nothing_to_recover_is_no_error(journal: Journal, scratch: Path) -> None:
    report = recover(journal, scratch)
    assert (report.resumed, report.chunks, report.left) == ([], {}, [])
    assert agree(journal, scratch)


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.MUXING])
def test_a_job_at_work_waits_again_with_all_its_chunks(journal: Journal, scratch: Path, state: JobState) -> None:
    kept = add(journal)
    journal.change(kept.id, when=ANY, state=state)
    made = finish_chunks(journal, scratch, kept, 3)
    assert recover(journal, scratch).resumed == [kept.id]
    after = journal.get(kept.id)
    assert (after.state, after.frames_done) == (JobState.QUEUED, 3 * FRAMES)
    assert journal.chunks(kept.id) == made
    assert journal.events(kept.id)[-1].event == {
        "event": "state", "state": "queued", "reason": "resuming after the daemon stopped",
    }  # fmt: skip
    assert agree(journal, scratch)


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.PAUSED, JobState.DONE, JobState.FAILED])
def test_other_jobs_stay_as_they_are(journal: Journal, scratch: Path, state: JobState) -> None:
    kept = add(journal)
    before, _ = journal.change(kept.id, when=ANY, state=state)
    assert recover(journal, scratch).resumed == []
    assert journal.get(kept.id) == before


def test_temporary_files_go(journal: Journal, scratch: Path) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 1)
    for folder in (scratch, scratch / kept.id):
        atomic.temporary_beside(folder / "x").write_bytes(b"half")
        (atomic.temporary_folder_beside(folder / "x") / "frame.png").write_bytes(b"half")
    report = recover(journal, scratch)
    assert report.freed_bytes > 0
    assert names(scratch) == [kept.id]
    assert names(scratch / kept.id) == ["chunk-000000.carry", "chunk-000000.json", "chunk-000000.nut", "job.json"]
    assert agree(journal, scratch)


def test_whole_chunks_that_were_not_journalled_are_taken_in_in_order(journal: Journal, scratch: Path) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 1)
    made = [write_chunk(scratch, kept.id, chunk) for chunk in (1, 2)]
    changes = recover(journal, scratch).chunks[kept.id]
    assert changes.adopted == made
    assert journal.get(kept.id).frames_done == 3 * FRAMES
    event = journal.events(kept.id)[-1].event
    assert (event["event"], event["frames_done"], event["receipt"]) == ("chunk", 3 * FRAMES, made[1].to_json())
    assert agree(journal, scratch)


@pytest.mark.parametrize("missing", ["chunk-000001.nut", "chunk-000001.carry", "chunk-000001.json"])
def test_a_chunk_without_all_its_files_is_litter(journal: Journal, scratch: Path, missing: str) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 1)
    write_chunk(scratch, kept.id, 1)
    (scratch / kept.id / missing).unlink()
    assert recover(journal, scratch).chunks == {}
    assert names(scratch / kept.id) == ["chunk-000000.carry", "chunk-000000.json", "chunk-000000.nut", "job.json"]
    assert journal.get(kept.id).frames_done == FRAMES
    assert agree(journal, scratch)


@pytest.mark.parametrize("wrong", ["changed", "job", "fingerprint", "gap", "garbage", "carry"])
def test_a_chunk_that_is_not_what_it_says_is_never_taken_in(journal: Journal, scratch: Path, wrong: str) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 1)
    folder = scratch / kept.id
    if wrong == "gap":
        write_chunk(scratch, kept.id, 2)
    elif wrong == "job":
        stranger = job().id
        write_chunk(scratch, stranger, 1)
        for file in (scratch / stranger).iterdir():
            file.rename(folder / file.name)
    else:
        write_chunk(scratch, kept.id, 1, fingerprint="other" if wrong == "fingerprint" else "f1")
        if wrong == "garbage":
            (folder / "chunk-000001.json").write_text("[]")
        elif wrong in ("changed", "carry"):
            path = folder / ("chunk-000001.nut" if wrong == "changed" else "chunk-000001.carry")
            data = bytearray(path.read_bytes())
            data[3] ^= 1
            path.write_bytes(data)
    assert recover(journal, scratch).chunks == {}
    assert names(folder) == ["chunk-000000.carry", "chunk-000000.json", "chunk-000000.nut", "job.json"]
    assert journal.get(kept.id).frames_done == FRAMES


@pytest.mark.parametrize("damage", ["missing", "short", "changed", "a folder", "a link"])
def test_a_damaged_last_chunk_and_what_depends_on_it_is_computed_again(
    journal: Journal, scratch: Path, tmp_path: Path, damage: str
) -> None:
    kept = add(journal)
    made = finish_chunks(journal, scratch, kept, 2)
    folder = scratch / kept.id
    path = folder / made[1].segment.name
    data = bytearray(path.read_bytes())
    path.unlink()
    if damage == "short":
        path.write_bytes(data[:-1])
    elif damage == "changed":
        data[0] ^= 0x80
        path.write_bytes(data)
    elif damage == "a folder":
        path.mkdir()
    elif damage == "a link":
        (tmp_path / "elsewhere").write_bytes(data)
        path.symlink_to(tmp_path / "elsewhere")
    changes = recover(journal, scratch).chunks[kept.id]
    # The carry of chunk 0 went when chunk 1 was done: it is computed again as well.
    assert changes.dropped == made
    assert changes.reason.startswith(str(path))
    after = journal.get(kept.id)
    assert (after.frames_done, after.state) == (0, JobState.QUEUED)
    assert journal.events(kept.id)[-1].event["event"] == "warning"
    foreign = {"a folder", "a link"} & {damage}
    assert names(folder) == ([path.name, "job.json"] if foreign else ["job.json"])
    if foreign:
        path.rmdir() if damage == "a folder" else path.unlink()
        assert damage == "a folder" or (tmp_path / "elsewhere").read_bytes() == data
    for chunk in range(2):
        commit(journal, write_chunk(scratch, kept.id, chunk))
    assert agree(journal, scratch)


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_lost_carry_costs_no_finished_frame(journal: Journal, scratch: Path, damage: str) -> None:
    kept = add(journal)
    made = finish_chunks(journal, scratch, kept, 2)
    path = scratch / kept.id / "chunk-000001.carry"
    path.unlink()
    if damage == "changed":
        path.write_bytes(b"something else")
    assert recover(journal, scratch).chunks == {}
    assert journal.chunks(kept.id) == made


def test_a_damaged_chunk_costs_its_shot_and_no_other(journal: Journal, scratch: Path) -> None:
    """Into the first chunk of a shot nothing is carried, so that it can be computed without the one before."""
    kept = add(journal)
    for chunk in range(5):
        made = dataclasses.replace(write_chunk(scratch, kept.id, chunk), recipe={"opens_shot": chunk == 2})
        receipts.write_receipt(scratch / kept.id, made)
        commit(journal, made)
        receipts.carry_path(scratch / kept.id, chunk).unlink()
    (scratch / kept.id / "chunk-000003.nut").write_bytes(b"")
    changes = recover(journal, scratch).chunks[kept.id]
    assert [each.chunk for each in changes.dropped] == [2, 3, 4]
    assert journal.get(kept.id).frames_done == 2 * FRAMES


def test_a_damaged_chunk_in_the_middle_costs_no_chunk_before_it_whose_carry_is_there(
    journal: Journal, scratch: Path
) -> None:
    kept = add(journal)
    for chunk in range(4):  # all carries stay
        commit(journal, write_chunk(scratch, kept.id, chunk))
    (scratch / kept.id / "chunk-000002.nut").unlink()
    changes = recover(journal, scratch).chunks[kept.id]
    assert [each.chunk for each in changes.dropped] == [2, 3]
    assert journal.get(kept.id).frames_done == 2 * FRAMES
    assert not any(name.startswith(("chunk-000002", "chunk-000003")) for name in names(scratch / kept.id))
    assert agree(journal, scratch)


def test_a_disk_that_cannot_be_read_pauses_the_job_and_costs_nothing(
    journal: Journal, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, other = add(journal), add(journal)
    made = finish_chunks(journal, scratch, kept, 2)
    finish_chunks(journal, scratch, other, 1)

    def fail(path: Path) -> receipts.ChunkFile:
        if path.parent.name == kept.id:
            raise OSError(5, "Input/output error", str(path))
        return real(path)

    real = receipts.hash_file
    with monkeypatch.context() as broken:
        broken.setattr(receipts, "hash_file", fail)
        report = recover(journal, scratch)
    assert report.paused == [kept.id]
    paused = journal.get(kept.id)
    assert paused.state is JobState.PAUSED
    assert paused.problem is not None
    assert paused.problem["code"] == "storage"
    assert "Input/output error" in paused.problem["message"]
    assert journal.events(kept.id)[-1].event["state"] == "paused"
    assert journal.get(other.id).state is JobState.QUEUED
    settle_chunks(journal, scratch, kept.id)
    assert journal.chunks(kept.id) == made
    assert agree(journal, scratch)


def test_a_scratch_folder_that_is_gone_is_told_before_anything_is_given_up(
    journal: Journal, scratch: Path, tmp_path: Path
) -> None:
    kept = add(journal)
    made = finish_chunks(journal, scratch, kept, 2)
    scratch.rename(tmp_path / "unplugged")
    with pytest.raises(StorageError, match="is missing"):
        recover(journal, scratch)
    assert journal.chunks(kept.id) == made
    (tmp_path / "unplugged").rename(scratch)
    recover(journal, scratch)
    assert journal.chunks(kept.id) == made


@pytest.mark.parametrize("state", [JobState.DONE, JobState.CANCELLED])
def test_what_an_ended_job_left_behind_goes(journal: Journal, scratch: Path, state: JobState) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 2)
    journal.change(kept.id, when=ANY, state=state)
    report = recover(journal, scratch)
    assert report.removed_folders == [scratch / kept.id]
    assert report.freed_bytes > 100
    assert names(scratch) == []


def test_a_failed_job_keeps_its_chunks_for_another_try(journal: Journal, scratch: Path) -> None:
    kept = add(journal)
    made = finish_chunks(journal, scratch, kept, 2)
    journal.change(kept.id, when=ANY, state=JobState.FAILED)
    recover(journal, scratch)
    journal.change(kept.id, when=ANY, state=JobState.QUEUED)
    assert settle_chunks(journal, scratch, kept.id).dropped == []
    assert journal.chunks(kept.id) == made
    assert agree(journal, scratch)


def test_what_is_not_ours_is_never_touched(journal: Journal, scratch: Path, tmp_path: Path) -> None:
    kept = add(journal)
    finish_chunks(journal, scratch, kept, 1)
    journal.change(kept.id, when=ANY, state=JobState.DONE)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "chunk-000000.nut").write_bytes(b"precious")
    linked = job().id
    (scratch / linked).symlink_to(theirs)
    (scratch / "notes.txt").write_text("mine")
    (scratch / kept.id / "grade.drx").write_text("mine")
    (scratch / kept.id / "chunk-000009.nut").symlink_to(theirs / "chunk-000000.nut")
    (scratch / ".answerprint-notes.part").write_text("mine")
    report = recover(journal, scratch)
    left = {path.relative_to(scratch).as_posix() for path in report.left}
    assert left == {
        linked, "notes.txt", ".answerprint-notes.part", f"{kept.id}/grade.drx", f"{kept.id}/chunk-000009.nut",
    }  # fmt: skip
    assert names(scratch / kept.id) == ["chunk-000009.nut", "grade.drx"]
    assert (theirs / "chunk-000000.nut").read_bytes() == b"precious"
    assert (scratch / "notes.txt").read_text() == "mine"


def test_chunks_of_a_job_that_the_journal_does_not_know_are_kept_and_reported(journal: Journal, scratch: Path) -> None:
    lost, empty = job().id, job().id
    write_chunk(scratch, lost, 0)
    (scratch / empty).mkdir()
    report = recover(journal, scratch)
    assert report.left == [scratch / lost]
    assert report.removed_folders == [scratch / empty]
    assert len(names(scratch / lost)) == 3


def test_discarded_chunks_leave_neither_rows_nor_files(journal: Journal, scratch: Path) -> None:
    kept = add(journal)
    made = finish_chunks(journal, scratch, kept, 3)
    assert discard_chunks(journal, scratch, kept.id, 1) == made[1:]
    assert names(scratch / kept.id) == ["chunk-000000.json", "chunk-000000.nut", "job.json"]
    discard_chunks(journal, scratch, kept.id)
    assert names(scratch / kept.id) == ["job.json"]
    assert (journal.get(kept.id).frames_done, journal.get(kept.id).fingerprint) == (0, "")
    commit(journal, write_chunk(scratch, kept.id, 0, fingerprint="f2"))
    assert agree(journal, scratch)


def test_a_recovery_that_is_cut_off_anywhere_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for nth in range(1, 100):
        home = tmp_path / str(nth)
        with Journal.open(home / "state" / "journal.db") as journal:
            running, broken, ended = add(journal), add(journal), add(journal)
            for each in (running, broken, ended):
                finish_chunks(journal, home / "scratch", each, 2)
            for chunk in (2, 3):
                write_chunk(home / "scratch", running.id, chunk)
            (home / "scratch" / broken.id / "chunk-000001.nut").unlink()
            journal.change(running.id, when=ANY, state=JobState.RUNNING)
            journal.change(ended.id, when=ANY, state=JobState.CANCELLED)
            failpoints.reset()
            with monkeypatch.context() as fault:
                fault.delitem(sys.modules, "torch", raising=False)  # it would raise an error of its own kind
                fault.setenv(failpoints.VARIABLE, f"recovery:oom:{nth}")
                try:
                    recover(journal, home / "scratch")
                    finished = True
                except MemoryError:
                    finished = False
            recover(journal, home / "scratch")
            assert journal.get(running.id).frames_done == 4 * FRAMES
            assert journal.get(broken.id).frames_done == 0
            assert names(home / "scratch") == sorted([running.id, broken.id])
            assert agree(journal, home / "scratch")
        if finished:
            break
    assert nth > 5
