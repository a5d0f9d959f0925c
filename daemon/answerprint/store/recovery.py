"""What happens between the start of the daemon and its first answer: journal and disk are made to agree again.

    jobs left at work     wait in the queue again
    temporary files       go
    rows without files    go, with all later chunks of the job: they are computed again
    files without rows    are taken in where a receipt shows that they are whole and next in order; else they go
    folders of done and   go
    cancelled jobs
    all else              stays, and is reported

Every step can be cut off and done again.
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
"""About 0.1 s of work: nobody is kept waiting for gigabytes, and children check what they read."""

_CHUNK_FILE = re.compile(r"chunk-(\d{6,})\.\w+")
_RESUMING = "resuming after the daemon ended"


@dataclass(slots=True)
class ChunkChanges:
    """Chunks of a job that were taken in from disk, and that have to be computed again. reason: of the latter."""

    adopted: list[ChunkReceipt] = field(default_factory=list)
    dropped: list[ChunkReceipt] = field(default_factory=list)
    reason: str = ""


@dataclass(slots=True)
class RecoveryReport:
    """What was found and done. left: what is not ours, or of no job that is known, and was not touched."""

    resumed: list[str] = field(default_factory=list)
    chunks: dict[str, ChunkChanges] = field(default_factory=dict)
    paused: list[str] = field(default_factory=list)
    removed_folders: list[Path] = field(default_factory=list)
    freed_bytes: int = 0
    left: list[Path] = field(default_factory=list)
    unreadable: tuple[str, ...] = ()
    """What to tell of jobs that the journal could not read."""


def recover(journal: Journal, scratch: Path) -> RecoveryReport:
    """Make journal and disk agree; before anything else uses either.

    A job whose files cannot be read now is paused with the reason. Raises StorageError when the scratch folder is
    gone or unreadable although chunks are journalled there, DiskFullError and JournalError.
    """
    report = RecoveryReport(unreadable=journal.unreadable)
    if journal.unreadable:
        _bring_back(journal, scratch)
    for job in journal.running():
        journal.change(job.id, when={job.state}, event=_state_event(JobState.QUEUED), state=JobState.QUEUED)
        report.resumed.append(job.id)
        reach("recovery")
    settled = {job.id: job for job in journal.with_chunks(UNFINISHED)}
    if settled and not scratch.is_dir():
        raise StorageError(
            f"The scratch folder, {scratch}, is gone, and with it the finished chunks of jobs.",
            "Bring back its disk, or create the folder: then the chunks are computed again.",
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
            settled[known.id] = known
        else:
            _clear_folder(scratch, folder, known, report)
    for job in settled.values():
        _settle_or_pause(journal, scratch, job, report)
    return report


def _bring_back(journal: Journal, scratch: Path) -> None:
    """Jobs that were set aside come back where their folders still say what was asked for; their chunks with them."""
    try:
        folders, _ = job_folders(scratch)
    except OSError as error:
        raise storage_error(error, scratch) from error
    for folder in folders:
        if any(folder.name in said for said in journal.unreadable) and _known(journal, folder.name) is None:
            with suppress(DamagedChunkError):
                journal.add(read_waiting_job(folder), _state_event(JobState.QUEUED))


def _known(journal: Journal, job: str) -> JobRecord | None:
    try:
        return journal.get(job)
    except UnknownJobError:
        return None


def _clear_folder(scratch: Path, folder: Path, job: JobRecord | None, report: RecoveryReport) -> None:
    """What a job left behind goes, save for a failed one's chunks, as it may be tried again.

    Chunks of a job that the journal does not know stay too: it may have been lost, and they were promised to somebody.
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


def _settle_or_pause(journal: Journal, scratch: Path, job: JobRecord, report: RecoveryReport) -> None:
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
    """Make the rows of a job agree with its files; for a job that no child works on.

    Sizes are compared, and the hashes of the last chunk, if it has at most `hash_limit_bytes`, and of what is taken in.
    Raises StorageError for files that cannot be read now: nothing is given up for that.
    """
    folder = job_folder(scratch, job)
    changes = ChunkChanges()
    try:
        remove_temporaries(folder)
        good, changes.reason = _count_good(folder, journal.chunks(job), hash_limit_bytes)
        if changes.reason:
            event = events.warning(f"Finished frames are lost and will be computed again: {changes.reason}")
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
    """Forget chunks, and remove their files, for a job that no child works on; returns them. Raises StorageError."""
    dropped = journal.drop_chunks(job, from_chunk, event)
    folder = job_folder(scratch, job)
    try:
        _remove_chunk_files(folder, from_chunk)
    except OSError as error:
        raise storage_error(error, folder) from error
    return dropped


def _count_good(folder: Path, receipts: list[ChunkReceipt], hash_limit_bytes: int) -> tuple[int, str]:
    """How many chunks from the first on stay, and what is wrong with the one after; empty for nothing.

    A carry that is lost costs no finished frame: the child knows what it can go on without.
    """
    for index, receipt in enumerate(receipts):
        last = index == len(receipts) - 1
        full = last and receipt.segment.bytes <= hash_limit_bytes
        if damage := find_damage(folder, receipt, carry=False, full=full):
            return _restart(folder, receipts, index), damage
    return len(receipts), ""


def _restart(folder: Path, receipts: list[ChunkReceipt], chunk: int) -> int:
    """The nearest chunk, up to this one, that can be computed: nothing is carried into it, or what is, is there."""
    while chunk > 0 and not receipts[chunk].recipe.get("opens_shot"):
        carry = receipts[chunk - 1].carry
        if carry is not None and not find_file_damage(folder, carry):
            break
        chunk -= 1
    return chunk


def _adoptable(folder: Path, job: JobRecord, last: ChunkReceipt | None) -> list[ChunkReceipt]:
    """The chunks on disk that continue the job's, whole and in order."""
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
    if found and find_damage(folder, found[-1]):  # of those before it nobody needs the carry
        found.pop()
    return found


def _adopt(journal: Journal, receipt: ChunkReceipt) -> None:
    job = journal.get(receipt.job)
    event = events.chunk(
        receipt.to_json(),
        0.0,  # nobody knows any more how long it took
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
