"""The parent's end of the media children: a few that answer questions, and one for each file that is written.

Frames of jobs as pictures to look at: finished ones and their sources, while a job runs and when it is done.
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
"""A child that says nothing for so long hangs: one that reads on, however slowly, says so."""
_SIDE_BY_SIDE = 6
"""Questions at a time, each with a child of its own: a file that takes long keeps no other waiting."""
_SPARE_SECONDS = 30.0
"""How long more children stay than the one that the next question needs."""
_SHARED = frozenset({"describe", "probe"})
"""Questions whose answer is the same for all who ask."""


class MediaChildren:
    """Opens media for the parent, which never does: a hostile file ends a child and nothing else."""

    def __init__(
        self,
        start: Callable[[], Awaitable[Child]],
        folder: Path,
        config: Config,
        *,
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> None:
        """folder: the daemon's own place for files that pass between it and its children."""
        self._start = start
        self._folder = folder
        self._silence_seconds = silence_seconds
        self._hang_seconds = config.hang_seconds
        self._idle_seconds = config.idle_worker_seconds
        self._places = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._idle: list[tuple[Child, float]] = []
        """Children without a question, and since when; the last is asked next."""
        self._asked: dict[str, asyncio.Future[Message]] = {}
        self._children: set[Child] = set()
        """All that have not ended."""
        self._number = 0
        self._closed = False

    async def ask(self, message: Message) -> Message:
        """Facts of a report. Raises RemoteError for what the child refuses, JobFailedError when it is lost twice."""
        # Shielded: a caller that goes away in the middle of an answer must not leave half of it in the pipe.
        if message["type"] not in _SHARED:
            return await asyncio.shield(asyncio.ensure_future(self._ask_twice(message)))
        # Whoever asks again while a long file is read waits for that reading, and begins none of his own.
        key = json.dumps(message, sort_keys=True)
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.ensure_future(self._ask_twice(message))
            asked.add_done_callback(lambda done: self._answered(key, done))
        return dict(await asyncio.shield(asked))

    async def mux(self, message: Message, receipts: Sequence[ChunkReceipt], on_event: OnEvent, turn: Turn) -> Message:
        """Write a deliverable in a child of its own; returns the final event, `stopped` for a turn that is unwanted.

        Raises ChildLostError, StorageError and what `on_event` raises.
        """
        # A list of a long clip's chunks is longer than a message may be.
        listing = self._folder / f"mux-{secrets.token_hex(8)}.json"
        child: Child | None = None
        try:
            await asyncio.to_thread(_write_list, listing, receipts)
            if not turn.unwanted:
                child = await self._begin()
            if child is None or turn.unwanted:
                return events.stopped(at_border=True)
            with turn.heard_by(child.send):
                child.send({**message, "type": "mux", "id": 0, "receipts_file": str(listing)})
                while (event := await self._next(child, self._hang_seconds))["event"] not in FINAL:
                    await on_event(event)
                return event
        finally:
            with contextlib.suppress(OSError):
                listing.unlink(missing_ok=True)
            if child is not None:
                await self._end(child, 2.0)

    async def end_if_idle(self) -> None:
        """End children that had no question for long, and those that are more than one sooner."""
        now = asyncio.get_running_loop().time()
        spare, last = self._idle[:-1], self._idle[-1:]
        old = [each for each in spare if now - each[1] >= min(_SPARE_SECONDS, self._idle_seconds)]
        old += [each for each in last if now - each[1] >= self._idle_seconds]
        self._idle = [each for each in self._idle if each not in old]
        await asyncio.gather(*(self._end(child, 1.0) for child, _ in old))

    async def close(self, seconds: float) -> None:
        """End all children, also in the middle of their work."""
        self._closed = True
        idle = {child for child, _ in self._idle}
        await asyncio.gather(*(child.end(seconds, still_read=child not in idle) for child in self._children))
        self._idle.clear()
        # Whoever waited for an answer knows by now that there is none.
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    def _answered(self, key: str, done: asyncio.Future[Message]) -> None:
        self._asked.pop(key, None)
        if not done.cancelled():
            done.exception()  # whoever waited has it; nobody else wants it

    async def _ask_twice(self, message: Message) -> Message:
        async with self._places:
            for last_try in (False, True):
                try:
                    return await self._ask(message, await (self._begin() if last_try else self._idle_child()))
                except ChildLostError as lost:
                    # Once more, of a new one: a child that idled may have been ended by the system.
                    if last_try:
                        raise JobFailedError(
                            f"The media could not be read: {lost.message}", "Convert it to ProRes first."
                        ) from lost
        raise AssertionError("unreachable")

    async def _ask(self, message: Message, child: Child) -> Message:
        try:
            facts = await self._answer(child, message)
        except RemoteError:
            self._rest(child)
            raise
        except BaseException:
            await self._end(child, 0.0)
            raise
        self._rest(child)
        return facts

    async def _answer(self, child: Child, message: Message) -> Message:
        self._number += 1
        number = self._number
        child.send({**message, "id": number})
        while True:
            event = await self._next(child, self._silence_seconds)
            if event.get("id") != number:
                continue
            if event["event"] == "error":
                raise RemoteError.from_event(event)
            if event["event"] == "report":
                return dict(event["facts"])

    async def _idle_child(self) -> Child:
        """A child that has no question: one that rests, or a new one."""
        while self._idle:
            child, _ = self._idle.pop()
            if child.alive:
                return child
            await self._end(child, 0.0)
        return await self._begin()

    def _rest(self, child: Child) -> None:
        if not self._closed:  # else it is being ended
            self._idle.append((child, asyncio.get_running_loop().time()))

    async def _begin(self) -> Child:
        if self._closed:
            raise NoDaemonError("The daemon is ending.", "Ask again when it is back.")
        child = await self._start()
        self._children.add(child)
        try:
            if self._closed:
                raise NoDaemonError("The daemon is ending.", "Ask again when it is back.")
            child.send({"type": "serve"})
            while (event := await self._next(child, self._silence_seconds))["event"] != "ready":
                if event["event"] == "error":
                    raise RemoteError.from_event(event)
        except BaseException:
            await self._end(child, 0.0)
            raise
        return child

    async def _end(self, child: Child, seconds: float) -> None:
        """For a child whose events nobody takes any more."""
        await child.end(seconds)
        self._children.discard(child)

    async def _next(self, child: Child, seconds: float) -> Message:
        try:
            async with asyncio.timeout(seconds):
                return await child.receive()
        except TimeoutError:
            child.kill()
            raise ChildLostError(f"The media process did not answer for {seconds:.0f} s and was ended.") from None


def _write_list(path: Path, receipts: Sequence[ChunkReceipt]) -> None:
    """Raises StorageError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump([receipt.to_json() for receipt in receipts], file)
    except OSError as error:
        raise storage_error(error, path) from error


class Pictures:
    """Has pictures made in a folder of its own; each lies there until its receiver has it."""

    def __init__(self, book: JobTracker, media: MediaChildren, folder: Path) -> None:
        self._book = book
        self._media = media
        self._folder = folder

    async def frame(
        self, job: JobRecord, frame: int, side: PictureSide, form: PictureFormat, max_size: tuple[int, int]
    ) -> EncodedPicture:
        """One frame. Raises NotYetError, NotFoundError, StorageError, and what the child finds wrong."""
        while True:
            order = await self._order(job, frame, side, form, max_size)
            try:
                return await self._make(order)
            except RemoteError:
                # Its chunks may have become the deliverable, or gone with the job, while they were looked for.
                now = await self._book.get(job.id)
                if now.state is job.state:
                    raise
                job = now

    async def _order(
        self, job: JobRecord, frame: int, side: PictureSide, form: PictureFormat, max_size: tuple[int, int]
    ) -> Message:
        """What to ask of the child. Raises what keeps the frame from being shown."""
        if job.kind != "restore":
            raise NotFoundError("A preview has its pictures in its folder.", f"Look into {job.output}.")
        if not job.facts:
            raise NotYetError(f"Job {job.number} has not begun.", "Ask again when it runs.")
        first, stop = job.facts["input"]["range"]
        if not first <= frame < stop:
            raise NotFoundError(f"Frame {frame} is not in the clip.", f"Frames run from {first} to {stop - 1}.")
        receipt = await self._receipt(job, frame) if side == "restored" else None
        size = job.facts["output"]
        return {
            "type": "frame",
            "job": job.id,
            "scratch": str(self._book.folder(job.id)),
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
        """The chunk with a finished frame; None where the chunks are gone, and the deliverable has it."""
        if job.state is JobState.DONE:
            return None
        if job.state is JobState.CANCELLED:
            raise NotFoundError(f"Job {job.number} was cancelled.", "Retry it: then its frames are restored again.")
        receipt = await self._book.ledger.do(self._book.journal.chunk_with_frame, job.id, frame)
        if receipt is None:
            raise NotYetError(f"Frame {frame} is not restored yet.", f"{job.frames_done} frames are.")
        return receipt

    async def _make(self, order: Message) -> EncodedPicture:
        path = Path(order["output"])
        try:
            await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            making = asyncio.ensure_future(self._media.ask(order))
            try:
                facts = await asyncio.shield(making)
            except asyncio.CancelledError:
                making.add_done_callback(lambda done: _drop(path, done))  # nobody will fetch it
                raise
            size = (await asyncio.to_thread(path.stat)).st_size
        except OSError as error:
            raise storage_error(error, path) from error
        return EncodedPicture(path, str(facts["media_type"]), int(facts["width"]), int(facts["height"]), size)


def _drop(path: Path, done: asyncio.Future[Message]) -> None:
    if not done.cancelled():
        done.exception()  # nobody asks any more
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
