"""A daemon as `answerprintd` puts it together, without gRPC, and with stand-ins for its children."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import ENDED, JobEvent, JobRecord, JobState
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.api.types import NewJob
from answerprint.home import logs_folder, state_folder
from answerprint.ipc.child import Child
from answerprint.scheduler.config import Config
from answerprint.scheduler.journal_thread import JournalThread
from answerprint.scheduler.service import Service
from answerprint.store.journal import Journal
from answerprint.store.recovery import recover
from answerprint.store.verify import verify_journal
from fakes import device_child, media_child
from fakes.steering import VARIABLE, Script, Steering, whole

__all__ = ["PATIENCE_SECONDS", "DaemonFixture", "kinds"]

PATIENCE_SECONDS = 30.0


class DaemonFixture:
    """Start it with `async with`; end and start it again with `restart`."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.steering = Steering(folder / "control")
        self.config = Config(disk_poll_seconds=0.05, stop_seconds=4.0, hang_seconds=20.0)
        self.scripts: dict[str, Script] = {}
        self.devices = "cpu"
        self.clock = 0.0
        """Added to the wall clock."""
        self.started: list[Child] = []
        self.service: Service
        self._open = False
        for name in ("media", "out"):
            (folder / name).mkdir(exist_ok=True)

    def set(self, **settings: Any) -> None:  # noqa: ANN401 - of the configuration
        """Change the configuration, before the daemon starts."""
        self.config = replace(self.config, **settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *ignored: object) -> None:
        await self.close()

    async def open(self, *, work: bool = True) -> Service:
        """Start the daemon. work: let it begin at once."""
        journal = state_folder() / "journal.db"
        journal_thread = JournalThread(lambda: Journal.open(journal))
        await journal_thread.run(recover, journal_thread.journal, self.config.scratch_folder)
        self.service = Service(
            journal_thread,
            self.config,
            start_worker=lambda: self._start(device_child.__file__, "device"),
            start_media=self.media_child,
            on_shut_down=lambda: None,
            wall=lambda: time.time() + self.clock,
        )
        self._open = True
        if work:
            self.service.start()
        return self.service

    async def close(self) -> None:
        """End the daemon."""
        if self._open:
            self._open = False
            await self.service.close()

    async def restart(self) -> None:
        """End it, and start it again."""
        await self.close()
        await self.open()

    def check(self) -> None:
        """What holds after every test."""
        assert not self.steering.violations, self.steering.violations
        found = verify_journal(state_folder() / "journal.db", self.config.scratch_folder)
        assert not found.errors, found.errors
        assert not [child.pid for child in self.started if _is_alive(child.pid)], "children outlive the daemon"

    async def _start(self, program: str, kind: str) -> Child:
        command = [
            "env",
            f"{VARIABLE}={self.steering.folder}",
            f"STANDIN_DEVICES={self.devices}",
            sys.executable,
            program,
        ]
        child = await Child.start(command, kind, logs_folder())
        self.started.append(child)
        return child

    # Jobs

    def clip(self, name: str, **script: Any) -> Path:  # noqa: ANN401 - fields of a Script
        """A source, and how it behaves."""
        path = self.folder / "media" / f"{name}.mov"
        if not path.exists():
            path.write_bytes(f"source of {name}".encode())
        self.scripts[name] = Script(**script)
        self.steering.write(name, self.scripts[name])
        return path

    def new(self, name: str, *, output: str = "", job: str = "", request: Any = None, **more: Any) -> NewJob:  # noqa: ANN401
        """A restoration of a clip, as a client asks for it."""
        source = self.folder / "media" / f"{name}.mov"
        if not source.exists():
            self.clip(name)
        result = self.folder / "out" / (output or f"{name}.mov")
        wanted = RestoreRequest.from_json({"input": str(source), "output": str(result), **(request or {})})
        return NewJob(id=job or str(uuid.uuid4()), kind="restore", request=wanted.to_json(), **more)

    def new_preview(self, name: str, **more: Any) -> NewJob:  # noqa: ANN401 - fields of a job
        """A preview of two frames."""
        source, folder = self.folder / "media" / f"{name}.mov", self.folder / "out" / f"{name}-preview"
        if not source.exists():
            self.clip(name)
        request = PreviewRequest(RestoreRequest(clip=ClipRef(str(source)), output=str(folder)), 2, 2)
        return NewJob(id=str(uuid.uuid4()), kind="preview", request=request.to_json(), **more)

    async def submit(self, name: str, **more: Any) -> JobRecord:  # noqa: ANN401 - of `new`
        """Queue a restoration; the daemon starts if it has not."""
        if not self._open:
            await self.open()
        record, created = await self.service.submit(self.new(name, **more))
        assert created
        return record

    async def preview(self, name: str) -> JobRecord:
        """Queue a preview."""
        return (await self.service.submit(self.new_preview(name)))[0]

    async def state(self, job: JobRecord) -> JobState:
        """Where a job stands."""
        return (await self.service.get(job.id)).state

    # What happens

    async def happenings(self, job: JobRecord, after: int = 0) -> AsyncGenerator[JobEvent, None]:
        """What happens to a job, within the patience of a test."""
        async with asyncio.timeout(PATIENCE_SECONDS), aclosing(self.service.watch(job.id, after)) as watch:
            async for happening in watch:
                yield happening

    async def until(self, job: JobRecord, *states: JobState) -> JobRecord:
        """Wait until a job is in one of these states, by default at its end."""
        wanted = states or tuple(ENDED)
        while True:
            record = await self.service.get(job.id)
            if record.state in wanted:
                return record
            await self.event(job, lambda event: event["event"] in ("state", "done"), record.last_sequence)

    async def event(self, job: JobRecord, wanted: Callable[[dict[str, Any]], bool], after: int = 0) -> JobEvent:
        """Wait for an event."""
        seen: list[dict[str, Any]] = []
        async with aclosing(self.happenings(job, after)) as happenings:
            async for happening in happenings:
                seen.append(happening.event)
                if wanted(happening.event):
                    return happening
        raise AssertionError(f"it did not happen: {seen}")

    async def at(self, job: JobRecord, step: str) -> None:
        """Wait until a child holds at a step."""
        await self.event(job, lambda event: event.get("message") == f"hold {step}")

    async def wished(self, job: JobRecord) -> None:
        """Wait until the running job was told to give way."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(turn.yield_requested for turn in self.service._scheduler._turns_of(job.id)):
                await asyncio.sleep(0.001)

    def go(self, job: JobRecord, step: str) -> None:
        """End a hold."""
        self.steering.go(Path(job.input).stem, step)

    async def done(self, *jobs: JobRecord) -> None:
        """Wait for jobs to be done; their deliverables are those of undisturbed ones, and nothing else is left."""
        for job in jobs:
            record = await self.until(job)
            assert record.state is JobState.DONE, record.problem
            name = Path(record.input).stem
            if record.kind == "restore":
                assert Path(record.output).read_bytes() == whole(name, self.scripts[name])
            await self.settled(record)
            assert not self.scratch(record).exists()

    async def settled(self, job: JobRecord) -> None:
        """Wait until nothing works for a job any more, and what was to go has gone."""
        await self.service._scheduler.wait_until_idle(job.id)
        await asyncio.gather(*self.service._clearing)

    def scratch(self, job: JobRecord) -> Path:
        """Where its chunks lie."""
        return self.config.scratch_folder / job.id

    def visits(self, job: JobRecord, step: str) -> int:
        """How often a step was reached."""
        return self.visits_of(Path(job.input).stem, step)

    def visits_of(self, clip: str, step: str) -> int:
        """How often a step was reached with a clip."""
        return self.steering.visits(clip, step)

    async def media_child(self) -> Child:
        """A stand-in that answers questions about media."""
        return await self._start(media_child.__file__, "media")


async def kinds(daemon_fixture: DaemonFixture, job: JobRecord) -> list[str]:
    """What happened to a job, by the names of the kept events."""
    events = await daemon_fixture.service._journal_thread.run(daemon_fixture.service._journal.events, job.id)
    return [str(each.event.get("state") or each.event["event"]) for each in events]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
