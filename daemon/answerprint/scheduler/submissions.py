"""Accept new jobs: check what can be known early, probe the media, and add the job to the journal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from answerprint.api.job import UNFINISHED, JobRecord, JobState
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.api.types import BusyError, NewJob, NotFoundError
from answerprint.errors import AnswerprintError, InputError, RemoteError
from answerprint.scheduler.devices import NO_DEVICE
from answerprint.scheduler.job_tracker import JobTracker
from answerprint.scheduler.media_children import MediaChildren
from answerprint.scheduler.outputs import Claim, Outputs
from answerprint.scheduler.preflight import check_free, check_preview, check_restore
from answerprint.scheduler.scheduler import PREVIEW_PRIORITY
from answerprint.scheduler.submit_order import SubmitOrder

__all__ = ["Submissions"]

_log = logging.getLogger(__name__)

_MOST_JOBS = 100_000
_TURN_SECONDS = 0.5
_PROBE_SECONDS = 3.0
"""How long a submit waits for the probe of its media; less than a client waits for the answer."""


class Submissions:
    """Knows the outputs of all unfinished jobs, so that no two jobs write the same file."""

    def __init__(self, tracker: JobTracker, media: MediaChildren) -> None:
        self._tracker = tracker
        self._journal_thread = tracker.journal_thread
        self._journal = tracker.journal
        self._media = media
        self._outputs: Outputs | None = None
        self._submitting = asyncio.Lock()
        self._order = SubmitOrder()

    async def submit(self, new: NewJob) -> tuple[JobRecord, bool]:
        """Add a job to the journal; False if it was there already. Raises InputError and BusyError."""
        with contextlib.suppress(NotFoundError):  # before any check: its output may exist by now
            known = await self._tracker.get(new.id)
            self._order.settle(new.id)
            return known, False
        outputs = await self._known_outputs()
        checking = asyncio.ensure_future(asyncio.to_thread(_check, new, outputs))
        probing = asyncio.ensure_future(self._probe(new, checking))
        try:
            if new.after:
                await self._order.follow(new.after)
        except BusyError:  # not settled: it is submitted again, and the next one of the list must still wait for it
            probing.cancel()
            await asyncio.gather(checking, probing, return_exceptions=True)
            raise
        try:
            return await self._add_in_turn(new, outputs, checking, probing)
        finally:
            self._order.settle(new.id)

    async def _add_in_turn(
        self,
        new: NewJob,
        outputs: Outputs,
        checking: asyncio.Future[tuple[str, Claim]],
        probing: asyncio.Future[int],
    ) -> tuple[JobRecord, bool]:
        async with self._submitting:
            # Jobs are queued in the order of the calls, but a hanging share delays only its own jobs.
            await asyncio.wait({checking}, timeout=_TURN_SECONDS)
            if checking.done():
                await asyncio.wait({probing})
            else:
                self._order.settle(new.id)
        frames = await probing
        lane, claim = await checking
        record = JobRecord(
            id=new.id,
            number=0,
            kind=new.kind,
            label=new.label or Path(str(new.request["input"])).name,
            state=JobState.QUEUED,
            request=new.request,
            clip=new.clip,
            lane=lane,
            priority=PREVIEW_PRIORITY if new.kind == "preview" else new.priority,
            not_before=new.not_before,
            frames_total=frames,
        )
        record, created = await self._journal_thread.run(self._add, record, outputs, claim)
        if created:
            _log.info("queued kind=%s model=%s", record.kind, new.request.get("model"), extra={"job": record.id})
        return record, created

    async def claim_output(self, job: JobRecord) -> Callable[[JobRecord], bool]:
        """Return what claims the output of an ended job in the journal's thread, as it is queued again.

        It raises OutputError if another job writes the same file.
        """
        outputs = await self._known_outputs()
        claim = await asyncio.to_thread(outputs.resolve, job.kind, job.request)

        def take(record: JobRecord) -> bool:
            self._check_free(record, outputs, claim)
            return True

        return take

    async def _probe(self, new: NewJob, checking: asyncio.Future[tuple[str, Claim]]) -> int:
        """The number of frames; 0 if the probe takes long: it is then repeated while the job waits.

        Raises what `_check` raises, and InputError if the media cannot be used: the job is then not accepted.
        """
        await checking
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                facts = await self._media.ask(
                    {"type": "probe", "request": new.request, **({"preview": True} if new.kind == "preview" else {})}
                )
        except RemoteError as error:
            if error.exit_code == InputError.exit_code:
                raise
            return 0  # its turn will show
        except (TimeoutError, AnswerprintError):
            return 0
        first, stop = facts["range"]
        return int(stop) - int(first)

    def _add(self, record: JobRecord, outputs: Outputs, claim: Claim) -> tuple[JobRecord, bool]:
        """Check and add a job in the journal's thread, so nothing can happen in between."""
        with contextlib.suppress(NotFoundError):
            return self._journal.get(record.id), False
        counts = self._journal.counts()
        if sum(counts[state] for state in UNFINISHED) >= _MOST_JOBS:
            raise BusyError(f"{_MOST_JOBS} jobs are waiting.", "Wait until some of them are done.")
        self._check_free(record, outputs, claim)
        return self._journal.add(record, {"event": "state", "state": "queued"})

    async def _known_outputs(self) -> Outputs:
        """The outputs of all unfinished jobs, read from the journal once."""
        if self._outputs is None:
            known = Outputs()
            known.add(await self._journal_thread.run(self._journal.in_states, UNFINISHED))
            self._outputs = self._outputs or known  # a second reader found the same
        return self._outputs

    def _check_free(self, record: JobRecord, outputs: Outputs, claim: Claim) -> None:
        """In the journal's thread. Raises OutputError if another job writes the same file."""
        check_free(record, self._journal.unfinished_for(record.output))
        outputs.take(record, claim, self._unfinished)

    def _unfinished(self, job: str) -> JobRecord | None:
        with contextlib.suppress(NotFoundError):
            found = self._journal.get(job)
            return found if found.state in UNFINISHED else None
        return None


def _check(new: NewJob, outputs: Outputs) -> tuple[str, Claim]:
    """Check a job; returns its device and its claim. Raises InputError."""
    if new.kind == "preview":
        preview = PreviewRequest.from_json(new.request)
        check_preview(preview)
        request = preview.restore
    else:
        request = RestoreRequest.from_json(new.request)
        check_restore(request)
    return NO_DEVICE if request.parts else request.device, outputs.resolve(new.kind, new.request)
