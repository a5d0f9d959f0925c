"""What is measured of the plugin and of its colours: each measure gives rows of a figure, its bar and what it is."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from answerprint.ofx.colour_fit import CODE
from answerprint.ofx.comparison import NotTheFrameError, match_frame
from answerprint.ofx.layout import ClipLayout
from fault.daemon import DaemonProcess
from ofx.answers import Answers
from ofx.compiling import OFX_SOURCES, compile_c
from ofx.pictures import CONVERSIONS, as_host, scene, whole
from ofx.torturing import FILM, FRAMES, Figures, fill, torture
from ofx.way import SITUATIONS, follow_all

__all__ = ["MEASURES", "Row"]

HD, SMALL = (1920, 1080), (160, 90)
MILLION = 1_000_000
MOST_BYTES = 400_000
_LISTENER = (
    "import os, socket, sys\n"
    "s = socket.socket(socket.AF_UNIX)\n"
    "s.bind(sys.argv[1])\n"
    "s.listen()\n"
    "print(flush=True)\n"
    "c = s.accept()[0]\n"
    "while c.recv(1 << 16): pass\n"
)
"""A daemon that reads, until it is stopped or killed."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. ok: whether the bar is met."""

    figure: str
    bar: str
    found: str
    ok: bool

    def __str__(self) -> str:
        return f"| {self.figure} | {self.bar} | {self.found} | {'yes' if self.ok else 'NO'} |"


@contextmanager
def _home() -> Iterator[Path]:
    """A folder in memory, where there is one, so that no disk is measured."""
    shared = Path("/dev/shm")  # noqa: S108 - made by mkdtemp, for this user alone
    with tempfile.TemporaryDirectory(prefix="ap", dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


def _milliseconds(figures: Figures, name: str) -> float:
    return int(figures.lines[0][name]) / 1e6


@contextmanager
def _drained(answers: Answers) -> Iterator[None]:
    """Read all questions, as the daemon does."""
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.002):
            answers.questions()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()


def _forget_frames(answers: Answers) -> None:
    for each in answers.folder(FILM, HD).glob("?-*"):
        each.unlink()


def measure_render(renders: int = 300) -> Iterator[Row]:
    """A hit and a miss of 1080p, on one thread of a host that lends no others."""
    with _home() as home, fill(home, HD) as answers, _drained(answers):
        hit = torture("renders", home, HD, renders)
        _forget_frames(answers)
        miss = torture("renders", home, HD, renders)
        copy = torture("copies", home, HD, renders)
    found = _milliseconds(hit, "own_median")
    yield Row("Render, hit at 1080p", "<= 8 ms", f"{found:.2f} ms", found <= 8 and hit.status == 0)
    whole, least = _milliseconds(miss, "own_median"), _milliseconds(copy, "own_median")
    words = f"{whole:.2f} ms (a plain copy of the picture: {least:.2f} ms)"
    yield Row("Render, miss at 1080p", "<= 2 ms", words, whole <= 2 and miss.status == 0)


def _daemon_that(home: Path, sign: signal.Signals | None) -> Callable[[], None]:
    """Start the stand-in of a daemon, which gets a signal soon; returns what ends it."""
    endpoint = home / "run" / "ofx.sock"
    process = subprocess.Popen([sys.executable, "-c", _LISTENER, str(endpoint)], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    timer = threading.Timer(0.3, process.send_signal, [sign]) if sign else None
    if timer:
        timer.start()

    def end() -> None:
        if timer:
            timer.cancel()
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
        endpoint.unlink(missing_ok=True)

    return end


_FAULTS: dict[str, tuple[str, signal.Signals | None]] = {
    "daemon killed with -9 in the middle": ("renders", signal.SIGKILL),
    "daemon stopped with SIGSTOP in the middle": ("renders", signal.SIGSTOP),
    "files cut, removed and filled with garbage": ("races", None),
}


def measure_faults(renders: int = 10_000) -> Iterator[Row]:
    """Renders on 8 threads while the daemon does its worst."""
    for name, (what, sign) in _FAULTS.items():
        with _home() as home:
            fill(home, SMALL, FRAMES // 2).stop()
            (home / "run" / "ofx.sock").unlink(missing_ok=True)
            end = _daemon_that(home, sign)
            done = torture(what, home, SMALL, renders, 8)
            end()
        if done.status:
            yield Row(name, "never a crash", done.said.strip()[-200:], ok=False)
            continue
        slowest, mixtures = _milliseconds(done, "own_most"), int(done.lines[0]["mixtures"])
        words = f"{_milliseconds(done, 'own_p99'):.2f} ms in 99 of 100, {slowest:.1f} ms the longest; {mixtures} torn"
        yield Row(f"{renders:,} renders on 8 threads, {name}", "<= 20 ms", words, slowest <= 20 and not mixtures)


def measure_sanitizers(cases: int = 20_000) -> Iterator[Row]:
    """AddressSanitizer with UndefinedBehaviorSanitizer, ThreadSanitizer, and valgrind if it is there."""
    for sanitizer in ("address", "thread"):
        with _home() as home, fill(home, (24, 16)):
            runs = [
                torture("fuzz", home, (24, 16), cases, sanitizer=sanitizer),
                torture("races", home, (24, 16), cases, 8, sanitizer=sanitizer),
                torture("loads", home, (24, 16), 200, sanitizer=sanitizer),
            ]
        reports = sum(bool(each.status or each.said) for each in runs)
        yield Row(f"{sanitizer} sanitizer: fuzz, races, loads", "0 reports", f"{reports} of 3 runs", reports == 0)
    if not shutil.which("valgrind"):
        return
    before = ("valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite")
    with _home() as home, fill(home, (24, 16)):
        done = torture("fuzz", home, (24, 16), cases // 20, before=before, timeout=3000)
    yield Row("valgrind: fuzz", "0 reports", "0" if not done.status else done.said[:200], done.status == 0)


def measure_fuzz(cases: int = MILLION) -> Iterator[Row]:
    """Every byte from outside: rendezvous, status, frames, settings, and the host's numbers."""
    with _home() as home, fill(home, (24, 16)):
        done = torture("fuzz", home, (24, 16), cases, timeout=3000)
    found = f"{int(done.lines[0]['cases']):,} cases, no crash" if done.status == 0 else done.said[-200:]
    yield Row("fuzz of what comes from outside", f"{cases:,} cases", found, done.status == 0)


def measure_memory(loads: int = 1000) -> Iterator[Row]:
    """What the plugin takes, and what it leaves behind."""
    with _home() as home, fill(home, HD):
        done = torture("loads", home, HD, 3)
    before, loaded, _ = (int(each["resident_kb"]) for each in done.lines)
    pictures = (FRAMES + 1) * HD[0] * HD[1] * 16 / 1024
    taken = (loaded - before - pictures) / 1024
    yield Row("memory in the host, rendering 1080p", "< 50 MB", f"{max(taken, 0.0):.1f} MB", taken < 50)
    with _home() as home, fill(home, SMALL):
        done = torture("loads", home, SMALL, loads)
    first, _, last = done.lines
    names = ("files", "threads", "maps", "of_plugin")
    left = {name: int(last[name]) - int(first[name]) for name in names}
    grown = int(last["resident_kb"]) - int(first["resident_kb"])
    words = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in left.items()) + f", {grown} kB"
    fine = done.status == 0 and not any(left.values()) and grown < 2048
    yield Row(f"left after {loads:,} times load and unload", "nothing", words, fine)


def measure_bundle() -> Iterator[Row]:
    """The file of each system, built as `make ofx` does."""
    program = Path(__file__).parents[2] / "installer" / "plugin.py"
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False)
    found = re.findall(r"^(\w+) +([\d,]+) bytes$", done.stdout, re.MULTILINE)
    if done.returncode or not found:
        yield Row("bundle", f"<= {MOST_BYTES // 1000} kB", done.stderr.strip()[-200:], ok=False)
    for name, size in found:
        count = int(size.replace(",", ""))
        yield Row(f"bundle, {name}", f"<= {MOST_BYTES // 1000} kB", f"{count / 1000:.0f} kB", count <= MOST_BYTES)


def measure_colour() -> Iterator[Row]:
    """Transforms found by example, and pictures that are refused."""
    source = scene()
    layout = ClipLayout("fit", 0, 0, source.shape[1], source.shape[0])
    for name, convert in CONVERSIONS.items():
        host = convert(source)
        transform = match_frame(as_host(host), {0: whole(source)}, layout).transform
        made = transform(whole(source)).astype(np.float64)
        valid = (host > max(transform.low, -1e9)) & (host < min(transform.high, 1e9))
        wrong = float((np.abs(made - host) / np.maximum(1, np.abs(host)))[valid].max()) / CODE
        yield Row(f"colour by example: {name}", "<= 2/1023", f"{wrong:.2f}/1023 at most", wrong <= 2)
    others = {
        "graded": source * np.array([1.08, 1.0, 0.92]),
        "shifted by 1 px": np.roll(source, 1, 1),
        "the next frame": scene(at=1),
    }
    for name, host in others.items():
        try:
            match_frame(as_host(host), {each: whole(scene(at=each)) for each in (-1, 0, 1)}, layout)
            said = ""
        except NotTheFrameError as error:
            said = str(error)
        yield Row(f"a picture that is {name}", "refused", said or "taken", bool(said))


def measure_warnings() -> Iterator[Row]:
    """That the plugin compiles without a warning, with this machine's compiler."""
    try:
        compile_c("answerprint.ofx", OFX_SOURCES)
    except subprocess.CalledProcessError as error:
        yield Row("warnings of the compiler", "0", error.stderr.decode()[-200:], ok=False)
    else:
        yield Row("warnings of the compiler", "0", "0", ok=True)


def measure_way() -> Iterator[Row]:
    """Clips restored by the daemon, shown by the node, compared with the restored files."""
    with tempfile.TemporaryDirectory(prefix="way") as folder:
        home = Path(folder) / "h"
        os.environ["ANSWERPRINT_HOME"] = str(home)
        with DaemonProcess(home) as daemon, daemon.start().client() as client:
            for shown in follow_all(SITUATIONS, Path(folder), compile_c("answerprint.ofx", OFX_SOURCES), client):
                words = (
                    f"{shown.frames - shown.wrong} of {shown.frames}, {shown.difference * 1023:.2f}/1023 from the file"
                )
                seconds = f", the first after {shown.seconds:.1f} s"
                yield Row(f"the way: {shown.situation.name}", "every frame", words + seconds, not shown.wrong)


MEASURES: dict[str, Callable[..., Iterator[Row]]] = {
    "warnings": measure_warnings,
    "way": measure_way,
    "render": measure_render,
    "faults": measure_faults,
    "colour": measure_colour,
    "sanitizers": measure_sanitizers,
    "fuzz": measure_fuzz,
    "memory": measure_memory,
    "bundle": measure_bundle,
}
