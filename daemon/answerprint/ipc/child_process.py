"""One child at work: its request, its events, its end."""

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
from answerprint.ipc.child import end_of
from answerprint.ipc.events import FINAL, check_event
from answerprint.ipc.messages import Message, MessageError, MessageReader, encode_message, write_whole

__all__ = ["ChildProcess", "EndTimeouts"]

_POLL_SECONDS = 0.2  # a wait without end is deaf to Ctrl-C on Windows


@dataclass(frozen=True, slots=True)
class EndTimeouts:
    """How long a child may take to end before it is killed: once it is terminated, and once it has said all."""

    after_terminate_seconds: float = 3.0
    after_final_seconds: float = 10.0


class ChildProcess:
    """A child in a session of its own, so that a Ctrl-C in the terminal reaches the parent alone.

    Use as a context manager: leaving it ends the child, by cancellation where it still works.
    """

    def __init__(
        self,
        command: Sequence[str],
        request: Mapping[str, object],
        log: Path,
        *,
        patience: EndTimeouts | None = None,
    ) -> None:
        """Start `command` and hand it `request`; `log` takes its standard error.

        Raises JobFailedError when the program cannot be started, MessageError when the request is no message.
        """
        first = encode_message(request)
        self._log = log
        self._patience = patience or EndTimeouts()
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
                f"The restoring process cannot be started ({error.strerror}).", "Reinstall Answerprint."
            ) from error
        self._stdin, output = _pipes(self._process)
        # A daemon thread on a raw pipe: whatever interrupts this program, it never waits for its child unknowingly.
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
        """End the child if it still runs, and free what it held."""
        try:
            if not self._ended:
                self.cancel()
        finally:
            self._bury()

    def events(self) -> Iterator[Message]:
        """Yield events as they come; the last is `done` or `error`.

        Raises JobFailedError when the child ends without either, or sends something that is no event.
        """
        while self._final is None:
            item = self._next(None)
            if item is None:
                raise self._obituary()
            if isinstance(item, MessageError):
                self._kill()
                raise JobFailedError(f"The restoring process sent no proper event: {item}.", self._where())
            if item["event"] in FINAL:
                self._final = item
                self._wait_after_final()
            yield item

    def cancel(self) -> Message | None:
        """End the child: terminate, wait, kill. Returns its final event, if it came to one."""
        try:
            self._terminate()
            self._drain(time.monotonic() + self._patience.after_terminate_seconds)
        finally:  # also where a second Ctrl-C cuts the wait short
            self._kill()
        return self._final

    def _receive(self, output: IO[bytes]) -> None:
        """Run in a thread: put every event into the queue, then what ended the stream."""
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
        """Return what comes next, None at the end of the stream. Raises TimeoutError after the deadline."""
        while True:
            try:
                return self._events.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if not self._reading.is_alive() and self._events.empty():
                    return None
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError from None

    def _drain(self, deadline: float) -> bool:
        """Read on until the child has ended; False when it has not by the deadline."""
        try:
            while isinstance(item := self._next(deadline), dict):
                if item["event"] in FINAL:
                    self._final = item
                if time.monotonic() >= deadline:  # a child that talks on is no child that ends
                    return False
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            return False
        return True

    def _wait_after_final(self) -> None:
        """Let the child end by itself; its work is complete, so its exit code says nothing more."""
        self._close_stdin()
        if not self._drain(time.monotonic() + self._patience.after_final_seconds):
            self._kill()
        self._ended = True

    def _send(self, data: bytes) -> None:
        # A child that has gone is found by the end of its events, with its exit code.
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
        """Signal the child and whatever it started; once it is reaped its id may be another's, so no more then."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _bury(self) -> None:
        """Free pipes and thread; an empty log is no log."""
        self._close_stdin()
        deadline = time.monotonic() + _POLL_SECONDS
        while self._reading.is_alive() and time.monotonic() < deadline:  # it may wait for room in the queue
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=0.01)
        with contextlib.suppress(OSError):
            if self._log.stat().st_size == 0:
                self._log.unlink()

    def _obituary(self) -> JobFailedError:
        """Say how a child ended that did not say so itself."""
        try:
            code = self._process.wait(self._patience.after_final_seconds)
        except subprocess.TimeoutExpired:
            self._kill()
            return end_of(None, self._log)
        self._ended = True
        return end_of(code, self._log)

    def _where(self) -> str:
        return f"What it printed is in {self._log}."


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a child has no pipes")
    return process.stdin, process.stdout
