"""The file that Resolve rendered, looked at without asking Resolve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...errors import InputError
from ...frames.sequence import IMAGE_SUFFIXES
from ...jobs.api import MediaInfo
from ..errors import ResolveError
from .scratch import Scratch

__all__ = ["Probe", "WrongFileError", "differences", "rendered"]

Probe = Callable[[Path], MediaInfo]
"""Looks into a file or sequence. Raises InputError."""


class WrongFileError(ResolveError):
    """The file is not what was asked for."""

    code = "wrong_render"


def rendered(work: Path) -> Path:
    """The movie in a folder that only one render writes to, or the pattern of its pictures. Raises ResolveError."""
    files = sorted(each for each in work.iterdir() if each.is_file() and each.suffix.lower() != ".json")
    pictures = [each for each in files if each.suffix.lower() in IMAGE_SUFFIXES]
    if pictures:
        stem = pictures[0].stem
        digits = len(stem) - len(stem.rstrip("0123456789"))
        return work / f"{stem[: len(stem) - digits]}%0{digits}d{pictures[0].suffix}" if digits else pictures[0]
    if len(files) != 1:
        raise WrongFileError(f"Resolve wrote {len(files)} files into {work} instead of one.", "Try again.")
    return files[0]


def differences(path: Path, scratch: Scratch, probe: Probe) -> tuple[MediaInfo | None, list[str]]:
    """What of a file is not as asked for, in words."""
    try:
        facts = probe(path)
    except InputError as error:
        return None, [f"it cannot be read ({error.message})"]
    found: list[str] = []
    if facts.frames != scratch.frames:
        found.append(f"{facts.frames} frames instead of {scratch.frames}")
    if (facts.width, facts.height) != scratch.size:
        found.append(f"{facts.width}x{facts.height} instead of {scratch.size[0]}x{scratch.size[1]}")
    if facts.rate != scratch.rate and not facts.rate_is_assumed:
        found.append(f"{float(facts.rate):.5g} frames per second instead of {float(scratch.rate):.5g}")
    if facts.start_timecode and facts.start_timecode != scratch.start_timecode:
        found.append(f"it begins at {facts.start_timecode} instead of {scratch.start_timecode}")
    return facts, found
