"""How fast and how small the daemon is, whatever its models: `python -m fault.measure_jobs [NAME]...`.

The daemon is the shipped program, and all questions go through gRPC. Where work is needed the children are stand-ins,
for what is measured is not theirs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobRecord, JobState
from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.client.client import Client
from answerprint.store.journal import Journal
from fakes.steering import VARIABLE, Script, Steering, whole
from fault.daemon import DaemonProcess, await_value
from fault.material import make_clip, new_job, small

__all__ = [
    "MEASURES",
    "Figure",
    "measure_daemons_at_once",
    "measure_first_work",
    "measure_idle",
    "measure_long_queue",
    "measure_vanishing_clients",
]

_FAKES = Path(__file__).resolve().parent.parent / "fakes"
_STANDIN = (sys.executable, str(_FAKES / "answerprintd.py"))
_TRIES = 40
_ALREADY_RUNNING = 6
_WORKS = ("stage", "started", "progress")  # what only a worker says


@dataclass(frozen=True, slots=True)
class Figure:
    """Something measured: the worst of several tries, unless its name says otherwise. bar: what it must stay below."""

    name: str
    value: float
    unit: str
    bar: float

    @property
    def met(self) -> bool:
        """Whether the bar is held."""
        return self.value < self.bar

    def __str__(self) -> str:
        verdict = "met" if self.met else "MISSED"
        return f"{self.name:52} {self.value:9.1f} {self.unit:4} (below {self.bar:g}) {verdict}"


class _Stage:
    """A daemon with stand-ins, and clips for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "h"
        self.steering = Steering(folder / "control")
        self.out = folder / "out"
        self.out.mkdir()

    def daemon(self) -> DaemonProcess:
        return DaemonProcess(self.home, program=_STANDIN, env={VARIABLE: str(self.steering.folder)})

    def job(self, clip: str, script: Script | None = None, output: str = "") -> NewJob:
        source = self.folder / f"{clip}.mov"
        source.write_bytes(b"a film")
        self.steering.write(clip, script or Script())
        request = RestoreRequest(ClipRef(str(source)), str(self.out / (output or f"{clip}.mov")))
        return NewJob(str(uuid.uuid4()), "restore", request.to_json())


def measure_long_queue(folder: Path, jobs: int = 10_000) -> list[Figure]:
    """With so many jobs waiting for one that is at work: how long users wait for the daemon."""
    stage = _Stage(folder)
    first = stage.job("first", Script(faults={"chunk-1": ["hold"]}))
    stage.home.mkdir(mode=0o700)
    with closing(Journal.open(stage.home / "state" / "journal.db")) as journal:
        journal._connection._sqlite.execute("PRAGMA synchronous = OFF")  # filling it is not what is measured
        waiting = [_add(journal, first)]
        waiting += [_add(journal, stage.job("other", output=f"{index}.mov")) for index in range(jobs - 1)]
    with stage.daemon() as daemon:
        began = time.perf_counter()
        daemon.start()
        served = time.perf_counter() - began
        with daemon.client() as client:
            _await_hold(client, first.id, "chunk-1")
            victims = iter(waiting[1:])
            seconds = {
                "list": _seconds(lambda: client.list(limit=100)),
                "submit": _seconds(_each(client.submit, (stage.job("new", output=f"n{i}.mov") for i in range(_TRIES)))),
                "cancel": _seconds(lambda: client.cancel(next(victims))),
                "one job": _seconds(lambda: client.get(first.id)),
            }
            assert client.list().total == jobs + _TRIES
            resident = client.info().resident_bytes
    worst = [Figure(f"{name}, {jobs} jobs queued", max(each) * 1000, "ms", 50) for name, each in seconds.items()]
    usual = [
        Figure(f"{name}, {jobs} jobs queued, median", sorted(each)[_TRIES // 2] * 1000, "ms", 50)
        for name, each in seconds.items()
    ]
    return [
        *worst,
        *usual,
        Figure(f"start to SERVING, {jobs} jobs queued", served, "s", 2),
        Figure(f"resident memory, {jobs} jobs queued", resident / 2**20, "MiB", 150),
    ]


def measure_first_work(folder: Path, tries: int = _TRIES) -> list[Figure]:
    """From a submit to the first word of the real worker about the job, at the client, with a warm model."""
    clip = make_clip(folder / "clip.mkv", 2)
    seconds = []
    with DaemonProcess(folder / "h") as daemon, daemon.start().client() as client:
        for index in range(tries + 1):
            job = new_job(small(clip, folder / f"o{index}.mkv", codec="ffv1"))
            began = time.perf_counter()
            client.submit(job)
            for happening in client.watch(job.id):
                if happening.event["event"] in _WORKS:
                    seconds.append(time.perf_counter() - began)
                    break
            await_value(lambda job=job: client.get(job.id).ended_state)  # type: ignore[misc]
    warm = sorted(seconds[1:])  # the first one started the worker and loaded the model
    return [
        Figure("submit to first work with a warm model", warm[-1] * 1000, "ms", 100),
        Figure("submit to first work with a warm model, median", warm[len(warm) // 2] * 1000, "ms", 100),
    ]


def measure_idle(folder: Path, tries: int = 5) -> list[Figure]:
    """The shipped daemon from its start to SERVING, and what it holds when it has nothing to do."""
    seconds, resident = [], 0
    with DaemonProcess(folder / "h") as daemon:
        for _ in range(tries):
            began = time.perf_counter()
            daemon.start()
            seconds.append(time.perf_counter() - began)
            with daemon.client() as client:
                client.list()
                resident = max(resident, client.info().resident_bytes)
            daemon.kill()
    return [
        Figure("start to SERVING", max(seconds), "s", 1),
        Figure("start to SERVING, fastest", min(seconds), "s", 1),
        Figure("idle memory of the parent", resident / 2**20, "MiB", 150),
    ]


def measure_daemons_at_once(folder: Path, count: int = 20) -> list[Figure]:
    """Of many that start at one moment, how many do more, or less, than they should."""
    daemons = [DaemonProcess(folder / "h") for _ in range(count)]
    gate = threading.Barrier(count)

    def start(daemon: DaemonProcess) -> None:
        gate.wait()
        daemon.spawn()

    try:
        threads = [threading.Thread(target=start, args=(daemon,)) for daemon in daemons]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        serving = await_value(lambda: next((daemon for daemon in daemons if daemon.serves()), None))
        socket = (folder / "h" / "run" / "d.sock").lstat()
        codes = [daemon.process.wait(120) for daemon in daemons if daemon is not serving and daemon.process is not None]
        now = (folder / "h" / "run" / "d.sock").lstat()
        touched = (now.st_ino, now.st_ctime_ns) != (socket.st_ino, socket.st_ctime_ns)
        wrong = sum(code != _ALREADY_RUNNING for code in codes) + (not serving.serves())
    finally:
        for daemon in daemons:
            daemon.kill()
    return [
        Figure(f"of {count} daemons at once, those that err", wrong, "", 1),
        Figure(f"sockets that {count} daemons at once touch", touched, "", 1),
    ]


def measure_vanishing_clients(folder: Path, clients: int = 500, at_once: int = 25) -> list[Figure]:
    """Clients that are killed while they watch a job at work: what the daemon keeps of them, and what the job feels."""
    stage = _Stage(folder)
    script = Script(chunks=3, faults={"chunk-1": ["hold"], "chunk-2": ["hold"]})
    job = stage.job("watched", script)
    with stage.daemon() as daemon, daemon.start().client() as client:
        client.submit(job)
        _await_hold(client, job.id, "chunk-1")
        _vanish(daemon, job.id, at_once, at_once)  # what is made once, and stays, is made before
        before = _settled_holdings(daemon.pid)
        _vanish(daemon, job.id, clients, at_once)
        stage.steering.go("watched", "chunk-1")
        _await_hold(client, job.id, "chunk-2")
        after = _settled_holdings(daemon.pid, before, 45.0)  # gRPC ends its own spare threads late
        stage.steering.go("watched", "chunk-2")
        done = await_value(lambda: (record := client.get(job.id)).ended_state and record)
        wrong = not isinstance(done, JobRecord) or done.state is not JobState.DONE
        wrong = wrong or (stage.out / "watched.mov").read_bytes() != whole("watched", script)
    return [
        Figure(f"descriptors left of {clients} killed clients", after["fd"] - before["fd"], "", 1),
        Figure(f"threads left of {clients} killed clients", after["threads"] - before["threads"], "", 1),
        Figure("jobs that suffered from it", wrong, "", 1),
    ]


MEASURES: Mapping[str, Callable[[Path], list[Figure]]] = {
    "idle": measure_idle,
    "first-work": measure_first_work,
    "long-queue": measure_long_queue,
    "daemons-at-once": measure_daemons_at_once,
    "vanishing-clients": measure_vanishing_clients,
}


def _add(journal: Journal, new: NewJob) -> str:
    record = JobRecord(new.id, 0, "restore", "clip", JobState.QUEUED, new.request)
    return journal.add(record, {"event": "state", "state": "queued"})[0].id


def _await_hold(client: Client, job: str, step: str) -> None:
    for happening in client.watch(job):
        if happening.event.get("message") == f"hold {step}":
            return
    raise AssertionError(f"{step} was not reached")


def _seconds(work: Callable[[], object], tries: int = _TRIES) -> list[float]:
    """How long each of several tries takes."""
    seconds = []
    for _ in range(tries):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds


def _each(work: Callable[[NewJob], object], values: Iterator[NewJob]) -> Callable[[], object]:
    ready = iter(list(values))
    return lambda: work(next(ready))


def _vanish(daemon: DaemonProcess, job: str, count: int, at_once: int) -> None:
    program = [sys.executable, str(_FAKES / "many_watchers.py"), str(daemon.run), job, str(count), str(at_once)]
    environment = {**os.environ, "ANSWERPRINT_HOME": str(daemon.home)}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=1200, check=True)
    assert done.stdout == f"{count}\n"


def _settled_holdings(pid: int, wanted: Mapping[str, int] | None = None, seconds: float = 5.0) -> dict[str, int]:
    """Descriptors and threads of a process: as soon as they are as few as wanted, or no longer become fewer."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    fewest = _holdings(pid)
    while time.monotonic() < deadline and (wanted is None or any(fewest[name] > wanted[name] for name in fewest)):
        now = _holdings(pid)
        fewest = {name: min(now[name], fewest[name]) for name in now}
        pause.wait(0.05)
    return fewest


def _holdings(pid: int) -> dict[str, int]:
    return {"fd": len(os.listdir(f"/proc/{pid}/fd")), "threads": len(os.listdir(f"/proc/{pid}/task"))}  # noqa: PTH208


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ap") as folder:  # a short name: there is a socket in it
        yield Path(folder)


def main() -> int:
    """Print the figures; 1 where a bar is missed."""
    missed = False
    for name in sys.argv[1:] or MEASURES:
        with _folder() as folder:
            for figure in MEASURES[name](folder):
                sys.stdout.write(f"{figure}\n")
                sys.stdout.flush()
                missed |= not figure.met
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
