"""The devices as jobs name them, and the workers that own them: one for each, whatever it is called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from answerprint.ipc.child import Child
from answerprint.scheduler.config import Config
from answerprint.scheduler.device_worker import DeviceWorker

__all__ = ["LANES", "NO_DEVICE", "DevicePool"]

_BY_SPEED = ("cuda:0", "mps", "cpu")
"""What `auto` can be, the best first."""

LANES = frozenset({"auto", "cpu", "mps", "cuda", *(f"cuda:{index}" for index in range(100))})
"""Every name that a job can give; what is not there is said by the worker."""


NO_DEVICE = "none"
"""Where a job stands in the queue that restores nothing: a device that is never taken."""


class DevicePool:
    """The workers so far, by device."""

    def __init__(
        self, start_worker: Callable[[], Awaitable[Child]], config: Config, *, on_ready: Callable[[], None]
    ) -> None:
        self._start_worker = start_worker
        self._config = config
        self._on_ready = on_ready
        self._workers: dict[str, DeviceWorker] = {}

    @property
    def workers(self) -> list[DeviceWorker]:
        """All that were needed so far."""
        return list(self._workers.values())

    def worker(self, lane: str) -> DeviceWorker:
        """The worker for a device; `auto` and the device that it turned out to be are one."""
        device = self._device(lane)
        for worker in self.workers:
            if device in (worker.device, _actual(worker)):
                return worker
        worker = DeviceWorker(device, self._start_worker, self._config, on_ready=self._on_ready)
        self._workers[device] = worker
        return worker

    def of(self, worker: DeviceWorker) -> set[str]:
        """All names of a worker's device, and those that may be, as long as nobody knows."""
        device = _actual(worker)
        names = {lane for lane in LANES if self._device(lane) == device}
        if self._best is None:
            names |= {"auto"} | (set(_BY_SPEED) | {"cuda"} if device == "auto" else set())
        return names

    def free(self, taken: Collection[str]) -> set[str]:
        """All names but those of the workers whose `device` is taken, and of one that is about to say what it has."""
        busy = [each for each in self.workers if each.device in taken or (each.busy and not each.facts)]
        return {NO_DEVICE, *LANES}.difference(*(self.of(worker) for worker in busy))

    def _device(self, lane: str) -> str:
        """What a name means, as far as that is known."""
        if lane == "auto":
            return self._best or lane
        return "cuda:0" if lane == "cuda" else lane

    @property
    def _best(self) -> str | None:
        """What `auto` is; None until a worker has looked."""
        for worker in self.workers:
            there = {str(device.get("name")) for device in worker.facts.get("devices", [])}
            if found := next((name for name in _BY_SPEED if name in there), None):
                return found
        return None


def _actual(worker: DeviceWorker) -> str:
    return str(worker.facts.get("device", worker.device))
