"""Handles the events of a running job: writes them to the journal, then passes them to the watchers."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from answerprint.api.job import ChunkRefusedError, JobState
from answerprint.errors import StorageError
from answerprint.ipc.messages import Message
from answerprint.scheduler.disk_space import find_shortage
from answerprint.scheduler.event_hub import LIVE
from answerprint.scheduler.job_tracker import JobTracker, error_record
from answerprint.scheduler.turn import Turn
from answerprint.store.receipts import ChunkReceipt, carry_path

__all__ = ["EventSink"]

_log = logging.getLogger(__name__)

_TAGS = ("job", "id")
"""Fields that route an event through the pipe; they are not part of the event."""


class EventSink:
    """Handles the events of one turn, one after the other."""

    def __init__(self, tracker: JobTracker, turn: Turn) -> None:
        self._tracker = tracker
        self._turn = turn
        self._job = turn.job.id

    async def handle(self, event: Message) -> None:
        """Handle an event other than the final one. Raises what the journal raises."""
        event = {key: value for key, value in event.items() if key not in _TAGS}
        kind = event["event"]
        if kind in LIVE:
            self._tracker.publish_live(self._job, event)
        elif kind == "chunk":
            await self._commit(event)
        elif kind == "started":
            await self._started(event)
        elif kind == "adapted":
            await self._tracker.update(self._job, {JobState.RUNNING}, event, rung=int(event["rung"]))
        else:
            await self._tracker.append(self._job, event)

    async def _commit(self, event: Message) -> None:
        """Record a chunk, then announce it: it is done only when its row is in the journal."""
        receipt = ChunkReceipt.from_json(event["receipt"])
        folder = self._tracker.folder(self._job)
        try:
            await self._tracker.commit(
                receipt, {**event, "segment": str(folder / receipt.segment.name)}, float(event["seconds"])
            )
        except ChunkRefusedError:
            if (await self._tracker.get(self._job)).state is JobState.CANCELLED:
                return  # its files are being removed
            raise
        place = {"job": self._job, "chunk": receipt.chunk}
        _log.info("done frames=%d:%d seconds=%.2f", receipt.first, receipt.stop, event["seconds"], extra=place)
        if receipt.chunk > 0:
            before = carry_path(folder, receipt.chunk - 1)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(before.unlink, missing_ok=True)

    async def _started(self, event: Message) -> None:
        """Record the facts of a job, and pause it if there is too little disk space."""
        time = await self._tracker.expected(event, self._turn.job.request)
        event = {**event, "estimate": {**(event.get("estimate") or {}), **time}}
        facts = {key: value for key, value in event.items() if key != "event"}
        first, stop = event["input"]["range"]
        record, moved = await self._tracker.update(
            self._job, {JobState.RUNNING, JobState.MUXING}, event,
            facts=facts, frames_total=stop - first, fingerprint=str(event.get("fingerprint", "")),
        )  # fmt: skip
        if moved and record.kind == "restore":
            estimate = event.get("estimate") or {}
            shortage = await asyncio.to_thread(find_shortage, record, estimate, self._tracker.scratch)
            if shortage is not None:
                await self._pause(shortage)

    async def _pause(self, error: StorageError) -> None:
        at_work = {JobState.RUNNING, JobState.MUXING}
        await self._tracker.change(self._job, at_work, JobState.PAUSED, error_record(error), failures=0)
        self._turn.stop()
