"""Nothing hangs, and one bad thing hurts only itself: long files, silent connections, and many who ask at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType

from answerprint.client.client import Client
from answerprint.errors import AnswerprintError
from fault.daemon import PATIENCE_SECONDS, DaemonProcess
from fault.material import make_clip, new_job, small
from fault.measure_jobs import Figure
from fault.promise import Watch

__all__ = ["KEEPING", "measure_crowd", "measure_long_files", "measure_silence"]

_FEW_FILES = ("sh", "-c", 'ulimit -n 256; exec "$@"', "sh")


def measure_long_files(folder: Path, files: int = 4, pictures: int = 5_000_000) -> list[Figure]:
    """How long a good clip waits to be described while others are that must be read whole."""
    good = make_clip(folder / "good.mkv", 6)
    for number in range(files):
        _many_pictures(folder / f"long{number}.y4m", pictures)
    with DaemonProcess(folder / "h").start() as daemon:
        with daemon.client() as client:
            client.describe(str(good))
        ended: list[int] = []
        asking = [
            threading.Thread(target=_describe, args=(daemon, folder / f"long{number}.y4m", ended), daemon=True)
            for number in range(files)
        ]
        for thread in asking:
            thread.start()
        time.sleep(1.0)
        with daemon.client() as client:
            began = time.monotonic()
            client.describe(str(good))
            waited = time.monotonic() - began
        early = len(ended)
    name = f"a clip is described beside {files} files of {pictures:,} pictures ({early} were read by then)"
    return [Figure(name, waited, "s", 10)]


def measure_silence(folder: Path, connections: int = 1000) -> list[Figure]:
    """Of a daemon with 256 descriptors, whose socket others connect to and say nothing."""
    clip = make_clip(folder / "clip.mkv", 6)
    with DaemonProcess(folder / "h", wrapper=_FEW_FILES).start() as daemon:
        with daemon.client() as client:
            path = client.session.socket
            assert path is not None
        with _silent(path, connections):
            began = time.monotonic()
            with Client.connect(daemon.home / "run", timeout=PATIENCE_SECONDS) as client:
                client.list()
                answered = time.monotonic() - began
                job, _ = client.submit(new_job(small(clip, folder / "out.mkv", codec="ffv1")))
                Watch(daemon, job.id).until("done")
    name = f"{connections} silent connections, 256 descriptors"
    return [Figure(f"{name}: a list is answered, and a job is done", answered, "s", 10)]


def measure_crowd(folder: Path, clients: int = 200, lists: int = 10) -> list[Figure]:
    """Lists that are refused to many clients that ask at once."""
    with DaemonProcess(folder / "h").start() as daemon:
        refused: list[AnswerprintError] = []
        answered: list[int] = []
        together = threading.Barrier(clients)

        def ask() -> None:
            with Client.connect(daemon.home / "run", timeout=PATIENCE_SECONDS) as client:
                together.wait(PATIENCE_SECONDS)
                for _ in range(lists):
                    try:
                        answered.append(client.list().total)
                    except AnswerprintError as error:
                        refused.append(error)

        asking = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    missing = clients * lists - len(answered)
    return [Figure(f"{clients} clients ask for {lists} lists each at once: refused or lost", missing, "", 1)]


@contextmanager
def _silent(path: Path, number: int) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(number):
            each = stack.enter_context(socket.socket(socket.AF_UNIX))
            each.settimeout(5.0)
            each.connect(str(path))
        yield


def _many_pictures(path: Path, number: int) -> None:
    """A film of pictures so small that counting them takes long."""
    many = (b"FRAME\n" + b"\x80" * 6) * 100_000
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W2 H2 F25:1 Ip A1:1 C420jpeg\n")
        for _ in range(max(1, number // 100_000)):
            file.write(many)


def _describe(daemon: DaemonProcess, path: Path, ended: list[int]) -> None:
    try:
        with daemon.client() as client:
            ended.append(client.describe(str(path)).frames)
    except AnswerprintError:
        return  # the daemon was ended before it was read


KEEPING: Mapping[str, Callable[[Path], list[Figure]]] = MappingProxyType(
    {"long-files": measure_long_files, "silence": measure_silence, "crowd": measure_crowd}
)
