"""Names of image sequences: `plate.%04d.png`, `plate.[0001-0100].png`, or the folder that holds them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from answerprint.errors import InputError, MediaError

__all__ = [
    "IMAGE_SUFFIXES",
    "READABLE",
    "BracketRange",
    "NumberedFiles",
    "SequencePattern",
    "find_sequence",
    "framemd5_of",
    "names_a_sequence",
    "plain_path",
    "same_media",
    "sidecar_of",
    "split_number",
]

IMAGE_SUFFIXES = frozenset(
    {
        *(".png", ".apng", ".tif", ".tiff", ".dpx", ".cin", ".exr", ".jpg", ".jpeg"),
        *(".webp", ".bmp", ".tga", ".jp2", ".j2k", ".j2c", ".avif", ".heic", ".heif"),
    }
)
READABLE = "png, tif, dpx, cin, exr, jpg, jp2, webp, avif, bmp and tga"
"""Formats of pictures, for errors."""

_PERCENT = re.compile(r"%(?:0(\d{1,2})d|d(?![^\W\d_]))")  # `50%discount` has no frame number
_BRACKET = re.compile(r"(?P<prefix>.*)\[(?P<first>\d+)-(?P<last>\d+)\](?P<suffix>.*)", re.DOTALL)
_NUMBERED = re.compile(r"(.*?)(\d+)(\.[^.]+)")


@dataclass(frozen=True, slots=True)
class SequencePattern:
    """A folder and a file name with one number in it, zero-padded to `digits` (0 or 1: not padded)."""

    folder: Path
    prefix: str
    digits: int
    suffix: str

    @classmethod
    def parse(cls, path: Path) -> SequencePattern | None:
        """Read a name such as `out.%04d.png`; None if it has no frame number. Raises InputError if it has two."""
        found = list(_PERCENT.finditer(path.name))
        if not found:
            return None
        padded = [match for match in found if match[1]]  # beside it, a percent sign alone is a character
        if len(padded or found) > 1:
            raise InputError(f"{path.name} has more than one frame number.", "Keep one, such as out.%04d.png.")
        match = (padded or found)[0]
        return cls(path.parent, path.name[: match.start()], int(match[1] or 0), path.name[match.end() :])

    def file(self, number: int) -> Path:
        """Return the path of the picture with that number."""
        return self.folder / f"{self.prefix}{number:0{max(self.digits, 1)}d}{self.suffix}"

    def number_of(self, name: str) -> int | None:
        """Return the number of a file name of this sequence, None for any other name."""
        inner = name[len(self.prefix) : len(name) - len(self.suffix)]
        if not (inner.isascii() and inner.isdigit()):
            return None
        return int(inner) if self.file(int(inner)).name == name else None

    def __str__(self) -> str:
        return f"{self.prefix}%0{self.digits}d{self.suffix}" if self.digits > 1 else f"{self.prefix}%d{self.suffix}"


@dataclass(frozen=True, slots=True)
class BracketRange:
    """`plate.[0001-0100].exr`: pictures `first` to `last` of a sequence, as Resolve shows them and users type them.

    Only the last bracket of the file name counts: brackets in folders, or earlier in the name, belong to the names.
    So do all brackets of a name that has a `%04d`.
    """

    pattern: SequencePattern
    first: int
    last: int

    @classmethod
    def parse(cls, path: Path | str) -> Self | None:
        """Read a path; None if its name has no such bracket. Does not look at the disk."""
        path = Path(path)
        match = _BRACKET.fullmatch(path.name)
        if match is None or _PERCENT.search(path.name):
            return None
        pattern = SequencePattern(path.parent, match["prefix"], len(match["first"]), match["suffix"])
        return cls(pattern, int(match["first"]), int(match["last"]))

    @property
    def ends(self) -> tuple[Path, Path]:
        """The first and the last file."""
        return self.pattern.file(self.first), self.pattern.file(self.last)

    @property
    def path(self) -> Path:
        """The path with the bracket in its name."""
        width = max(self.pattern.digits, 1)
        numbers = f"[{self.first:0{width}d}-{self.last:0{width}d}]"
        return self.pattern.folder / f"{self.pattern.prefix}{numbers}{self.pattern.suffix}"


@dataclass(frozen=True, slots=True)
class NumberedFiles:
    """The pictures of a sequence in order, without a gap; `first` is the number of the first.

    beside: names of pictures that are like them but for a sign, for padding or for letter case.
    """

    folder: Path
    first: int
    files: tuple[Path, ...]
    beside: tuple[str, ...] = ()


def names_a_sequence(path: Path) -> bool:
    """Whether INPUT means pictures (a pattern, a range, a folder or one picture) and not a video file."""
    if path.is_file():
        return path.suffix.lower() in IMAGE_SUFFIXES
    return path.is_dir() or split_number(path.name) is not None


def split_number(name: str) -> tuple[str, str] | None:
    """Return what is before and after the frame number in a file name, written as `%04d` or `[0001-0100]`, or None."""
    found = list(_PERCENT.finditer(name))
    if found:
        percent = next((match for match in found if match[1]), found[0])
        return name[: percent.start()], name[percent.end() :]
    bracket = _BRACKET.fullmatch(name)
    return (bracket["prefix"], bracket["suffix"]) if bracket else None


def plain_path(path: str) -> str:
    """A path in the one spelling by which paths are compared."""
    return os.path.normcase(os.path.normpath(path))


def same_media(file_path: str, path: str) -> bool:
    """Whether Resolve's File Path, such as `/d/p.[0001-0100].exr`, is the file or the pattern `/d/p.%04d.exr`."""
    if not file_path:
        return False
    if plain_path(file_path) == plain_path(path):
        return True
    bracket = BracketRange.parse(file_path)
    if bracket is None:
        return False
    first, last = bracket.ends
    try:
        pattern = SequencePattern.parse(Path(path))
    except InputError:
        return False
    if pattern is None:  # a single picture, which Resolve may show as a sequence of one
        return first == last and plain_path(str(first)) == plain_path(path)
    same_folder = plain_path(str(first.parent)) == plain_path(str(pattern.folder))
    return same_folder and pattern.number_of(first.name) is not None


def find_sequence(path: Path) -> NumberedFiles:
    """Find the pictures that a pattern, a bracketed range, a folder or one picture names.

    Raises MediaError if there is none, if a folder holds several sequences, or at the first gap, which it names.
    """
    if path.is_file():
        return NumberedFiles(path.parent, 0, (path,))
    if path.is_dir():
        return _present(_only_pattern(path))
    bracket = BracketRange.parse(path)
    if bracket is not None:
        if bracket.last < bracket.first:
            raise MediaError(f"{path.name} counts backwards.", "Write the smaller number first.")
        # Every number of the range must be there. They are checked in order, so a typing error is found quickly.
        return _without_gap(bracket.pattern, range(bracket.first, bracket.last + 1))
    parsed = SequencePattern.parse(path)
    if parsed is None:
        raise MediaError(f"{path} does not exist.", "Check the path.")
    return _present(parsed)


def _present(pattern: SequencePattern) -> NumberedFiles:
    if pattern.suffix.lower() not in IMAGE_SUFFIXES and Path(pattern.suffix).suffix.lower() not in IMAGE_SUFFIXES:
        raise MediaError(f"{pattern} is not a sequence of pictures.", _SUPPORTED)
    if not pattern.folder.is_dir():
        raise MediaError(f"The folder {pattern.folder} does not exist.", "Check the path.")
    names = [entry.name for entry in pattern.folder.iterdir()]
    numbers = sorted(n for name in names if (n := pattern.number_of(name)) is not None)
    if not numbers:
        raise MediaError(f"No picture in {pattern.folder} is named {pattern}.", "Check the name and its digits.")
    alike = re.compile(rf"{re.escape(pattern.prefix)}-?\d+{re.escape(pattern.suffix)}", re.IGNORECASE)
    beside = sorted(name for name in names if alike.fullmatch(name) and pattern.number_of(name) is None)
    return replace(_without_gap(pattern, range(numbers[0], numbers[-1] + 1)), beside=tuple(beside))


_SUPPORTED = f"Sequences of {READABLE} can be read."


def _without_gap(pattern: SequencePattern, numbers: range) -> NumberedFiles:
    files = []
    for number in numbers:
        file = pattern.file(number)
        if not file.is_file():
            raise MediaError(
                f"The sequence {pattern} has a gap: {file.name} is missing.",
                "Add the picture, or name a range without gaps such as plate.[0001-0100].png.",
            )
        files.append(file)
    return NumberedFiles(pattern.folder, numbers.start, tuple(files))


def _only_pattern(folder: Path) -> SequencePattern:
    """Return the one sequence of a folder; other files are ignored."""
    groups: dict[tuple[str, str], list[str]] = {}
    for entry in folder.iterdir():
        match = _NUMBERED.fullmatch(entry.name)
        if match is None or entry.name.startswith(".") or match[3].lower() not in IMAGE_SUFFIXES:
            continue
        # The last number of the name counts: shot_010_0001.png is picture 1 of shot_010_.
        prefix, digits = _split_number(match[1] + match[2])
        groups.setdefault((prefix, match[3]), []).append(digits)
    if not groups:
        raise MediaError(f"The folder {folder} has no numbered pictures.", _SUPPORTED)
    if len(groups) > 1:
        names = ", ".join(sorted(f"{prefix}#{suffix}" for prefix, suffix in groups)[:4])
        raise MediaError(f"The folder {folder} has several sequences: {names}.", "Name one, such as plate.%04d.png.")
    ((prefix, suffix), numbers), *_ = groups.items()
    shortest = min(numbers, key=len)
    padded = any(number.startswith("0") and len(number) > 1 for number in numbers) or len(set(map(len, numbers))) == 1
    pattern = SequencePattern(folder, prefix, len(shortest) if padded else 0, suffix)
    strange = sorted(name for each in numbers if pattern.number_of(name := f"{prefix}{each}{suffix}") is None)
    if strange:
        raise MediaError(
            f"The folder {folder} has numbers of several widths: {prefix}{shortest}{suffix} and {strange[0]}.",
            "Rename the pictures to one width, or name those of one width, such as plate.%04d.png.",
        )
    return pattern


def _split_number(stem: str) -> tuple[str, str]:
    digits = stem[len(stem.rstrip("0123456789")) :]
    return stem[: len(stem) - len(digits)], digits


def sidecar_of(output: Path) -> Path:
    """Return the JSON file beside a deliverable that says what it was made of: `out.mov.json`, `out.png.json`."""
    pattern = SequencePattern.parse(output)
    if pattern is None:
        return output.with_name(f"{output.name}.json")
    return pattern.folder / f"{pattern.prefix.rstrip('._-') or 'sequence'}{pattern.suffix}.json"


def framemd5_of(output: Path) -> Path:
    """Return the file of checksums beside a movie."""
    return output.with_name(f"{output.name}.framemd5")
