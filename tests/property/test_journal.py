"""The journal against a plain dictionary: whatever is done to it, in whatever order, and whenever it is cut off."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from answerprint.api.job import ENDED, ChunkRefusedError, JobState, UnknownJobError
from answerprint.ipc.messages import Message
from answerprint.store.journal import Journal
from answerprint.store.receipts import ChunkReceipt
from store.builders import FRAMES, QUEUED, chunk_event, job, receipt

ANY = frozenset(JobState)
STATES = st.sampled_from(sorted(ANY, key=lambda state: state.value))


@dataclass
class Expected:
    """A job as it must be."""

    number: int
    state: JobState = JobState.QUEUED
    priority: int = 0
    position: float = 0.0
    settled: int = 0
    fingerprint: str = ""
    events: list[Message] = field(default_factory=lambda: [QUEUED])
    chunks: list[ChunkReceipt] = field(default_factory=list)


class JournalMachine(RuleBasedStateMachine):
    """Every call is made to the journal and to the dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="answerprint-journal-"))
        self.path = self.home / "0" / "journal.db"
        self.journal = Journal.open(self.path)
        self.jobs: dict[str, Expected] = {}
        self.numbers = 0
        self.settled = 0
        self.copies = 0

    def teardown(self) -> None:
        self.journal.close()
        shutil.rmtree(self.home)

    def _some(self, draw: Callable[[st.SearchStrategy[str]], str]) -> tuple[str, Expected]:
        name = draw(st.sampled_from(sorted(self.jobs, key=lambda each: self.jobs[each].number)))
        return name, self.jobs[name]

    @rule(priority=st.integers(-2, 2))
    def submit(self, priority: int) -> None:
        record, created = self.journal.add(job(id=str(uuid.uuid4()), priority=priority), QUEUED)
        self.numbers += 1
        top = max((each.position for each in self.jobs.values()), default=0.0)
        self.jobs[record.id] = Expected(self.numbers, priority=priority, position=top + 1)
        assert created
        assert record.number == self.numbers

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def submit_again(self, data: st.DataObject) -> None:
        name, _ = self._some(data.draw)
        assert not self.journal.add(job(id=name, priority=9), QUEUED)[1]

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), when=st.sets(STATES), state=STATES, rung=st.integers(0, 3))
    def change(self, data: st.DataObject, when: set[JobState], state: JobState, rung: int) -> None:
        name, expected = self._some(data.draw)
        event: Message = {"event": "state", "state": state.value}
        record, moved = self.journal.change(name, when=when, event=event, state=state, rung=rung)
        assert moved == (expected.state in when)
        if not moved:
            assert record.state is expected.state
            return
        if state is not expected.state:
            self.settled += state in ENDED
            expected.settled = self.settled if state in ENDED else 0
        expected.state = state
        expected.events.append(event)
        assert (record.state, record.rung) == (state, rung)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), offset=st.integers(-1, 1), fingerprint=st.sampled_from(["f1", "f2"]))
    def commit(self, data: st.DataObject, offset: int, fingerprint: str) -> None:
        name, expected = self._some(data.draw)
        number = max(0, len(expected.chunks) + offset)
        made = receipt(name, number, fingerprint=fingerprint)
        event = chunk_event(made)
        known = made in expected.chunks
        fits = number == len(expected.chunks) and expected.fingerprint in ("", fingerprint)
        try:
            sequence = self.journal.commit_chunk(made, event)
        except ChunkRefusedError:
            assert not known
            assert not fits or expected.state in (JobState.DONE, JobState.CANCELLED)
            return
        if known:
            assert expected.events[sequence - 1] == event
            return
        assert fits
        expected.chunks.append(made)
        expected.events.append(event)
        expected.fingerprint = fingerprint
        assert sequence == len(expected.events)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), start=st.integers(0, 4))
    def drop(self, data: st.DataObject, start: int) -> None:
        name, expected = self._some(data.draw)
        assert self.journal.drop_chunks(name, start) == expected.chunks[start:]
        del expected.chunks[start:]
        if not expected.chunks:
            expected.fingerprint = ""

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), place=st.sampled_from(["first", "last"]))
    def move(self, data: st.DataObject, place: str) -> None:
        name, expected = self._some(data.draw)
        _, moved = self.journal.move(name, place=place)  # type: ignore[arg-type]
        assert moved == (expected.state not in ENDED)
        if moved:
            others = [each.position for each in self.jobs.values()]
            expected.position = min(others) - 1 if place == "first" else max(others) + 1

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        name, expected = self._some(data.draw)
        deleted = self.journal.delete(name)
        assert deleted == (expected.state in ENDED)
        if deleted:
            del self.jobs[name]

    @rule()
    def close_and_open(self) -> None:
        self.journal.close()
        self.journal = Journal.open(self.path)

    @rule()
    def lose_the_process(self) -> None:
        """Go on from the files as they are at this moment, which is what a kill leaves."""
        self.copies += 1
        copy = self.home / str(self.copies)
        shutil.copytree(self.path.parent, copy, ignore=shutil.ignore_patterns("*-shm"))
        self.journal.close()
        self.path = copy / self.path.name
        self.journal = Journal.open(self.path)

    @invariant()
    def the_list_is_in_order(self) -> None:
        def order(name: str) -> tuple[float, ...]:
            expected = self.jobs[name]
            if expected.state in ENDED:
                return (2, -expected.settled)
            at_work = expected.state in (JobState.RUNNING, JobState.MUXING)
            return (0 if at_work else 1, -expected.priority, expected.position, expected.number)

        seen: list[str] = []
        token, total = "", len(self.jobs)
        while True:
            page, token, found = self.journal.page((), 3, token)
            assert found == total
            seen += [each.id for each in page]
            if not token:
                break
        assert seen == sorted(self.jobs, key=order)
        ready = [name for name in seen if self.jobs[name].state is JobState.QUEUED]
        assert [each.id for each in self.journal.ready(0.0, None, 99)] == ready

    @invariant()
    def every_job_is_as_expected(self) -> None:
        for name, expected in self.jobs.items():
            record = self.journal.find(str(expected.number))
            assert (record.id, record.state, record.fingerprint) == (name, expected.state, expected.fingerprint)
            assert record.frames_done == FRAMES * len(expected.chunks)
            assert [each.sequence for each in self.journal.events(name)] == list(range(1, record.last_sequence + 1))
            assert [each.event for each in self.journal.events(name)] == expected.events
            assert self.journal.chunks(name) == expected.chunks
        try:
            self.journal.get(job().id)
            raise AssertionError("a job that was never added")
        except UnknownJobError:
            pass


JournalMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestJournal = JournalMachine.TestCase
