"""What Resolve finds in a file or sequence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from answerprint.errors import AnswerprintError
from answerprint.media.probe import probe

__all__ = ["Media", "look_at", "numbered_files", "single_picture"]

_NUMBER = re.compile(r"(\d+)(?=\.[^.]+$)")
_BRACKETS = re.compile(r"\[(\d+)-(\d+)\]")
_FORMATS = {".mov": "QuickTime", ".mp4": "MP4", ".mxf": "MXF", ".mkv": "MKV", ".avi": "AVI", ".braw": "BRAW"}


@dataclass(frozen=True, slots=True)
class Media:
    """path: as in File Path, a sequence with its numbers in brackets. start_number: of frame 0."""

    path: str
    kind: Literal["file", "sequence", "still"]
    width: int
    height: int
    rate: Fraction | None
    """None: it has none of its own."""
    frames: int
    sample_aspect: Fraction = Fraction(1)
    start_timecode: str = ""
    start_number: int = 0
    has_audio: bool = False
    has_alpha: bool = False
    bit_depth: int = 8
    codec: str = ""

    @property
    def format(self) -> str:
        """The property Format."""
        suffix = Path(self.path).suffix.lower()
        return _FORMATS.get(suffix, suffix.lstrip(".").upper())

    @property
    def files(self) -> list[Path]:
        """All files that must be there."""
        return numbered_files(self.path)

    @property
    def online(self) -> bool:
        """Whether its files are there."""
        return all(each.is_file() for each in self.files)


def look_at(path: Path | str) -> Media | None:
    """Read what is there; None where nothing can be read. A pattern, a folder or a bracketed range is a sequence,
    and one picture a still."""
    try:
        found = probe(path)
    except AnswerprintError:
        return None
    files = found.files
    if found.kind == "sequence" and len(files) == 1:
        text, kind = str(files[0]), "still"
    elif found.kind == "sequence":
        text, kind = _bracketed(files[0], files[-1]), "sequence"
    else:
        text, kind = str(found.path), "file"
    return Media(
        text,
        kind,  # type: ignore[arg-type]
        found.width,
        found.height,
        None if found.rate_is_assumed else found.rate,
        found.frames,
        found.sample_aspect,
        found.start_timecode or "",
        found.start_number,
        found.has_audio,
        found.has_alpha,
        found.bit_depth,
        found.codec,
    )


def numbered_files(text: str) -> list[Path]:
    """The files of a path as in File Path."""
    path = Path(text)
    match = _BRACKETS.search(path.name)
    if match is None:
        return [path]
    width = len(match[1])
    numbers = range(int(match[1]), int(match[2]) + 1)
    return [path.with_name(f"{path.name[: match.start()]}{n:0{width}}{path.name[match.end() :]}") for n in numbers]


def single_picture(path: Path) -> str | None:
    """The pattern of the sequence that a picture belongs to; None where it has no number."""
    match = _NUMBER.search(path.name)
    if match is None:
        return None
    return str(path.with_name(f"{path.name[: match.start()]}%0{len(match[1])}d{path.name[match.end() :]}"))


def _bracketed(first: Path, last: Path) -> str:
    start, end = _NUMBER.search(first.name), _NUMBER.search(last.name)
    assert start is not None
    assert end is not None
    return str(first.with_name(f"{first.name[: start.start()]}[{start[1]}-{end[1]}]{first.name[start.end() :]}"))
