"""A child process that serves many requests: messages to it, events from it, and how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from answerprint.descriptors import is_out_of_descriptors, too_many_files
from answerprint.errors import JobFailedError
from answerprint.ipc.child_log import create_log, last_line
from answerprint.ipc.events import check_event
from answerprint.ipc.messages import MAX_MESSAGE_BYTES, Message, MessageError, encode_message

__all__ = ["Child", "ChildLostError", "unexpected_end"]

_HEAD_BYTES = 4
_EXIT_SECONDS = 3.0


class ChildLostError(JobFailedError):
    """A child process has ended or does not answer."""

    code = "worker_lost"


def unexpected_end(code: int | None, log: Path) -> ChildLostError:
    """The error for a child that ended unexpectedly. code: its exit code, negative for a signal, None if it hung."""
    where = f"See its log: {log}"
    if code is None:
        return ChildLostError("The worker closed its pipe and hung.", where)
    if code >= 0:
        line = last_line(log)
        return ChildLostError(
            f"The worker ended unexpectedly with exit code {code}{': ' + line if line else ''}.", where
        )
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name == "SIGKILL":
        return ChildLostError(
            "The worker was killed (SIGKILL), most likely because memory ran out.",
            "Close other programs, or use a smaller --chunk or --size.",
        )
    return ChildLostError(f"The worker crashed ({name}).", where)


class Child:
    """A running child process in its own session; call every method in the event loop."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._ending = False

    @classmethod
    async def start(cls, command: Sequence[str], kind: str, logs: Path) -> Self:
        """Start a child; its standard error goes to a log.

        Raises ChildLostError if it cannot be started, TooManyFilesError if too many files are open.
        """
        try:
            log = create_log(logs, kind)
            with log.open("ab") as errors:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                    limit=2 * MAX_MESSAGE_BYTES,
                    start_new_session=os.name != "nt",
                )
        except OSError as error:
            if is_out_of_descriptors(error):
                raise too_many_files("A worker process") from error
            reason = error.strerror or type(error).__name__
            raise ChildLostError(f"Cannot start the worker ({reason}).", "Free some memory and disk space.") from error
        return cls(process, log)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it is running and was not told to end."""
        return self._process.returncode is None and not self._ending

    def send(self, message: Mapping[str, object]) -> None:
        """Send a message without waiting: messages are few, and a hung child must not block the caller.

        It is dropped if the child has ended; `receive` reports that.
        """
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(encode_message(message))

    async def receive(self) -> Message:
        """Return the next event. One caller at a time; do not cancel it within an event.

        Raises ChildLostError if the child has ended or sends an invalid event.
        """
        stdout = self._process.stdout
        if stdout is None:
            raise RuntimeError("a child has no pipes")
        try:
            length = int.from_bytes(await stdout.readexactly(_HEAD_BYTES), "big")
            if length > MAX_MESSAGE_BYTES:
                raise MessageError(f"a message announces {length} bytes")
            return check_event(_decode(await stdout.readexactly(length)))
        except asyncio.IncompleteReadError:
            raise await self._unexpected_end() from None
        except MessageError as error:
            self.kill()
            await self._drain()
            await self._process.wait()
            raise ChildLostError(f"The worker sent an invalid event: {error}.") from error

    async def end(self, seconds: float, *, still_read: bool = False) -> None:
        """Ask the child to end, and kill it after `seconds`.

        still_read: another task reads its events to the end; otherwise nothing may be waiting for one.
        """
        self._ending = True
        self.send({"type": "exit"})
        if self._process.stdin is not None:
            self._process.stdin.close()
        reading = None if still_read else asyncio.ensure_future(self._drain())
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
            self._remove_empty_log()

    def kill(self) -> None:
        """Kill it and all processes that it started."""
        self._ending = True
        if self._process.returncode is not None:
            return  # another process may have its id now
        with contextlib.suppress(ProcessLookupError):
            if os.name == "nt":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _drain(self) -> None:
        """Read to the end, so that a full pipe does not keep the child from ending."""
        while self._process.stdout is not None and await self._process.stdout.read(1 << 16):
            pass

    async def _unexpected_end(self) -> ChildLostError:
        try:
            async with asyncio.timeout(_EXIT_SECONDS):
                code: int | None = await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
            code = None
        lost = unexpected_end(code, self._log)
        self._remove_empty_log()
        return lost

    def _remove_empty_log(self) -> None:
        """Remove an empty log."""
        with contextlib.suppress(OSError):
            if self._log.stat().st_size == 0:
                self._log.unlink()


def _decode(body: bytes) -> Message:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MessageError("a message is not JSON") from error
    if not isinstance(message, dict):
        raise MessageError("a message is not a JSON object")
    return message
