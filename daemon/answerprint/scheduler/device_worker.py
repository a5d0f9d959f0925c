"""The parent's end of a device worker: one job at a time, a new process when one is lost, warm models known."""

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
"""For a process without work, which has nothing to lose: its libraries may take seconds to end."""

OnEvent = Callable[[Message], Awaitable[None]]


class WorkerStartError(ChildLostError):
    """A worker ended before it could take any job: no job is at fault, and none can be done."""

    code = "worker_start"


@dataclass(slots=True)
class _Warm:
    """A model that the worker holds; `until` by the loop's clock, None for ever."""

    model: str
    bytes: int
    load_seconds: float
    until: float | None
    in_use: bool


class DeviceWorker:
    """One device: its process is started when there is work, and again when it was lost."""

    def __init__(
        self,
        device: str,
        start: Callable[[], Awaitable[Child]],
        config: Config,
        *,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        """device: as jobs name it. on_ready: called when `facts` are new."""
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
        """Whether it is at work."""
        return self._at_work.locked()

    @property
    def pid(self) -> int | None:
        """Process id of the worker, None while there is none."""
        return self._child.pid if self._child is not None and self._child.alive else None

    def warm(self) -> list[WarmModel]:
        """The models that its device holds."""
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
        """Give the worker a job; returns the final event, when all events before it went through `on_event`.

        A turn that is not wanted any more ends with `stopped`. Raises ChildLostError when the process ends, hangs or
        sends garbage, RemoteError when it refuses to start, and what `on_event` raises: the next call starts another.
        """
        async with self._working():
            child = None if turn.unwanted else await self._ready()
            if child is None or turn.unwanted:
                return {**events.stopped(at_border=True), "job": message["job"]}
            try:
                with turn.heard_by(child.send):
                    child.send(message)
                    while True:
                        event = await self._next(child)
                        if event.get("job") != message["job"]:
                            continue  # of the worker itself, or an answer that nobody waits for any more
                        if event["event"] in FINAL:
                            return event
                        await on_event(event)
            except ChildLostError:
                raise
            except BaseException:
                child.kill()  # nobody hears it any more, and it works on
                raise

    async def load(self, model: str, keep_alive_seconds: float) -> WarmModel:
        """Bring a model into memory. Raises BusyError while a job runs, else what loading raised."""
        if self.busy:
            raise BusyError("The device is at work.", "Load the model when the job has ended; a job loads its own.")
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
        """Free a model, all for an empty name, as soon as no job uses it; returns how many will be."""
        count = sum(1 for each in self._warm if model in ("", each.model))
        if count and self._child is not None:
            self._child.send({"type": "unload", "model": model})
        return count

    async def end_if_idle(self) -> None:
        """End the process when it has had neither work nor a model for long: what it loaded takes memory as well."""
        idle = asyncio.get_running_loop().time() - self._used_at
        if self.busy or self._child is None or self._warm or idle < self._idle_seconds:
            return
        async with self._at_work:
            _log.info("idle worker ends device=%s", self.device)
            await self._end(_IDLE_END_SECONDS)

    async def close(self, seconds: float) -> None:
        """End the process for good, also in the middle of a job: gently, then not."""
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
        """The running process, a new one if there is none."""
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
        if self._closed:  # meanwhile
            await self._end(0.0)
        child.send({"type": "serve", "device": self.device, "threads": self._threads})
        child.send(self._limits)
        while True:
            event = await self._next(child)
            if event["event"] == "ready":
                self._on_ready()
                return child
            if event["event"] == "error":  # such as a device that is not there
                await self._end(1.0)
                raise RemoteError.from_event(event)

    async def _end(self, seconds: float) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end(seconds, still_read=True)
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader  # it ends with the process, and tells whoever waits for an event
        self._warm = []

    async def _read(self, child: Child, events: asyncio.Queue[Message | ChildLostError]) -> None:
        """Take events as they come, also between jobs; the last item is how the child ended."""
        try:
            while True:
                event = await child.receive()
                self._note(event)
                if self.busy:  # else nobody waits for it
                    events.put_nowait(event)
        except ChildLostError as error:
            lost = error
        except (KeyError, TypeError, ValueError) as error:  # an event that is not what it claims to be
            child.kill()
            lost = ChildLostError(f"The restoring process sent no proper event: {error!r}.")
        if self._child is child:
            self._child = None
            self._warm = []
            _log.warning("worker lost device=%s pid=%d why=%s", self.device, child.pid, lost.message)
        events.put_nowait(lost)

    def _note(self, event: Message) -> None:
        """Remember what an event says of the device."""
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
        """The next event. Raises ChildLostError at the end, or after a long silence."""
        item = await self._patiently()
        if item is None:
            child.kill()
            raise ChildLostError(
                f"The restoring process did not answer for {self._hang_seconds:.0f} s and was ended.",
                "If the frames are very large, raise hang_seconds in the configuration.",
            )
        if isinstance(item, ChildLostError):
            raise item
        return item

    async def _patiently(self) -> Message | ChildLostError | None:
        for _ in range(2):  # a computer that slept has used up one half when it wakes: the other is the worker's
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._hang_seconds / 2):
                    return await self._events.get()
        return None
