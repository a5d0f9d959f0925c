"""Kill -9 of the daemon, its device worker or a media child at random moments: `python -m fault.killer KILLS [SEED]`.

Nothing that was reported may be lost, and what comes out in the end is what comes out of a run that nobody disturbed.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from answerprint.api.job import JobState
from answerprint.api.request import RestoreRequest
from answerprint.client.client import Client
from fault.daemon import PATIENCE_SECONDS, DaemonProcess, await_value
from fault.material import Decoded, Untouched, decode, five_requests, litter, new_job
from fault.promise import Broken, Watch, broken_promises

__all__ = ["Killed", "kill_at_random", "run", "undisturbed"]

VICTIMS: Mapping[str, int] = {"daemon": 3, "device": 3, "media": 2}
_AT_ONCE = 0.3
"""Share of the kills whose delay counts from the start; that of the others from the next chunk."""
_SHORTEST_SECONDS = 0.02
_NEWS_SECONDS = 60.0


@dataclass(slots=True)
class Killed:
    """What came of it; all lists have to be empty."""

    kills: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    chunks: int = 0
    retried: int = 0
    broken: Broken = field(default_factory=Broken)
    differ: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether the promise was kept."""
        return not (self.broken.lost or self.broken.wrong or self.differ or self.findings or self.left)


def run(kills: int, seed: int, folder: Path) -> Killed:
    """Submit rounds of jobs until so many processes were killed, and the jobs are done."""
    began = time.monotonic()
    killed, source = Killed(), random.Random(seed)  # noqa: S311 - the same moments each time
    expected = undisturbed(folder)
    untouched = Untouched(folder / "clips")
    with DaemonProcess(folder / "h") as daemon:
        daemon.start()
        number = 0
        while killed.kills.total() < kills:
            requests = five_requests(folder / "clips", folder / f"out-{number}")
            _round(daemon, requests, kills, source, killed)
            killed.differ += _differing(requests, expected)
            number += 1
        killed.findings += [str(finding) for finding in daemon.verify().errors]
        code = daemon.kill(signal.SIGTERM)
        killed.left += [] if code == 0 else [f"it ended with {code}"]
    untouched.check()
    killed.left += [str(path) for path in litter(folder)]
    killed.left += [str(path) for name in ("scratch", "run/mux", "run/pictures") for path in _in(folder / "h" / name)]
    killed.seconds = time.monotonic() - began
    return killed


def undisturbed(folder: Path) -> list[Decoded]:
    """What the jobs give when nobody kills anything."""
    requests = five_requests(folder / "clips", folder / "expected")
    with DaemonProcess(folder / "u") as daemon:
        daemon.start()
        with daemon.client() as client:
            watches = [Watch(daemon, client.submit(new_job(request))[0].id) for request in requests]
        for watch in watches:
            watch.until("done")
    return [decode(request.output) for request in requests]


def kill_at_random(daemon: DaemonProcess, watches: Sequence[Watch], source: random.Random) -> str | None:
    """Kill one of the processes at a moment that nobody chose; returns which, None where the jobs had ended."""
    if source.random() < _AT_ONCE:
        delay = source.uniform(_SHORTEST_SECONDS, 2.0)
    else:
        _await_chunk(watches)
        delay = source.uniform(_SHORTEST_SECONDS, 1.0)
    threading.Event().wait(delay)
    alive = {"daemon": [daemon.pid], "device": daemon.children("device"), "media": daemon.children("media")}
    kinds = [kind for kind in VICTIMS if alive[kind]]
    kind = source.choices(kinds, [VICTIMS[kind] for kind in kinds])[0]
    if all(watch.of("done") for watch in watches):
        return None
    if kind == "daemon":
        daemon.kill()
        daemon.start()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(source.choice(alive[kind]), signal.SIGKILL)
    return kind


def _round(
    daemon: DaemonProcess, requests: Sequence[RestoreRequest], kills: int, source: random.Random, killed: Killed
) -> None:
    """Submit the jobs and disturb them to their end."""
    with daemon.client() as client:
        watches = [Watch(daemon, client.submit(new_job(request))[0].id) for request in requests]
        while not all(watch.of("done") for watch in watches):
            if killed.kills.total() < kills:
                kind = kill_at_random(daemon, watches, source)
                if kind is not None:
                    killed.kills[kind] += 1
                    killed.broken += broken_promises(daemon, watches)
                    killed.findings += [str(finding) for finding in daemon.verify().errors]
            else:
                await_value(lambda: all(watch.of("done") or _failed(watch) for watch in watches))
            killed.retried += _retry(client, watches)
    for watch in watches:
        watch.join()
    killed.jobs += len(watches)
    killed.chunks += sum(len(watch.chunks()) for watch in watches)
    killed.broken += broken_promises(daemon, watches)


def _retry(client: Client, watches: Sequence[Watch]) -> int:
    """Queue again what failed because three workers in a row were killed in the same chunk; how many there were."""
    failed = [watch for watch in watches if _failed(watch)]
    for watch in failed:
        problem = watch.of("failed")[-1]["problem"]
        assert "SIGKILL" in problem["message"], problem
        assert client.retry(watch.job).state is not JobState.FAILED
        watch.again()
    if client.info().suspended:  # workers that do not even start hold up the queue, not one job
        client.resume_work()
    return len(failed)


def _failed(watch: Watch) -> bool:
    return [kind for kind in watch.kinds() if kind in ("queued", "failed")][-1:] == ["failed"]


def _await_chunk(watches: Sequence[Watch]) -> None:
    """Wait until one more chunk is reported, or a file is being written; not for ever, as none may come any more."""
    before = sum(len(watch.of("chunk")) for watch in watches)
    deadline = time.monotonic() + _NEWS_SECONDS

    def news() -> bool:
        now = sum(len(watch.of("chunk")) for watch in watches)
        muxing = any(watch.kinds()[-1:] == ["muxing"] for watch in watches)
        return now > before or muxing or time.monotonic() > deadline

    await_value(news, PATIENCE_SECONDS)


def _differing(requests: Sequence[RestoreRequest], expected: Sequence[Decoded]) -> list[str]:
    return [
        request.output for request, wanted in zip(requests, expected, strict=True) if decode(request.output) != wanted
    ]


def _in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


if __name__ == "__main__":
    count, start = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory(prefix="k") as place:
        outcome = run(count, start, Path(place))
    sys.stdout.write(f"{outcome}\n")
    sys.exit(not outcome.clean)
