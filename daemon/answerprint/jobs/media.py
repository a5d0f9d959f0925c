"""The parent's end of the media children: one that answers quick questions, and one for each file that is written."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ..errors import JobFailedError, NoDaemonError, RemoteError
from ..frames import events
from ..frames.events import FINAL
from ..frames.messages import Message
from ..store.quota import storage_error
from ..store.receipts import ChunkReceipt
from .children import Child, ChildLostError
from .config import Config
from .turn import Turn

__all__ = ["MediaChildren"]

_QUESTION_SECONDS = 60.0

OnEvent = Callable[[Message], Awaitable[None]]


class MediaChildren:
    """Opens media for the parent, which never does: a hostile file ends a child and nothing else."""

    def __init__(self, start: Callable[[], Awaitable[Child]], folder: Path, config: Config) -> None:
        """folder: the daemon's own place for files that pass between it and its children."""
        self._start = start
        self._folder = folder
        self._hang_seconds = config.hang_seconds
        self._idle_seconds = config.idle_worker_seconds
        self._quick: Child | None = None
        self._asking = asyncio.Lock()
        self._asked_at = 0.0
        self._children: set[Child] = set()
        """All that have not ended."""
        self._number = 0
        self._closed = False

    async def ask(self, message: Message) -> Message:
        """Facts of a report. Raises RemoteError for what the child refuses, JobFailedError when it is lost twice."""
        # Shielded: a caller that goes away in the middle of an answer must not leave half of it in the pipe.
        return await asyncio.shield(asyncio.ensure_future(self._ask_twice(message)))

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
        """End the child that answers questions when none came for long."""
        idle = asyncio.get_running_loop().time() - self._asked_at
        if self._quick is None or self._asking.locked() or idle < self._idle_seconds:
            return
        async with self._asking:
            quick, self._quick = self._quick, None
            if quick is not None:
                await self._end(quick, 1.0)

    async def close(self, seconds: float) -> None:
        """End all children, also in the middle of their work."""
        self._closed = True
        idle = None if self._asking.locked() else self._quick
        await asyncio.gather(*(child.end(seconds, still_read=child is not idle) for child in self._children))
        async with self._asking:  # whoever waited for an answer knows by now that there is none
            self._quick = None

    async def _ask_twice(self, message: Message) -> Message:
        async with self._asking:
            try:
                for last_try in (False, True):
                    try:
                        return await self._ask(message)
                    except ChildLostError as lost:
                        await self._forget_quick()
                        # Once more: a child that idled may have been ended by the system.
                        if last_try:
                            raise JobFailedError(
                                f"The media could not be read: {lost.message}", "Convert it to ProRes first."
                            ) from lost
            finally:
                self._asked_at = asyncio.get_running_loop().time()
        raise AssertionError("unreachable")

    async def _ask(self, message: Message) -> Message:
        if self._quick is not None and not self._quick.alive:
            await self._forget_quick()
        child = self._quick = self._quick or await self._begin()
        self._number += 1
        number = self._number
        child.send({**message, "id": number})
        while True:
            event = await self._next(child, _QUESTION_SECONDS)
            if event.get("id") != number:
                continue
            if event["event"] == "error":
                raise RemoteError.from_event(event)
            if event["event"] == "report":
                return dict(event["facts"])

    async def _forget_quick(self) -> None:
        quick, self._quick = self._quick, None
        if quick is not None:
            await self._end(quick, 0.0)

    async def _begin(self) -> Child:
        if self._closed:
            raise NoDaemonError("The daemon is ending.", "Ask again when it is back.")
        child = await self._start()
        self._children.add(child)
        try:
            if self._closed:
                raise NoDaemonError("The daemon is ending.", "Ask again when it is back.")
            child.send({"type": "serve"})
            while (event := await self._next(child, _QUESTION_SECONDS))["event"] != "ready":
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
