"""The promise as a check: what a watcher was told is in the journal and on disk, to the last hash."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from answerprint.api.job import JobState
from answerprint.client.client import Client
from answerprint.errors import NoDaemonError
from answerprint.ipc.messages import Message
from answerprint.store.receipts import ChunkReceipt, find_damage
from answerprint.store.tables.connection import connect_read_only
from answerprint.store.tables.rows import receipt_from_row
from fault.daemon import PATIENCE_SECONDS, DaemonProcess, await_value

__all__ = ["Broken", "Reported", "Watch", "broken_promises"]


@dataclass(frozen=True, slots=True)
class Reported:
    """A chunk as a watcher is told of it."""

    chunk: int
    first: int
    stop: int
    bytes: int
    sha256: str

    @classmethod
    def of(cls, event: Message) -> Self:
        """What an event says."""
        receipt = event["receipt"]
        segment = receipt["segment"]
        return cls(receipt["chunk"], receipt["first"], receipt["stop"], segment["bytes"], segment["sha256"])


class Watch:
    """A client that is told of one job, through every end and every start of the daemon."""

    def __init__(self, daemon: DaemonProcess, job: str) -> None:
        self.job = job
        self.events: list[Message] = []
        self.failure: BaseException | None = None
        self._run = daemon.run
        self._after = 0
        self._thread = threading.Thread(target=self._follow, name=f"watch {job}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the job has not been seen to end."""
        return self._thread.is_alive()

    def again(self) -> None:
        """Watch on, when a job that had ended was queued again."""
        self.join()
        self._thread = threading.Thread(target=self._follow, name=f"watch {self.job}", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the job's end. Raises what went wrong with watching."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), f"job {self.job} does not end: {self.events[-3:]}"
        if self.failure is not None:
            raise self.failure

    def kinds(self) -> list[str]:
        """The events so far by name; a state by the state's."""
        return [str(event["state"] if event["event"] == "state" else event["event"]) for event in list(self.events)]

    def of(self, kind: str) -> list[Message]:
        """The events of a kind so far."""
        return [event for event in list(self.events) if kind in (event["event"], event.get("state"))]

    def chunks(self) -> list[Reported]:
        """Every chunk that was reported so far, in order."""
        return [Reported.of(event) for event in self.of("chunk")]

    def until(self, kind: str, count: int = 1, *, seconds: float = PATIENCE_SECONDS) -> Message:
        """Wait until an event or a state was told so many times; returns the latest of them."""

        def enough() -> Message | None:
            found = self.of(kind)
            if len(found) < count and not self._thread.is_alive():
                raise self.failure or AssertionError(f"it ended before {kind}: {self.kinds()}, {self.events[-1:]}")
            return found[-1] if len(found) >= count else None

        return await_value(enough, seconds)

    def _follow(self) -> None:
        try:
            while True:
                with suppress(NoDaemonError):  # none may run now; whoever waits for an event has a deadline
                    self._listen()
                    return
                await_value(self._lives)
        except BaseException as error:  # noqa: BLE001 - handed to whoever joins
            self.failure = error

    def _listen(self) -> None:
        with self._connect() as client:
            for happening in client.watch(self.job, self._after, progress=False, patience_seconds=PATIENCE_SECONDS):
                if happening.event["event"] == "stage":
                    continue
                assert happening.sequence == self._after + 1, "an event was left out or told twice"
                self._after = happening.sequence
                self.events.append(happening.event)

    def _lives(self) -> bool:
        with suppress(NoDaemonError), self._connect():
            return True
        return False

    def _connect(self) -> Client:
        return Client.connect(self._run, timeout=PATIENCE_SECONDS)


@dataclass(slots=True)
class Broken:
    """Chunks that were reported and are not there, and those that are there with another hash."""

    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __add__(self, other: Broken) -> Broken:
        return Broken(self.lost + other.lost, self.wrong + other.wrong)


def broken_promises(daemon: DaemonProcess, watches: list[Watch]) -> Broken:
    """What of all that was reported does not hold now; a job that is done has its deliverable in the place of it."""
    result = Broken()
    for watch in watches:
        result += _of_job(daemon, watch.job, watch.chunks())
    return result


def _of_job(daemon: DaemonProcess, job: str, reported: list[Reported]) -> Broken:
    broken = Broken()
    numbers = [receipt.chunk for receipt in reported]
    broken.lost += [f"{job}: chunk {n} was reported twice" for n in sorted(set(numbers)) if numbers.count(n) > 1]
    state, rows = _rows(daemon.journal, job)
    if state is JobState.DONE:
        return broken
    for receipt in reported:
        row = rows.get(receipt.chunk)
        if row is None:
            broken.lost.append(f"{job}: chunk {receipt.chunk} is not in the journal")
        elif receipt != Reported(row.chunk, row.first, row.stop, row.segment.bytes, row.segment.sha256):
            broken.wrong.append(f"{job}: chunk {receipt.chunk} is another one in the journal")
        elif damage := find_damage(daemon.scratch / job, row, carry=False):
            broken.wrong.append(f"{job}: {damage}")
    # Its chunks go when it is done, which may have been while this looked.
    return Broken() if broken.wrong and _rows(daemon.journal, job)[0] is JobState.DONE else broken


def _rows(journal: Path, job: str) -> tuple[JobState, dict[int, ChunkReceipt]]:
    """A job's state and chunks as they are at one moment, whoever else uses the journal."""
    with closing(connect_read_only(journal)) as connection:
        connection.execute("BEGIN")
        row = connection.execute("SELECT number, state FROM jobs WHERE id = ?", (job,)).fetchone()
        assert row is not None, f"job {job} is lost"
        chunks = connection.execute("SELECT * FROM chunks WHERE job = ?", (row["number"],)).fetchall()
    return JobState(row["state"]), {receipt.chunk: receipt for receipt in map(receipt_from_row, chunks)}
