"""A child that serves many requests: messages to it, events from it, and how it ended."""

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

__all__ = ["Child", "ChildLostError", "end_of"]

_HEAD_BYTES = 4
_BURY_SECONDS = 3.0


class ChildLostError(JobFailedError):
    """A child has ended, or does not answer any more."""

    code = "worker_lost"


def end_of(code: int | None, log: Path) -> ChildLostError:
    """How a child ended that should not have: code is its exit code, below 0 for a signal, None when it was hung."""
    where = f"What it printed is in {log}."
    if code is None:
        return ChildLostError("The restoring process closed its pipe and hung.", where)
    if code >= 0:
        said = last_line(log)
        return ChildLostError(
            f"The restoring process ended unexpectedly with exit code {code}{': ' + said if said else ''}.", where
        )
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name == "SIGKILL":
        return ChildLostError(
            "The restoring process was killed (SIGKILL), most likely because memory ran out.",
            "Close other programs, or give a smaller --chunk or --size.",
        )
    return ChildLostError(f"The restoring process crashed ({name}).", where)


class Child:
    """A running child in a session of its own; every method belongs to the event loop."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._ending = False

    @classmethod
    async def start(cls, command: Sequence[str], kind: str, logs: Path) -> Self:
        """Start a program of ours; what it prints goes to a log. Raises ChildLostError when it cannot be started.

        Raises TooManyFilesError when that is for want of files that can be opened, which passes.
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
                raise too_many_files("A process for the work") from error
            reason = error.strerror or type(error).__name__
            raise ChildLostError(
                f"The restoring process cannot be started ({reason}).", "Free memory and disk."
            ) from error
        return cls(process, log)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not been seen to end, and was not told to."""
        return self._process.returncode is None and not self._ending

    def send(self, message: Mapping[str, object]) -> None:
        """Send one message, without waiting for it to be taken: they are few, and a child that hangs holds up nobody.

        To a child that has gone it is dropped, for its end is found by `receive`.
        """
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(encode_message(message))

    async def receive(self) -> Message:
        """Return the next event; for one caller at a time, who is not cancelled in the middle of one.

        Raises ChildLostError when there is none any more, or what comes is no event.
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
            raise await self._obituary() from None
        except MessageError as error:
            self.kill()
            await self._drain()
            await self._process.wait()
            raise ChildLostError(f"The restoring process sent no proper event: {error}.") from error

    async def end(self, seconds: float, *, still_read: bool = False) -> None:
        """Ask it to end, and see that it does: after `seconds` it is killed.

        still_read: somebody else takes its events, to the last. Else nobody may wait for one.
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
            self._bury()

    def kill(self) -> None:
        """End it and whatever it started, at once."""
        self._ending = True
        if self._process.returncode is not None:
            return  # its id may be another's by now
        with contextlib.suppress(ProcessLookupError):
            if os.name == "nt":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _drain(self) -> None:
        """Read on to the end, so that a child with much to say can end."""
        while self._process.stdout is not None and await self._process.stdout.read(1 << 16):
            pass

    async def _obituary(self) -> ChildLostError:
        try:
            async with asyncio.timeout(_BURY_SECONDS):
                code: int | None = await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
            code = None
        lost = end_of(code, self._log)
        self._bury()
        return lost

    def _bury(self) -> None:
        """An empty log is no log."""
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
