"""The program behind `answerprint compare`: opens both files in a process of its own, and reports."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from answerprint.api.clip_ref import ClipRef
from answerprint.errors import AnswerprintError, OutputError
from answerprint.frames import ClipInfo, FrameRange
from answerprint.ipc import events
from answerprint.media import find_fields, probe
from answerprint.metrics.round_trip import Difference, RoundTrip, choose_range, measure_round_trip, sheet_bytes
from answerprint.store import atomic
from answerprint.store.quota import storage_error
from answerprint.text import counted, plain

__all__ = ["main"]

DIFFERENT = 1
"""The exit code of files that differ, as that of cmp and diff."""


def main(argv: Sequence[str]) -> int:
    """Compare, as the JSON object in argv[0] asks; returns the exit code. Raises AnswerprintError."""
    asked: dict[str, Any] = json.loads(argv[0])
    try:
        return _compare(asked)
    except AnswerprintError as error:
        if not asked["json"]:
            raise
        sys.stdout.write(json.dumps(events.error(error)) + "\n")
        return error.exit_code


def _compare(asked: Mapping[str, Any]) -> int:
    # As a restore reads them: a tape without a flag is deinterlaced too.
    first, second = (ClipRef(asked[name]).interpret(find_fields(probe(asked[name]))) for name in ("first", "second"))
    frames = choose_range(first, second, asked["range"])
    found = measure_round_trip(first, second, frames, _show_progress(asked), part=bool(asked["range"]))
    if asked["sheet"]:
        file = Path(asked["sheet"])
        try:
            atomic.write_bytes(file, sheet_bytes(found))
        except FileExistsError as error:
            raise OutputError(f"{file} already exists.", "Choose another name for the sheet.") from error
        except OSError as error:
            raise storage_error(error, file) from error
    problems = _problems(found, asked)
    if asked["json"]:
        sys.stdout.write(json.dumps(_as_json(found, problems, asked)) + "\n")
    else:
        clips = (first, second)
        sys.stdout.write("".join(plain(line) + "\n" for line in _lines(found, problems, asked, clips)))
    return DIFFERENT if problems else 0


def _show_progress(asked: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a callback
    if asked["json"] or not sys.stderr.isatty():
        return lambda done: None
    return lambda done: sys.stderr.write(f"\r{done} frames" if done % 10 == 0 else "")


def _problems(found: RoundTrip, asked: Mapping[str, Any]) -> list[Difference]:
    """What makes the files different, by the user's measure."""
    problems = [each for each in found.differences if each.what.split()[0] not in asked["ignore"]]
    if found.psnr and found.least < (asked["psnr"] or math.inf):
        wanted = f"at least {asked['psnr']:g} dB" if asked["psnr"] else "every value equal"
        problems.append(Difference("pictures", wanted, f"{found.least:.2f} dB"))
    if found.misplaced:
        some = ", ".join(map(str, found.misplaced[:5]))
        problems.append(Difference("order", "every frame in its place", f"frames nearer to a neighbour: {some}"))
    return problems


def _lines(
    found: RoundTrip, problems: Sequence[Difference], asked: Mapping[str, Any], clips: Sequence[ClipInfo]
) -> list[str]:
    frames = FrameRange(found.frames.start, found.frames.start + len(found.psnr))
    lines = [f"{counted(len(frames), 'frame')} compared" + (f": {frames} of {asked['first']}" if found.psnr else "")]
    lines += [f"deinterlaced to be compared: {each.path}" for each in clips if each.interlaced]
    if found.psnr:
        equal = sum(math.isinf(each) for each in found.psnr)
        lines.append(f"PSNR: worst {_decibel(min(found.psnr))}, mean {_decibel(found.mean)}; {equal} equal")
    if found.alpha_psnr:
        lines.append(f"PSNR of alpha: worst {_decibel(min(found.alpha_psnr))}")
    lines += [f"sound {number}: equal, {text}" for number, text in enumerate(found.tracks, 1)]
    lines += [f"different: {_difference(each)}" for each in problems]
    if any(each.what == "frames" for each in problems) and len(found.frames) == clips[1].frames and not asked["range"]:
        lines.append(f"If the copy is of a part only, say so: --range {found.frames}")
    return [*lines, "different" if problems else "equal"]


def _difference(each: Difference) -> str:
    if each.what in ("pictures", "order"):  # not of both files
        return f"{each.what}: {each.second}; wanted: {each.first}"
    return f"{each.what}: {each.first} -> {each.second}"


def _decibel(value: float) -> str:
    return "equal" if math.isinf(value) else f"{value:.2f} dB"


def _as_json(found: RoundTrip, problems: Sequence[Difference], asked: Mapping[str, Any]) -> dict[str, object]:
    """PSNR of equal pictures is null: JSON has no infinity."""

    def number(value: float) -> float | None:
        return None if math.isinf(value) else round(value, 3)

    return {
        "event": "compared",
        "first": asked["first"],
        "second": asked["second"],
        "equal": not problems,
        "range": [found.frames.start, found.frames.stop],
        "frames": len(found.psnr),
        "psnr": [number(each) for each in found.psnr],
        "worst_psnr": number(found.least),
        "mean_psnr": number(found.mean),
        "alpha_psnr": [number(each) for each in found.alpha_psnr],
        "misplaced": found.misplaced,
        "sound": found.tracks,
        "differences": [{"what": each.what, "first": each.first, "second": each.second} for each in problems],
        "sheet": asked["sheet"],
    }
