"""How long users wait for a real daemon, and what it takes: start, memory, latency, long queues, many of everything."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from answerprint.store.records import JobState
from rpc.vanishing import vanish

from .crashes import few_frames
from .daemon import DaemonProcess, await_value, processor_seconds
from .material import FRAMES, Decoded, decode, make_clip, new_job, small
from .promise import Watch

__all__ = [
    "Crowd",
    "LongQueue",
    "Started",
    "Times",
    "Vanished",
    "first_work",
    "measure_queue_of",
    "measure_start",
    "measure_vanishing",
    "start_many",
]

_REPEATS = 5
_SETTLED_SECONDS = 5.0
_LONGEST_SECONDS = 900.0
ALREADY_RUNNING = 6


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of several tries: others may use the machine too, so the middle one counts."""

    tries: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.tries)

    def __str__(self) -> str:
        """The middle one and the slowest, in milliseconds."""
        return f"{1000 * self.median:.0f} ms (slowest {1000 * max(self.tries):.0f})"


@dataclass(frozen=True, slots=True)
class Started:
    """Starts until it serves, the processor time of the last; what the parent holds while nothing runs."""

    times: Times
    processor_seconds: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """Of many daemons started at once: how many served, how many ended as they should; the socket stayed the same."""

    served: int
    refused: int
    socket_untouched: bool


@dataclass(frozen=True, slots=True)
class Vanished:
    """Clients that were killed in mid-stream; what the daemon holds more than before, and the job's own result."""

    watched: int
    more_descriptors: int
    more_threads: int
    job_same: bool


@dataclass(frozen=True, slots=True)
class LongQueue:
    """Calls with so many jobs in the queue, and a start with them."""

    list: Times
    submit: Times
    cancel: Times
    start: Times


def measure_start(folder: Path) -> Started:
    """Start a daemon several times, after a kill each."""
    with DaemonProcess(folder / "h") as daemon:
        times = _starts(daemon)
        processor = processor_seconds(daemon.pid)
        threading.Event().wait(_SETTLED_SECONDS)
        with daemon.client() as client:
            client.info()
        return Started(times, processor, _status_bytes(daemon.pid, "VmRSS"))


def first_work(folder: Path) -> Times:
    """From the call that submits a job to the worker's first word of it, where the model is warm."""
    tries: list[float] = []
    with DaemonProcess(folder / "h").start() as daemon, daemon.client() as client, daemon.client() as other:
        _done(daemon, client.submit(new_job(few_frames(folder, folder / "warm.mkv")))[0].id)
        for number in range(_REPEATS):
            job = new_job(few_frames(folder, folder / f"{number}.mkv"))
            began = time.monotonic()
            client.submit(job)
            for happening in other.watch(job.id):
                if happening.event["event"] in ("stage", "started"):
                    tries.append(time.monotonic() - began)
                    break
            _done(daemon, job.id)
    return Times(tuple(tries))


def start_many(home: Path, count: int) -> Crowd:
    """Start so many daemons of one home at the same moment, and wait for what becomes of them."""
    daemons = [DaemonProcess(home) for _ in range(count)]
    gate = threading.Barrier(count)

    def start(daemon: DaemonProcess) -> None:
        gate.wait()
        daemon.spawn()

    threads = [threading.Thread(target=start, args=(daemon,)) for daemon in daemons]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        serving = await_value(lambda: [daemon for daemon in daemons if daemon.serves()])
        socket = (home / "run" / "d.sock").lstat()
        others = [daemon.process for daemon in daemons if daemon not in serving and daemon.process is not None]
        codes = [process.wait(_LONGEST_SECONDS) for process in others]
        now = (home / "run" / "d.sock").lstat()
        served = sum(daemon.serves() for daemon in daemons)
        untouched = (now.st_ino, now.st_ctime_ns) == (socket.st_ino, socket.st_ctime_ns)
        return Crowd(served, codes.count(ALREADY_RUNNING), untouched)
    finally:
        for daemon in daemons:
            daemon.kill()


def measure_vanishing(folder: Path, clients: int, expected: Decoded) -> Vanished:
    """Kill so many clients that watch a job at work. expected: what the job gives without them."""
    folder.mkdir(parents=True, exist_ok=True)
    request = small(make_clip(folder / "clip.mkv"), folder / "out.mkv", codec="ffv1")
    with DaemonProcess(folder / "h").start() as daemon, daemon.client() as client:
        job = client.submit(new_job(request))[0].id
        watch = Watch(daemon, job)
        watch.until("chunk", 1)
        vanish(daemon.run, job, 5)  # what the first ones bring with them stays: pools of threads, loaded modules
        before = _held(daemon.pid)
        watched = vanish(daemon.run, job, clients)
        watch.until("done", seconds=_LONGEST_SECONDS)
        with suppress(AssertionError):
            await_value(lambda: max(_more(daemon.pid, before)) <= 0, _SETTLED_SECONDS)
        descriptors, threads = _more(daemon.pid, before)
    return Vanished(watched, descriptors, threads, decode(request.output) == expected)


def measure_queue_of(folder: Path, jobs: int) -> LongQueue:
    """Fill a queue through the daemon's own calls, then time them, and a start with that queue."""
    clip = make_clip(folder / "clip.mkv", FRAMES)
    with DaemonProcess(folder / "h").start() as daemon, daemon.client() as client:
        client.suspend("measuring")

        def submit() -> None:
            number = next(numbers)
            waiting.append(client.submit(new_job(small(clip, folder / f"{number}.mkv")))[0].id)

        waiting: list[str] = []
        numbers = iter(range(jobs + _REPEATS))
        for _ in range(jobs):
            submit()
        listing = _times(lambda: client.list([JobState.QUEUED], 100))
        submitting = _times(submit)
        cancelling = _times(lambda: client.cancel(waiting.pop()))
        return LongQueue(listing, submitting, cancelling, _starts(daemon))


def _done(daemon: DaemonProcess, job: str) -> None:
    Watch(daemon, job).until("done")


def _starts(daemon: DaemonProcess) -> Times:
    tries: list[float] = []
    for _ in range(_REPEATS):
        daemon.kill()
        began = time.monotonic()
        daemon.start()
        tries.append(time.monotonic() - began)
    return Times(tuple(tries))


def _times(call: Callable[[], object]) -> Times:
    tries: list[float] = []
    for _ in range(_REPEATS):
        began = time.monotonic()
        call()
        tries.append(time.monotonic() - began)
    return Times(tuple(tries))


def _held(pid: int) -> tuple[int, int]:
    """Descriptors and threads of a process."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir())), len(list(Path(f"/proc/{pid}/task").iterdir()))


def _more(pid: int, before: tuple[int, int]) -> tuple[int, int]:
    descriptors, threads = _held(pid)
    return descriptors - before[0], threads - before[1]


def _status_bytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
