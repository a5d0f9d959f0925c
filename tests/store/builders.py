"""Small jobs and chunks, with real files, for the tests of the store."""

from __future__ import annotations

import uuid
from pathlib import Path

from answerprint.api.job import JobRecord, JobState
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.store import atomic, receipts
from answerprint.store.folders import make_job_folder, write_job_file
from answerprint.store.journal import Journal
from answerprint.store.receipts import ChunkReceipt

FRAMES = 4
QUEUED: Message = {"event": "state", "state": "queued"}


def job(label: str = "plate", *, state: JobState = JobState.QUEUED, **values: object) -> JobRecord:
    """A job with an id of its own, not in any journal yet."""
    fields: dict[str, object] = {
        "id": str(uuid.uuid4()),
        "number": 0,
        "kind": "restore",
        "label": label,
        "state": state,
        "request": {"input": f"/film/{label}.mov", "output": f"/out/{label}.mov"},
    }
    return JobRecord(**(fields | values))  # type: ignore[arg-type]


def add(journal: Journal, **values: object) -> JobRecord:
    """A new job in the journal."""
    record, created = journal.add(job(**values), QUEUED)  # type: ignore[arg-type]
    assert created
    return record


def receipt(job_id: str, chunk: int, *, fingerprint: str = "f1", data: bytes = b"picture") -> ChunkReceipt:
    """A receipt of FRAMES frames without files."""
    digest = "0" * 64
    segment = receipts.ChunkFile(f"chunk-{chunk:06d}.nut", len(data), digest)
    carry = receipts.ChunkFile(f"chunk-{chunk:06d}.carry", len(data), digest)
    return ChunkReceipt(job_id, chunk, chunk * FRAMES, (chunk + 1) * FRAMES, segment, carry, fingerprint, {"tile": 64})


def write_chunk(scratch: Path, job_id: str, chunk: int, *, fingerprint: str = "f1") -> ChunkReceipt:
    """Files and receipt of a chunk, as a worker leaves them; the same content for the same job and number."""
    folder = make_job_folder(scratch, job_id)
    segment, carry = receipts.segment_path(folder, chunk), receipts.carry_path(folder, chunk)
    atomic.write_bytes(segment, f"pictures {job_id} {chunk}".encode() * 50, overwrite=True, mode=0o600)
    atomic.write_bytes(carry, f"carry {job_id} {chunk}".encode(), overwrite=True, mode=0o600)
    made = ChunkReceipt(
        job_id, chunk, chunk * FRAMES, (chunk + 1) * FRAMES,
        receipts.hash_file(segment), receipts.hash_file(carry), fingerprint, {"tile": 64},
    )  # fmt: skip
    receipts.write_receipt(folder, made)
    return made


def chunk_event(made: ChunkReceipt, frames_total: int = 100) -> Message:
    """What a worker says of it."""
    return events.chunk(
        made.to_json(), 1.5, flow_cache={"hits": 1, "misses": 2}, frames_done=made.stop, frames_total=frames_total
    )


def commit(journal: Journal, made: ChunkReceipt) -> int:
    """Journal a chunk."""
    return journal.commit_chunk(made, chunk_event(made), seconds=1.5)


def finish_chunks(journal: Journal, scratch: Path, record: JobRecord, count: int) -> list[ChunkReceipt]:
    """Write and journal the first chunks of a job, and remove what only the chunk after needed."""
    write_job_file(make_job_folder(scratch, record.id), record)
    made: list[ChunkReceipt] = []
    for chunk in range(count):
        made.append(write_chunk(scratch, record.id, chunk))
        commit(journal, made[-1])
        if chunk:
            receipts.carry_path(scratch / record.id, chunk - 1).unlink()
    return made
