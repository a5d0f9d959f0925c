"""The daemon's side of the media children: some answer questions, each file is written by one of its own.

`Pictures` has them encode frames of jobs, finished ones and their sources.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import EncodedPicture, NotFoundError, NotYetError, PictureFormat, PictureSide
from answerprint.errors import JobFailedError, NoDaemonError, RemoteError
from answerprint.ipc import events
from answerprint.ipc.child import Child, ChildLostError
from answerprint.ipc.events import FINAL
from answerprint.ipc.messages import Message
from answerprint.scheduler.config import Config
from answerprint.scheduler.device_worker import OnEvent
from answerprint.scheduler.job_tracker import JobTracker
from answerprint.scheduler.turn import Turn
from answerprint.store.quota import storage_error
from answerprint.store.receipts import ChunkReceipt

__all__ = ["MediaChildren", "Pictures"]

_SILENCE_SECONDS = 60.0
"""A child that is silent for this long has hung: a slow one reports that it still reads."""
_SIDE_BY_SIDE = 6
"""Questions in parallel, each in its own child, so that a slow file does not block others."""
_SPARE_SECONDS = 30.0
"""How long idle children beyond the first one stay."""
_MOST_KNOWN = 256
_SHARED = frozenset({"describe", "probe"})
"""Questions whose answer can be shared by all callers."""


class MediaChildren:
    """Opens media in child processes: a malicious file can crash a child, but not the daemon."""

    def __init__(
        self,
        start: Callable[[], Awaitable[Child]],
        folder: Path,
        config: Config,
        *,
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> None:
        """folder: for files passed to the children."""
        self._start = start
        self._folder = folder
        self._silence_seconds = silence_seconds
        self._hang_seconds = config.hang_seconds
        self._idle_seconds = config.idle_worker_seconds
        self._slots = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._idle: list[tuple[Child, float]] = []
        """Idle children, and since when; the last one gets the next question."""
        self._pending: dict[str, asyncio.Future[Message]] = {}
        self._children: set[Child] = set()
        """All running children."""
        self._number = 0
        self._closed = False
        self._fields: dict[str, object] = {}
        """What a child found of the fields of a file: others need not decode it for that."""

    async def ask(self, message: Message) -> Message:
        """The facts of the report. Raises RemoteError if the child refuses, JobFailedError if it crashes twice."""
        # Shielded: a cancelled caller must not leave half an answer in the pipe.
        if message["type"] not in _SHARED:
            asking = asyncio.ensure_future(self._ask_twice(message))
            asking.add_done_callback(_retrieve)
            return await asyncio.shield(asking)
        # A second caller with the same question waits for the same answer.
        key = json.dumps(message, sort_keys=True)
        pending = self._pending.get(key)
        if pending is None:
            pending = self._pending[key] = asyncio.ensure_future(self._ask_twice(message))
            pending.add_done_callback(lambda done: self._answered(key, done))
        return dict(await asyncio.shield(pending))

    async def mux(self, message: Message, receipts: Sequence[ChunkReceipt], on_event: OnEvent, turn: Turn) -> Message:
        """Write a deliverable in its own child; returns the final event, `stopped` if the turn was pending to end.

        Raises ChildLostError, StorageError and what `on_event` raises.
        """
        # The list of chunks of a long clip may exceed the size limit of a message.
        list_file = self._folder / f"mux-{secrets.token_hex(8)}.json"
        child: Child | None = None
        try:
            await asyncio.to_thread(_write_list, list_file, receipts)
            if not turn.ending:
                child = await self._begin()
            if child is None or turn.ending:
                return events.stopped(at_border=True)
            with turn.forward_to(child.send):
                child.send({**message, "type": "mux", "id": 0, "receipts_file": str(list_file)})
                while (event := await self._next(child, self._hang_seconds))["event"] not in FINAL:
                    await on_event(event)
                return event
        finally:
            with contextlib.suppress(OSError):
                list_file.unlink(missing_ok=True)
            if child is not None:
                await self._end(child, 2.0)

    def known_of(self, media: object) -> Message:
        """Fields of a message to a child that opens this file: what another one has found out about it."""
        found = self._fields.get(str(media))
        return {} if found is None else {"fields": found}

    async def end_if_idle(self) -> None:
        """End children that have long been idle; those beyond the first one sooner."""
        now = asyncio.get_running_loop().time()
        spare, last = self._idle[:-1], self._idle[-1:]
        old = [each for each in spare if now - each[1] >= min(_SPARE_SECONDS, self._idle_seconds)]
        old += [each for each in last if now - each[1] >= self._idle_seconds]
        self._idle = [each for each in self._idle if each not in old]
        await asyncio.gather(*(self._end(child, 1.0) for child, _ in old))

    async def close(self, seconds: float) -> None:
        """End all children, even busy ones."""
        self._closed = True
        idle = {child for child, _ in self._idle}
        await asyncio.gather(*(child.end(seconds, still_read=child not in idle) for child in self._children))
        self._idle.clear()
        # Callers that wait for an answer get an error.
        await asyncio.gather(*self._pending.values(), return_exceptions=True)

    def _answered(self, key: str, done: asyncio.Future[Message]) -> None:
        self._pending.pop(key, None)
        _retrieve(done)

    async def _ask_twice(self, message: Message) -> Message:
        async with self._slots:
            for last_try in (False, True):
                try:
                    return await self._ask(message, await (self._begin() if last_try else self._idle_child()))
                except ChildLostError as lost:
                    # Retry in a new one: the system may have ended an idle child.
                    if last_try:
                        raise JobFailedError(
                            f"The media could not be read: {lost.message}", "Convert the file to ProRes first."
                        ) from lost
        raise AssertionError("unreachable")

    async def _ask(self, message: Message, child: Child) -> Message:
        try:
            facts = await self._answer(child, message)
        except RemoteError:
            self._release(child)
            raise
        except BaseException:
            await self._end(child, 0.0)
            raise
        self._release(child)
        return facts

    async def _answer(self, child: Child, message: Message) -> Message:
        self._number += 1
        number = self._number
        media = str((message.get("request") or {}).get("input", ""))
        child.send({**message, "id": number, **self.known_of(media)})
        while True:
            event = await self._next(child, self._silence_seconds)
            if event.get("id") != number:
                continue
            if event["event"] == "error":
                raise RemoteError.from_event(event)
            if event["event"] == "report":
                facts = dict(event["facts"])
                if (found := facts.pop("fields", None)) is not None:
                    if len(self._fields) >= _MOST_KNOWN:
                        self._fields.clear()
                    self._fields[media] = found
                return facts

    async def _idle_child(self) -> Child:
        """An idle child, or a new one."""
        while self._idle:
            child, _ = self._idle.pop()
            if child.alive:
                return child
            await self._end(child, 0.0)
        return await self._begin()

    def _release(self, child: Child) -> None:
        if not self._closed:  # otherwise it is being ended
            self._idle.append((child, asyncio.get_running_loop().time()))

    async def _begin(self) -> Child:
        if self._closed:
            raise NoDaemonError("The daemon is stopping.", "Try again after it has restarted.")
        child = await self._start()
        self._children.add(child)
        try:
            if self._closed:
                raise NoDaemonError("The daemon is stopping.", "Try again after it has restarted.")
            child.send({"type": "serve"})
            while (event := await self._next(child, self._silence_seconds))["event"] != "ready":
                if event["event"] == "error":
                    raise RemoteError.from_event(event)
        except BaseException:
            await self._end(child, 0.0)
            raise
        return child

    async def _end(self, child: Child, seconds: float) -> None:
        """End a child whose events are no longer read."""
        await child.end(seconds)
        self._children.discard(child)

    async def _next(self, child: Child, seconds: float) -> Message:
        try:
            async with asyncio.timeout(seconds):
                return await child.receive()
        except TimeoutError:
            child.kill()
            raise ChildLostError(f"The media process did not answer for {seconds:.0f} s and was stopped.") from None


def _retrieve(done: asyncio.Future[Message]) -> None:
    """Mark an error as known: the callers have it, unless they have gone."""
    if not done.cancelled():
        done.exception()


def _write_list(path: Path, receipts: Sequence[ChunkReceipt]) -> None:
    """Write the receipts as JSON. Raises StorageError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump([receipt.to_json() for receipt in receipts], file)
    except OSError as error:
        raise storage_error(error, path) from error


class Pictures:
    """Has pictures made in a folder; each stays there until it was sent."""

    def __init__(self, tracker: JobTracker, media: MediaChildren, folder: Path) -> None:
        self._tracker = tracker
        self._media = media
        self._folder = folder

    async def frame(
        self, job: JobRecord, frame: int, side: PictureSide, form: PictureFormat, max_size: tuple[int, int]
    ) -> EncodedPicture:
        """One frame. Raises NotYetError, NotFoundError, StorageError, and the errors of the child."""
        while True:
            request = await self._request(job, frame, side, form, max_size)
            try:
                return await self._make(request)
            except RemoteError:
                # Meanwhile its chunks may have become the deliverable or been deleted.
                now = await self._tracker.get(job.id)
                if now.state is job.state:
                    raise
                job = now

    async def _request(
        self, job: JobRecord, frame: int, side: PictureSide, form: PictureFormat, max_size: tuple[int, int]
    ) -> Message:
        """The request for the child. Raises NotFoundError, NotYetError."""
        if job.kind != "restore":
            raise NotFoundError("Previews are written to a folder.", f"See {job.output}.")
        if not job.facts:
            raise NotYetError(f"Job {job.number} has not started.", "Try again when it is running.")
        first, stop = job.facts["input"]["range"]
        if not first <= frame < stop:
            raise NotFoundError(f"Frame {frame} is not in the clip.", f"Frames run from {first} to {stop - 1}.")
        receipt = await self._receipt(job, frame) if side == "restored" else None
        size = job.facts["output"]
        return {
            "type": "frame",
            "job": job.id,
            "scratch": str(self._tracker.folder(job.id)),
            "request": job.request,
            "receipt": None if receipt is None else receipt.to_json(),
            "frame": frame,
            "side": side,
            "format": form,
            "max_width": max_size[0],
            "max_height": max_size[1],
            "size": [size["width"], size["height"]],
            "output": str(self._folder / f"{secrets.token_hex(12)}.{form}"),
        }

    async def _receipt(self, job: JobRecord, frame: int) -> ChunkReceipt | None:
        """The chunk with a finished frame; None if the job is done and the deliverable has it."""
        if job.state is JobState.DONE:
            return None
        if job.state is JobState.CANCELLED:
            raise NotFoundError(f"Job {job.number} was cancelled.", "Retry the job to restore its frames again.")
        receipt = await self._tracker.journal_thread.run(self._tracker.journal.chunk_with_frame, job.id, frame)
        if receipt is None:
            raise NotYetError(
                f"Frame {frame} is not restored yet.", f"{job.frames_done} of {job.frames_total} frames are done."
            )
        return receipt

    async def _make(self, request: Message) -> EncodedPicture:
        path = Path(request["output"])
        try:
            await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            making = asyncio.ensure_future(self._media.ask(request))
            try:
                facts = await asyncio.shield(making)
            except asyncio.CancelledError:
                making.add_done_callback(lambda done: _drop(path, done))  # nothing will fetch it
                raise
            size = (await asyncio.to_thread(path.stat)).st_size
        except OSError as error:
            raise storage_error(error, path) from error
        return EncodedPicture(path, str(facts["media_type"]), int(facts["width"]), int(facts["height"]), size)


def _drop(path: Path, done: asyncio.Future[Message]) -> None:
    _retrieve(done)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
