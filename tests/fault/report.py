"""The table of promises and what was measured: `python -m fault.report --kills 200`, or `make report-reliability`.

Everything is done with the shipped programs and the embedded model; it takes about an hour on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from fault.crashes import crash_everywhere, few_frames
from fault.daemon import DaemonProcess
from fault.damaged_journals import measure_journals
from fault.finished import FINISHED
from fault.keeping import KEEPING
from fault.killer import run
from fault.material import Decoded, decode, new_job, small
from fault.measure_jobs import MEASURES, Figure
from fault.measure_timeline import TIMELINE
from fault.media_fuzz import fuzz_media
from fault.overhead import measure_overhead
from fault.power_cuts import cut_at_random
from fault.promise import Watch
from server.fuzz import fuzz

__all__ = ["Row", "main"]

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    figure: str
    bar: str
    measured: str
    ok: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print line by line; returns 0 when every bar is reached."""
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--cuts", type=int, default=20, help="of the power; they need the rights of root")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="of fuzzed media")
    parser.add_argument("--repeats", type=int, default=3, help="of the comparison with a plain restoration")
    parser.add_argument("--only", default="", help="figures with this word")
    args = parser.parse_args(argv)
    ok = True
    sys.stdout.write("| figure | bar | measured | ok |\n|---|---|---|---|\n")
    for name, measure in _figures(args):
        if args.only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="r") as place:
            for row in _rows(name, measure, Path(place)):
                sys.stdout.write(f"| {row.figure} | {row.bar} | {row.measured} | {'yes' if row.ok else 'NO'} |\n")
                sys.stdout.flush()
                ok &= row.ok
    return 0 if ok else 1


Measure = Callable[[Path], Iterator[Row]]


def _rows(name: str, measure: Measure, folder: Path) -> Iterator[Row]:
    """The rows of a measurement; one that breaks off is one that failed."""
    try:
        yield from measure(folder)
    except Exception as error:  # noqa: BLE001 - the other figures are still wanted
        yield Row(name, "", f"broke off: {error!r}", False)


def _figures(args: argparse.Namespace) -> list[tuple[str, Measure]]:
    return [
        ("kills", lambda folder: _kills(folder, args.kills, args.seed)),
        ("cuts", lambda folder: _cuts(folder, args.cuts, args.seed)),
        ("crashes", _crashes),
        ("disk", _disks),
        *(
            (name, partial(_figure_rows, measure))
            for name, measure in {**MEASURES, **FINISHED, **KEEPING, **TIMELINE}.items()
        ),
        ("journals", partial(_figure_rows, measure_journals)),
        ("overhead", lambda folder: _overhead(folder, args.repeats)),
        ("fuzz", lambda folder: _fuzz(folder, args.messages, args.seed)),
        ("media", lambda folder: _media(folder, args.seconds, args.seed)),
    ]


def _kills(folder: Path, kills: int, seed: int) -> Iterator[Row]:
    killed = run(kills, seed, folder)
    who = ", ".join(f"{kind} {count}" for kind, count in sorted(killed.kills.items()))
    wrong = len(killed.broken.wrong) + len(killed.findings)
    yield Row(
        f"kill -9 at random, {killed.kills.total()} kills ({who}), {killed.jobs} jobs, {killed.chunks} chunks",
        "0 lost, 0 wrong, output equal",
        f"{len(killed.broken.lost)} lost, {wrong} wrong, {len(killed.differ)} outputs differ, "
        f"{len(killed.left)} files left; {killed.seconds:.0f} s",
        killed.clean and killed.kills.total() >= kills,
    )


def _cuts(folder: Path, cuts: int, seed: int) -> Iterator[Row]:
    cut = cut_at_random(cuts, seed, folder)
    when = ", ".join(f"{kind} {count}" for kind, count in sorted(cut.moments.items()))
    wrong = len(cut.broken.wrong) + len(cut.findings) + len(cut.undone)
    yield Row(
        f"power cut at random, {cut.cuts} cuts of a copied disk, {cut.jobs} jobs ({when}), {cut.chunks} chunks",
        "0 lost, 0 wrong, output equal",
        f"{len(cut.broken.lost)} lost, {wrong} wrong, {len(cut.differ)} outputs differ, "
        f"{len(cut.left)} files left; {cut.seconds:.0f} s",
        cut.clean and cut.cuts >= cuts,
    )


def _crashes(folder: Path) -> Iterator[Row]:
    crashed = crash_everywhere(folder / "c", _undisturbed(folder, few_frames(folder, folder / "o.mkv").clip.media))
    wrong = len(crashed.broken.wrong) + len(crashed.findings)
    yield Row(
        f"crash at each durability step, N = 1.., {crashed.crashes} crashes",
        "0 lost, 0 wrong, output equal",
        f"{len(crashed.broken.lost)} lost, {wrong} wrong, {len(crashed.differ)} outputs differ, "
        f"{len(crashed.left)} files left",
        crashed.clean and crashed.crashes > 0,
    )


def _disks(folder: Path) -> Iterator[Row]:
    yield _tests("8 MiB disk: scratch, output, journal", "pause, then completion", "test_disk_full.py")
    yield _tests("ENOSPC, EIO, failed fsync at each step", "pause or again, then completion", "test_disk_faults.py")


def _figure_rows(measure: Callable[[Path], list[Figure]], folder: Path) -> Iterator[Row]:
    for figure in measure(folder):
        unit = f" {figure.unit}" if figure.unit else ""
        bar = "0" if figure.bar == 1 and not unit else f"< {figure.bar:g}{unit}"
        yield Row(figure.name, bar, f"{figure.value:.3g}{unit}", figure.met)


def _overhead(folder: Path, repeats: int) -> Iterator[Row]:
    over = measure_overhead(folder, repeats)
    yield Row(
        "daemon + segments + journal against a plain restoration",
        "<= 3 %",
        f"{100 * (over.cpu_ratio - 1):+.1f} % processor time, {100 * (over.wall_ratio - 1):+.1f} % by the clock"
        f"{'' if over.same else ', OTHER PICTURES'}",
        over.same and over.cpu_ratio <= 1.03,
    )


def _fuzz(folder: Path, messages: int, seed: int) -> Iterator[Row]:
    with DaemonProcess(folder / "h").start() as daemon:
        with daemon.client() as client:
            session = client.session
        fuzzed = fuzz(session, messages, seed)
        alive = daemon.serves()
    yield Row(
        f"RPC fuzz, {messages} messages",
        "daemon alive, clean errors",
        f"{'alive' if alive else 'DEAD'}, {len(fuzzed.offences)} other than clean",
        alive and not fuzzed.offences,
    )


def _media(folder: Path, seconds: float, seed: int) -> Iterator[Row]:
    fuzzed = fuzz_media(folder, seconds, seed)
    yield Row(
        f"media-header fuzz, {seconds:.0f} s",
        "only clean errors",
        f"{fuzzed.files} files, {len(fuzzed.offences)} other than clean, at most {fuzzed.slowest_seconds:.2f} s "
        f"and {fuzzed.peak_bytes / 2**20:.0f} MiB",
        fuzzed.clean,
    )


def _tests(figure: str, bar: str, file: str) -> Row:
    """A figure that a file of tests stands for; they run in a process of their own, as pytest is made for."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "fault", f"--junit-xml={report}", str(_HERE / file)]
        code = subprocess.run(command, stdout=sys.stderr, check=False).returncode
        suite = ElementTree.parse(report).getroot().find("testsuite")  # noqa: S314 - our own
    assert suite is not None, "pytest wrote no report"
    total, failed, skipped = (sum(int(suite.attrib[each]) for each in names) for names in _COUNTS)
    text = f"{total - failed - skipped} passed, {failed} failed, {skipped} skipped"
    return Row(figure, bar, text, code == 0 and total > 0 and not skipped)


_COUNTS = (("tests",), ("failures", "errors"), ("skipped",))


def _undisturbed(folder: Path, clip: str) -> Decoded:
    """What a clip gives when nothing goes wrong."""
    request = small(Path(clip), folder / "undisturbed.mkv", codec="ffv1")
    with DaemonProcess(folder / "u").start() as daemon, daemon.client() as client:
        Watch(daemon, client.submit(new_job(request))[0].id).until("done")
    return decode(request.output)


if __name__ == "__main__":
    sys.exit(main())
