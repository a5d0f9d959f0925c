"""The daemon's side of a device worker: one job at a time, restarted after a crash, with its loaded models."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from answerprint.api.types import BusyError, WarmModel
from answerprint.errors import RemoteError
from answerprint.ipc import events
from answerprint.ipc.child import Child, ChildLostError
from answerprint.ipc.events import FINAL
from answerprint.ipc.messages import Message
from answerprint.scheduler.config import Config
from answerprint.scheduler.turn import Turn

__all__ = ["DeviceWorker", "WorkerStartError"]

_log = logging.getLogger(__name__)

_IDLE_END_SECONDS = 0.5
"""For an idle process, which has nothing to lose; its libraries may take seconds to shut down."""

OnEvent = Callable[[Message], Awaitable[None]]


class WorkerStartError(ChildLostError):
    """A worker ended before it could take a job: no job is at fault, and none can run."""

    code = "worker_start"


@dataclass(slots=True)
class _Warm:
    """A loaded model. until: by the event loop's clock; None is forever."""

    model: str
    bytes: int
    load_seconds: float
    until: float | None
    in_use: bool


class DeviceWorker:
    """The worker process of one device, started when there is work and again after a crash."""

    def __init__(
        self,
        device: str,
        start: Callable[[], Awaitable[Child]],
        config: Config,
        *,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        """device: its name in jobs. on_ready: called when `facts` has changed."""
        self.device = device
        self.facts: Message = {}
        """The worker's latest `ready` event."""
        self.memory: Message = {}
        """Its latest `models` event."""
        self._start = start
        self._hang_seconds = config.hang_seconds
        self._idle_seconds = config.idle_worker_seconds
        self._threads = config.threads
        self._limits = {
            "type": "limits",
            "memory_cap_bytes": config.memory_cap_bytes,
            "reserve_bytes": config.memory_reserve_bytes,
        }
        self._on_ready = on_ready
        self._child: Child | None = None
        self._reader: asyncio.Task[None] | None = None
        self._events: asyncio.Queue[Message | ChildLostError] = asyncio.Queue()
        self._at_work = asyncio.Lock()
        self._used_at = 0.0
        self._warm: list[_Warm] = []
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether it is working."""
        return self._at_work.locked()

    @property
    def pid(self) -> int | None:
        """Process id of the worker; None if none is running."""
        return self._child.pid if self._child is not None and self._child.alive else None

    def warm(self) -> list[WarmModel]:
        """The models loaded on its device."""
        now = asyncio.get_running_loop().time()
        device = str(self.facts.get("device", self.device))
        return [
            WarmModel(
                each.model, device, each.bytes, each.load_seconds,
                -1.0 if each.until is None else max(0.0, each.until - now), each.in_use,
            )
            for each in self._warm
        ]  # fmt: skip

    async def run(self, message: Message, on_event: OnEvent, turn: Turn) -> Message:
        """Run a job; passes its events to `on_event` and returns the final one.

        If the turn was asked to end, the final event is `stopped`. Raises ChildLostError if the process ends, hangs or
        sends an invalid event, RemoteError if it cannot start, and what `on_event` raises.
        """
        async with self._working():
            child = None if turn.ending else await self._ready()
            if child is None or turn.ending:
                return {**events.stopped(at_border=True), "job": message["job"]}
            try:
                with turn.forward_to(child.send):
                    child.send(message)
                    while True:
                        event = await self._next(child)
                        if event.get("job") != message["job"]:
                            continue  # about the worker itself, or a late answer
                        if event["event"] in FINAL:
                            return event
                        await on_event(event)
            except ChildLostError:
                raise
            except BaseException:
                child.kill()  # nothing reads its events any more
                raise

    async def load(self, model: str, keep_alive_seconds: float) -> WarmModel:
        """Load a model. Raises BusyError while a job is running, RemoteError if loading fails."""
        if self.busy:
            raise BusyError(
                "The device is busy.", "Load the model after the running job. Jobs load their models themselves."
            )
        async with self._working():
            child = await self._ready()
            child.send({"type": "load", "model": model, "keep_alive_seconds": keep_alive_seconds})
            while True:
                event = await self._next(child)
                if event["event"] == "error":
                    raise RemoteError.from_event(event)
                found = next((each for each in self.warm() if each.model == model), None)
                if event["event"] == "models" and found is not None:
                    return found

    def unload(self, model: str) -> int:
        """Unload a model, or all for an empty name, once no job uses them; returns how many."""
        count = sum(1 for each in self._warm if model in ("", each.model))
        if count and self._child is not None:
            self._child.send({"type": "unload", "model": model})
        return count

    async def end_if_idle(self) -> None:
        """End the process if it has long had no work and no model: its libraries take memory too."""
        idle = asyncio.get_running_loop().time() - self._used_at
        if self.busy or self._child is None or self._warm or idle < self._idle_seconds:
            return
        async with self._at_work:
            _log.info("ended idle worker device=%s", self.device)
            await self._end(_IDLE_END_SECONDS)

    async def close(self, seconds: float) -> None:
        """End the process for good, even during a job: ask first, kill after `seconds`."""
        self._closed = True
        await self._end(seconds if self.busy else _IDLE_END_SECONDS)

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        async with self._at_work:
            try:
                yield
            finally:
                self._used_at = asyncio.get_running_loop().time()

    async def _ready(self) -> Child:
        """The running process, or a new one."""
        if self._child is not None and self._child.alive:
            return self._child
        try:
            return await self._begin()
        except ChildLostError as lost:
            raise WorkerStartError(lost.message, lost.remedy) from lost

    async def _begin(self) -> Child:
        if self._reader is not None:
            await self._reader
        self._events = asyncio.Queue()
        self._warm = []
        child = await self._start()
        self._child = child
        self._reader = asyncio.create_task(self._read(child, self._events), name=f"events of {self.device}")
        if self._closed:  # while it started
            await self._end(0.0)
        child.send({"type": "serve", "device": self.device, "threads": self._threads})
        child.send(self._limits)
        while True:
            event = await self._next(child)
            if event["event"] == "ready":
                self._on_ready()
                return child
            if event["event"] == "error":  # such as a missing device
                await self._end(1.0)
                raise RemoteError.from_event(event)

    async def _end(self, seconds: float) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end(seconds, still_read=True)
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader  # it ends with the process, and wakes whoever waits for an event
        self._warm = []

    async def _read(self, child: Child, events: asyncio.Queue[Message | ChildLostError]) -> None:
        """Read events, also between jobs; the last item in the queue is how the child ended."""
        try:
            while True:
                event = await child.receive()
                self._note(event)
                if self.busy:  # otherwise nothing waits for it
                    events.put_nowait(event)
        except ChildLostError as error:
            lost = error
        except (KeyError, TypeError, ValueError) as error:  # a malformed event
            child.kill()
            lost = ChildLostError(f"The worker sent an invalid event: {error!r}.")
        if self._child is child:
            self._child = None
            self._warm = []
            _log.warning("worker lost device=%s pid=%d why=%s", self.device, child.pid, lost.message)
        events.put_nowait(lost)

    def _note(self, event: Message) -> None:
        """Store what an event says about the device."""
        now = asyncio.get_running_loop().time()
        if event["event"] == "ready":
            self.facts = event
        elif event["event"] == "models":
            self.memory = event
            self._used_at = now
            self._warm = [
                _Warm(
                    str(each["model"]),
                    int(each.get("bytes") or 0),
                    float(each.get("load_seconds") or 0.0),
                    None if each.get("remaining_seconds") is None else now + float(each["remaining_seconds"]),
                    bool(each.get("in_use")),
                )
                for each in event["warm"]
            ]

    async def _next(self, child: Child) -> Message:
        """The next event. Raises ChildLostError if the process ends or is silent for too long."""
        item = await self._wait_for_event()
        if item is None:
            child.kill()
            raise ChildLostError(
                f"The worker did not answer for {self._hang_seconds:.0f} s and was stopped.",
                "If the frames are very large, raise hang_seconds in config.toml.",
            )
        if isinstance(item, ChildLostError):
            raise item
        return item

    async def _wait_for_event(self) -> Message | ChildLostError | None:
        for _ in range(2):  # a computer that slept may use up one half on waking; the worker gets the other
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._hang_seconds / 2):
                    return await self._events.get()
        return None
