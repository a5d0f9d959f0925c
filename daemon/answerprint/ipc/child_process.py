"""A child process that serves one request: its events and its end."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from answerprint.errors import JobFailedError
from answerprint.ipc.child import unexpected_end
from answerprint.ipc.events import FINAL, check_event
from answerprint.ipc.messages import Message, MessageError, MessageReader, encode_message, write_whole

__all__ = ["ChildProcess", "EndTimeouts"]

_POLL_SECONDS = 0.2  # on Windows, Ctrl-C does not interrupt an unlimited wait


@dataclass(frozen=True, slots=True)
class EndTimeouts:
    """How long a child may take to end before it is killed: after SIGTERM, and after its final event."""

    after_terminate_seconds: float = 3.0
    after_final_seconds: float = 10.0


class ChildProcess:
    """A child in its own session, so that Ctrl-C in the terminal reaches only the parent.

    Use it as a context manager: leaving the block ends the child, and cancels its work.
    """

    def __init__(
        self,
        command: Sequence[str],
        request: Mapping[str, object],
        log: Path,
        *,
        timeouts: EndTimeouts | None = None,
    ) -> None:
        """Start `command` and send it `request`; its standard error goes to `log`.

        Raises JobFailedError if the program cannot be started, MessageError if the request is not a valid message.
        """
        first = encode_message(request)
        self._log = log
        self._timeouts = timeouts or EndTimeouts()
        self._events: queue.Queue[Message | MessageError | None] = queue.Queue(maxsize=256)
        self._final: Message | None = None
        self._ended = False
        try:
            with log.open("ab") as errors:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    list(command),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    bufsize=0,
                    start_new_session=os.name != "nt",
                    creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                )
        except OSError as error:
            raise JobFailedError(
                f"Cannot start the child process ({error.strerror}).", "Reinstall Answerprint."
            ) from error
        self._stdin, output = _pipes(self._process)
        # A daemon thread on a raw pipe: it never keeps an interrupted program waiting for its child.
        self._reading = threading.Thread(target=self._receive, args=(output,), name="events", daemon=True)
        self._reading.start()
        self._send(first)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child if it is still running, and free its resources."""
        try:
            if not self._ended:
                self.cancel()
        finally:
            self._clean_up()

    def events(self) -> Iterator[Message]:
        """Yield events as they come; the last one is in `FINAL`.

        Raises JobFailedError if the child ends without a final event, or sends an invalid event.
        """
        while self._final is None:
            item = self._next(None)
            if item is None:
                raise self._unexpected_end()
            if isinstance(item, MessageError):
                self._kill()
                raise JobFailedError(f"The child process sent an invalid event: {item}.", self._where())
            if item["event"] in FINAL:
                self._final = item
                self._wait_after_final()
            yield item

    def cancel(self) -> Message | None:
        """End the child: terminate, wait, kill. Returns its final event, if it sent one."""
        try:
            self._terminate()
            self._drain(time.monotonic() + self._timeouts.after_terminate_seconds)
        finally:  # also if a second Ctrl-C interrupts the wait
            self._kill()
        return self._final

    def _receive(self, output: IO[bytes]) -> None:
        """Run in a thread: put every event into the queue, then the error or None that ended the stream."""
        end: MessageError | None = None
        try:
            reader = MessageReader(output)
            while (message := reader.receive()) is not None:
                self._events.put(check_event(message))
        except (MessageError, OSError) as error:
            end = error if isinstance(error, MessageError) else MessageError(str(error))
        finally:
            self._events.put(end)
            output.close()

    def _next(self, deadline: float | None) -> Message | MessageError | None:
        """Return the next item, None at the end of the stream. Raises TimeoutError after the deadline."""
        while True:
            try:
                return self._events.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if not self._reading.is_alive() and self._events.empty():
                    return None
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError from None

    def _drain(self, deadline: float) -> bool:
        """Read until the child has ended; False if it has not by the deadline."""
        try:
            while isinstance(item := self._next(deadline), dict):
                if item["event"] in FINAL:
                    self._final = item
                if time.monotonic() >= deadline:  # it still sends events
                    return False
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            return False
        return True

    def _wait_after_final(self) -> None:
        """Let the child end by itself; its work is complete, so its exit code does not matter."""
        self._close_stdin()
        if not self._drain(time.monotonic() + self._timeouts.after_final_seconds):
            self._kill()
        self._ended = True

    def _send(self, data: bytes) -> None:
        # If the child has ended, the end of its events reports it with its exit code.
        if not self._stdin.closed:
            with contextlib.suppress(OSError):
                write_whole(self._stdin, data)

    def _close_stdin(self) -> None:
        with contextlib.suppress(OSError):
            self._stdin.close()

    def _terminate(self) -> None:
        if os.name == "nt":
            self._process.terminate()
        else:
            self._signal_session(signal.SIGTERM)

    def _kill(self) -> None:
        if os.name == "nt":
            self._process.kill()
        else:
            self._signal_session(signal.SIGKILL)
        self._process.wait()
        self._ended = True

    def _signal_session(self, number: int) -> None:
        """Signal the child and all processes that it started, unless it has ended: its id may be reused then."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _clean_up(self) -> None:
        """Free pipes and thread, and remove an empty log."""
        self._close_stdin()
        deadline = time.monotonic() + _POLL_SECONDS
        while self._reading.is_alive() and time.monotonic() < deadline:  # it may be waiting for the queue
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=0.01)
        with contextlib.suppress(OSError):
            if self._log.stat().st_size == 0:
                self._log.unlink()

    def _unexpected_end(self) -> JobFailedError:
        """The error for a child that ended without a final event."""
        try:
            code = self._process.wait(self._timeouts.after_final_seconds)
        except subprocess.TimeoutExpired:
            self._kill()
            return unexpected_end(None, self._log)
        self._ended = True
        return unexpected_end(code, self._log)

    def _where(self) -> str:
        return f"See its log: {self._log}"


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a child has no pipes")
    return process.stdin, process.stdout
