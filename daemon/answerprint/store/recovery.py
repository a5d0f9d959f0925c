"""Reconcile journal and disk when the daemon starts.

    running jobs          are queued again
    temporary files       are removed
    rows without files    are removed, with all later chunks of the job, and computed again
    files without rows    are adopted if a receipt shows that they are complete and next in order, else removed
    folders of done and   are removed
    cancelled jobs
    everything else       stays, and is reported

Every step can be interrupted and repeated.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from answerprint.api.job import UNFINISHED, JobRecord, JobState, UnknownJobError
from answerprint.errors import StorageError
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.store.failpoints import reach
from answerprint.store.folders import (
    is_ours,
    job_folder,
    job_folders,
    read_waiting_job,
    remove_job_folder,
    remove_temporaries,
)
from answerprint.store.journal import Journal
from answerprint.store.quota import storage_error
from answerprint.store.receipts import (
    ChunkReceipt,
    DamagedChunkError,
    find_damage,
    find_file_damage,
    read_receipt,
    receipt_path,
)

__all__ = ["QUICK_HASH_BYTES", "ChunkChanges", "RecoveryReport", "discard_chunks", "recover", "settle_chunks"]

QUICK_HASH_BYTES = 64 << 20
"""About 0.1 s of hashing, so that the start is fast; children check the files that they read."""

_CHUNK_FILE = re.compile(r"chunk-(\d{6,})\.\w+")
_RESUMING = "resuming after the daemon stopped"


@dataclass(slots=True)
class ChunkChanges:
    """adopted: chunks found on disk. dropped: chunks to compute again, because of `reason`."""

    adopted: list[ChunkReceipt] = field(default_factory=list)
    dropped: list[ChunkReceipt] = field(default_factory=list)
    reason: str = ""


@dataclass(slots=True)
class RecoveryReport:
    """What was done. left: paths that are not from Answerprint or belong to no known job, and were left untouched."""

    resumed: list[str] = field(default_factory=list)
    chunks: dict[str, ChunkChanges] = field(default_factory=dict)
    paused: list[str] = field(default_factory=list)
    removed_folders: list[Path] = field(default_factory=list)
    freed_bytes: int = 0
    left: list[Path] = field(default_factory=list)
    unreadable: tuple[str, ...] = ()
    """Messages about jobs that the journal could not read."""


def recover(journal: Journal, scratch: Path) -> RecoveryReport:
    """Reconcile journal and disk; call it before anything else uses them.

    A job whose files cannot be read is paused with the reason. Raises StorageError if the scratch folder is missing or
    unreadable although the journal has chunks there, DiskFullError and JournalError.
    """
    report = RecoveryReport(unreadable=journal.unreadable)
    if journal.unreadable:
        _restore_set_aside(journal, scratch)
    for job in journal.running():
        journal.change(job.id, when={job.state}, event=_state_event(JobState.QUEUED), state=JobState.QUEUED)
        report.resumed.append(job.id)
        reach("recovery")
    unfinished = {job.id: job for job in journal.with_chunks(UNFINISHED)}
    if unfinished and not scratch.is_dir():
        raise StorageError(
            f"The scratch folder {scratch} with finished chunks of jobs is missing.",
            "Connect its disk, or create the folder to compute these chunks again.",
        )
    try:
        folders, others = job_folders(scratch)
        report.freed_bytes += remove_temporaries(scratch)
    except OSError as error:
        raise storage_error(error, scratch) from error
    report.left += [path for path in others if path.exists() or path.is_symlink()]
    for folder in folders:
        known = _known(journal, folder.name)
        if known is not None and known.state in UNFINISHED:
            unfinished[known.id] = known
        else:
            _clear_folder(scratch, folder, known, report)
    for job in unfinished.values():
        _reconcile_or_pause(journal, scratch, job, report)
    return report


def _restore_set_aside(journal: Journal, scratch: Path) -> None:
    """Add the jobs again that were set aside, if their folders describe them; their chunks are adopted later."""
    try:
        folders, _ = job_folders(scratch)
    except OSError as error:
        raise storage_error(error, scratch) from error
    for folder in folders:
        if any(folder.name in message for message in journal.unreadable) and _known(journal, folder.name) is None:
            with suppress(DamagedChunkError):
                journal.add(read_waiting_job(folder), _state_event(JobState.QUEUED))


def _known(journal: Journal, job: str) -> JobRecord | None:
    try:
        return journal.get(job)
    except UnknownJobError:
        return None


def _clear_folder(scratch: Path, folder: Path, job: JobRecord | None, report: RecoveryReport) -> None:
    """Remove the files of a job that is not unfinished, except the chunks of a failed one, which may be retried.

    Chunks of unknown jobs stay too: the journal may have been lost.
    """
    try:
        if job is None and any(_CHUNK_FILE.fullmatch(path.name) and is_ours(path) for path in folder.iterdir()):
            report.left.append(folder)
            return
        if job is not None and job.state is JobState.FAILED:
            report.freed_bytes += remove_temporaries(folder)
            return
    except OSError as error:
        raise storage_error(error, folder) from error
    removal = remove_job_folder(scratch, folder.name)
    report.freed_bytes += removal.bytes
    report.left += removal.left
    if not removal.left:
        report.removed_folders.append(folder)
    reach("recovery")


def _reconcile_or_pause(journal: Journal, scratch: Path, job: JobRecord, report: RecoveryReport) -> None:
    try:
        changes = settle_chunks(journal, scratch, job.id)
    except StorageError as error:
        problem = events.error(error)
        del problem["event"]
        journal.change(
            job.id,
            when={JobState.QUEUED, JobState.PAUSED},
            event=_state_event(JobState.PAUSED, problem),
            state=JobState.PAUSED,
            problem=problem,
        )
        report.paused.append(job.id)
        return
    if changes.adopted or changes.dropped:
        report.chunks[job.id] = changes


def settle_chunks(
    journal: Journal, scratch: Path, job: str, *, hash_limit_bytes: int = QUICK_HASH_BYTES
) -> ChunkChanges:
    """Reconcile the rows of a job with its files; no child may be working on the job.

    Checks all sizes, and the hashes of the last chunk, if it has at most `hash_limit_bytes`, and of adopted chunks.
    Raises StorageError if files cannot be read, without dropping anything.
    """
    folder = job_folder(scratch, job)
    changes = ChunkChanges()
    try:
        remove_temporaries(folder)
        good, changes.reason = _count_good(folder, journal.chunks(job), hash_limit_bytes)
        if changes.reason:
            event = events.warning(f"Finished frames were lost and will be restored again: {changes.reason}")
            changes.dropped = journal.drop_chunks(job, good, event)
        reach("recovery")
        for receipt in _adoptable(folder, journal.get(job), journal.last_chunk(job)):
            _adopt(journal, receipt)
            changes.adopted.append(receipt)
            reach("recovery")
        _remove_chunk_files(folder, good + len(changes.adopted))
    except OSError as error:
        raise storage_error(error, folder) from error
    return changes


def discard_chunks(
    journal: Journal, scratch: Path, job: str, from_chunk: int = 0, event: Message | None = None
) -> list[ChunkReceipt]:
    """Delete chunks and their files; returns them. No child may be working on the job. Raises StorageError."""
    dropped = journal.drop_chunks(job, from_chunk, event)
    folder = job_folder(scratch, job)
    try:
        _remove_chunk_files(folder, from_chunk)
    except OSError as error:
        raise storage_error(error, folder) from error
    return dropped


def _count_good(folder: Path, receipts: list[ChunkReceipt], hash_limit_bytes: int) -> tuple[int, str]:
    """How many chunks are good, and the damage of the next one; empty if there is none.

    A lost carry costs no finished frame: the child can restart the shot.
    """
    for index, receipt in enumerate(receipts):
        last = index == len(receipts) - 1
        full = last and receipt.segment.bytes <= hash_limit_bytes
        if damage := find_damage(folder, receipt, carry=False, full=full):
            return _restart(folder, receipts, index), damage
    return len(receipts), ""


def _restart(folder: Path, receipts: list[ChunkReceipt], chunk: int) -> int:
    """The nearest earlier chunk, or this one, that can be computed: it opens a shot, or its carry exists."""
    while chunk > 0 and not receipts[chunk].recipe.get("opens_shot"):
        carry = receipts[chunk - 1].carry
        if carry is not None and not find_file_damage(folder, carry):
            break
        chunk -= 1
    return chunk


def _adoptable(folder: Path, job: JobRecord, last: ChunkReceipt | None) -> list[ChunkReceipt]:
    """The complete chunks on disk that follow the last one of the job, in order."""
    found: list[ChunkReceipt] = []
    fingerprint = job.fingerprint
    while True:
        chunk = 0 if last is None else last.chunk + 1
        try:
            receipt = read_receipt(receipt_path(folder, chunk))
        except (FileNotFoundError, DamagedChunkError):
            break
        fits = (
            (receipt.job, receipt.chunk) == (job.id, chunk)
            and (last is None or receipt.first == last.stop)
            and fingerprint in ("", receipt.fingerprint)
        )
        if not fits or find_damage(folder, receipt, carry=False):
            break
        found.append(receipt)
        last, fingerprint = receipt, receipt.fingerprint
    if found and find_damage(folder, found[-1]):  # the last one also needs its carry
        found.pop()
    return found


def _adopt(journal: Journal, receipt: ChunkReceipt) -> None:
    job = journal.get(receipt.job)
    event = events.chunk(
        receipt.to_json(),
        0.0,  # unknown
        flow_cache={"hits": 0, "misses": 0},
        frames_done=job.frames_done + receipt.stop - receipt.first,
        frames_total=job.frames_total,
    )
    journal.commit_chunk(receipt, event)


def _remove_chunk_files(folder: Path, from_chunk: int) -> None:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        match = _CHUNK_FILE.fullmatch(path.name)
        if match and int(match[1]) >= from_chunk and is_ours(path):
            path.unlink(missing_ok=True)


def _state_event(state: JobState, problem: Message | None = None) -> Message:
    event: Message = {"event": "state", "state": state.value}
    return event | ({"reason": _RESUMING} if problem is None else {"problem": problem})
