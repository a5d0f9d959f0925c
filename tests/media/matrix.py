"""What survives of files: `python -m media.matrix`, or `make report-media`.

Each case is a source in some container, codec, depth, range, matrix, transfer, rate, pixel shape, fields, alpha, sound
and rotation, and a deliverable. The installed program restores it with the model that changes nothing; then independent
readers say what both files hold. Each property of the source is preserved, or the job was refused with a reason, or a
warning said what is lost, or it is LOST: that is the only failure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobState
from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.client.client import Client
from answerprint.errors import AnswerprintError
from fault.daemon import DaemonProcess
from media.matrix_cases import CASES, FEW, Case
from media.matrix_figures import cost_table, precision_table
from media.matrix_reading import Properties, read_file, second_opinion
from media.matrix_sources import make_source
from tables import print_tables

__all__ = ["Finding", "Outcome", "run_cases"]

_WORDS: Mapping[str, tuple[str, ...]] = {
    "rate": ("rate", "frames per second"),
    "timecode": ("timecode",),
    "aspect": ("aspect", "pixels"),
    "fields": ("interlac", "field"),
    "depth": ("bit", "half", "float"),
    "alpha": ("alpha",),
    "primaries": ("colour", "primaries", "tag"),
    "transfer": ("colour", "transfer", "tag"),
    "matrix": ("colour", "matrix", "tag"),
    "range": ("levels", "range"),
    "turned": ("turn", "rotat"),
    "sound": ("sound", "audio", "track"),
}
"""Words of a warning that says that a property is lost."""


_LEVELS_PERCENT = 1.2
"""Three codes of 8 bits."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A property of a case. state: preserved, refused, said or LOST."""

    what: str
    state: str
    expected: str = ""
    found: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of a case. note: the reason of a refusal, or why it failed."""

    case: Case
    findings: list[Finding] = field(default_factory=list)
    note: str = ""

    @property
    def lost(self) -> list[Finding]:
        """What went without a word."""
        return [each for each in self.findings if each.state == "LOST"]


def run_cases(client: Client, folder: Path, cases: Iterable[Case]) -> Iterator[Outcome]:
    """Make the sources, restore them as jobs of one daemon, and yield what became of each."""
    running: list[tuple[Outcome, Path, Path, str]] = []
    for number, case in enumerate(cases):
        source = make_source(folder / f"{number:03}", case.source)
        output = source.parent / f"result{case.output}"
        settings = {"model": "identity", "options": {}, "codec": case.codec or None, **case.settings}
        outcome, job = Outcome(case), str(uuid4())
        try:
            request = RestoreRequest.from_json({"input": str(source), "output": str(output), **settings})
            client.submit(NewJob(job, "restore", request.to_json(), ClipRef(str(source))))
        except AnswerprintError as error:
            outcome.findings.append(Finding("the whole file", "refused"))
            outcome.note = f"{error.message} {error.remedy}"
            job = ""
        running.append((outcome, source, output, job))
    for outcome, source, output, job in running:
        if job:
            _judge(outcome, source, output, *_await(client, job))
        yield outcome


def _await(client: Client, job: str) -> tuple[str, list[str]]:
    """The error of a job, "" for none, and its warnings."""
    warnings = [
        str(each.event.get("message")) for each in client.watch(job, progress=False) if each.event["event"] == "warning"
    ]
    record = client.get(job)
    problem = record.problem or {}
    error = "" if record.state is JobState.DONE else f"{problem.get('message', record.state)} {problem.get('remedy')}"
    return error, warnings


def _judge(outcome: Outcome, source: Path, output: Path, error: str, warnings: Sequence[str]) -> None:
    if error:
        # All sources are sound.
        refused = not any(words in error for words in ("cannot be read as video", "crashed", "is damaged"))
        outcome.findings.append(Finding("the whole file", "refused" if refused else "LOST", "", error))
        outcome.note = error
        return
    before, after = read_file(source), read_file(output)
    for name, expected in before.items():
        outcome.findings.append(_finding(outcome.case, name, expected, after, warnings))
    for name, found in second_opinion(output).items():
        if found and name in after and (after[name] or name == "frames") and found != after[name]:
            outcome.findings.append(Finding(f"{name} by mediainfo", "LOST", after[name], found))
    outcome.note = " / ".join(warnings)


def _finding(case: Case, name: str, expected: str, after: Properties, warnings: Sequence[str]) -> Finding:
    found = after.get(name, "")
    state = "preserved"
    if not _is_kept(case, name, expected, found, after):
        words = _WORDS.get(name.split()[0], ())
        state = "said" if any(word in text.lower() for text in warnings for word in words) else "LOST"
    return Finding(name, state, expected, found)


def _is_kept(case: Case, name: str, expected: str, found: str, after: Properties) -> bool:
    """Whether the deliverable has a property of the source. What a source does not say cannot be lost."""
    if expected == found or not expected or (name, expected) == ("rate", "0"):
        return True
    if name == "depth":
        return int(found or 0) >= int(expected)
    if name == "rate" and case.output == ".mkv" and found:
        return abs(Fraction(found) / Fraction(expected) - 1) < 1e-5  # FFmpeg guesses it from times in milliseconds
    if name == "turned":
        return found == "0"  # the picture itself is turned: its size tells
    if name == "range":
        return True  # as good in the other range: the levels of the picture tell
    if name == "levels":
        return abs(float(expected) - float(found or "nan")) <= _LEVELS_PERCENT
    if name == "matrix" and "gbr" in (expected, after.get("matrix")):
        return True  # R'G'B' has none; the picture tells
    if name == "matrix" and case.source.tags[2] == 2:
        return True
    if name == "alpha":
        return expected == "False"
    if name == "rate" and case.source.is_sequence:
        return bool(found)
    if name == "fields":
        return False
    if name == "order" and case.source.turned:
        return True  # stripes lie across
    if name.startswith("sound") and name != "sound tracks" and ("lossy" in expected or "lossy" in found):
        return expected.split(" ")[:4] == found.split(" ")[:4]
    return False


def main(argv: Sequence[str] | None = None) -> int:
    """Print the matrix, and the figures of precision, speed and memory; returns 0 if nothing is lost silently."""
    parser = argparse.ArgumentParser(prog="matrix", description=__doc__)
    parser.add_argument("--only", default="", help="cases with this word in their names")
    parser.add_argument("--few", action="store_true", help="the cases of `make test` only")
    parser.add_argument("--frames", type=int, default=100, help="frames of the job that is timed; 0 times none")
    parser.add_argument("--many", type=int, default=1000, help="frames of the job whose memory is compared with it")
    args = parser.parse_args(argv)
    cases = [case for case in (FEW if args.few else CASES) if args.only in case.name]
    total: Counter[str] = Counter()
    failed: list[Outcome] = []
    with tempfile.TemporaryDirectory() as name, DaemonProcess(Path(name) / "home") as daemon:
        daemon.start()
        sys.stdout.write("| case | preserved | refused | said | LOST | note |\n| --- | --- | --- | --- | --- | --- |\n")
        with daemon.client() as client:
            for outcome in run_cases(client, Path(name), cases):
                states = Counter(each.state for each in outcome.findings)
                total += states
                counts = " | ".join(str(states[each]) for each in ("preserved", "refused", "said", "LOST"))
                sys.stdout.write(f"| {outcome.case.name} | {counts} | {outcome.note[:120].replace('|', '/')} |\n")
                sys.stdout.flush()
                failed += [outcome] if outcome.lost else []
            sys.stdout.write("\n")
            inexact = print_tables(precision_table(client, Path(name)))
        if args.frames:
            print_tables(cost_table(daemon, Path(name), args.frames, args.many))
    summary = ", ".join(f"{total[each]} {each}" for each in ("preserved", "refused", "said", "LOST"))
    sys.stdout.write(f"\n{len(cases)} combinations: {summary}\n")
    for outcome in failed:
        for each in outcome.lost:
            sys.stdout.write(f"LOST {outcome.case.name}: {each.what}: {each.expected} -> {each.found or 'nothing'}\n")
    return int(bool(failed) or bool(inexact))


if __name__ == "__main__":
    sys.exit(main())
