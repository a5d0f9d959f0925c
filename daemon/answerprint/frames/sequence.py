"""Names of image sequences: `plate.%04d.png`, `plate.[0001-0100].png`, or the folder they lie in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from answerprint.errors import InputError, MediaError

__all__ = ["IMAGE_SUFFIXES", "NumberedFiles", "SequencePattern", "find_sequence", "names_a_sequence"]

IMAGE_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".dpx", ".exr", ".jpg", ".jpeg"})

_PERCENT = re.compile(r"%(?:0(\d{1,2}))?d")
_BRACKET = re.compile(r"\[(\d+)-(\d+)\]")
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
        """Read a name such as `out.%04d.png`; None when it holds no number. Raises InputError on two numbers."""
        found = list(_PERCENT.finditer(path.name))
        if not found:
            return None
        if len(found) > 1:
            raise InputError(f"{path.name} has more than one frame number.", "Keep one, such as out.%04d.png.")
        match = found[0]
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
class NumberedFiles:
    """The pictures of a sequence in order, without a gap; `first` is the number of the first."""

    folder: Path
    first: int
    files: tuple[Path, ...]


def names_a_sequence(path: Path) -> bool:
    """Whether INPUT means pictures (a pattern, a folder or one picture) and not a video file."""
    if path.is_file():
        return path.suffix.lower() in IMAGE_SUFFIXES
    return path.is_dir() or bool(_PERCENT.search(path.name) or _BRACKET.search(path.name))


def find_sequence(path: Path) -> NumberedFiles:
    """Find the pictures that a pattern, a bracketed range, a folder or one picture names.

    Raises MediaError when there is none, when a folder holds several sequences, or, naming it, at the first gap.
    """
    if path.is_file():
        return NumberedFiles(path.parent, 0, (path,))
    if path.is_dir():
        return _present(_only_pattern(path))
    bracket = _BRACKET.search(path.name)
    if bracket is not None:
        first, last = int(bracket[1]), int(bracket[2])
        if last < first:
            raise MediaError(f"{path.name} counts backwards.", "Write the smaller number first.")
        # A range is a promise by the user: its numbers are checked one by one, so a slip of the pen ends quickly.
        digits = len(bracket[1])
        pattern = SequencePattern(path.parent, path.name[: bracket.start()], digits, path.name[bracket.end() :])
        return _without_gap(pattern, range(first, last + 1))
    parsed = SequencePattern.parse(path)
    if parsed is None:
        raise MediaError(f"{path} does not exist.", "Check the path.")
    return _present(parsed)


def _present(pattern: SequencePattern) -> NumberedFiles:
    if pattern.suffix.lower() not in IMAGE_SUFFIXES and Path(pattern.suffix).suffix.lower() not in IMAGE_SUFFIXES:
        raise MediaError(f"{pattern} is not a sequence of pictures.", _SUPPORTED)
    if not pattern.folder.is_dir():
        raise MediaError(f"The folder {pattern.folder} does not exist.", "Check the path.")
    numbers = sorted(n for entry in pattern.folder.iterdir() if (n := pattern.number_of(entry.name)) is not None)
    if not numbers:
        raise MediaError(f"No picture in {pattern.folder} is named {pattern}.", "Check the name and its digits.")
    return _without_gap(pattern, range(numbers[0], numbers[-1] + 1))


_SUPPORTED = "Sequences of png, tif, dpx, exr and jpg can be read."


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
    """Return the one sequence of a folder, whatever other files lie in it."""
    groups: dict[tuple[str, str], list[str]] = {}
    for entry in folder.iterdir():
        match = _NUMBERED.fullmatch(entry.name)
        if match is None or entry.name.startswith(".") or match[3].lower() not in IMAGE_SUFFIXES:
            continue
        # The number nearest the suffix counts: shot_010_0001.png is picture 1 of shot_010_.
        prefix, digits = _split_number(match[1] + match[2])
        groups.setdefault((prefix, match[3]), []).append(digits)
    if not groups:
        raise MediaError(f"The folder {folder} holds no numbered pictures.", _SUPPORTED)
    if len(groups) > 1:
        names = ", ".join(sorted(f"{prefix}#{suffix}" for prefix, suffix in groups)[:4])
        raise MediaError(f"The folder {folder} holds several sequences: {names}.", "Name one, as plate.%04d.png.")
    ((prefix, suffix), numbers), *_ = groups.items()
    shortest = min(numbers, key=len)
    padded = any(number.startswith("0") and len(number) > 1 for number in numbers) or len(set(map(len, numbers))) == 1
    return SequencePattern(folder, prefix, len(shortest) if padded else 0, suffix)


def _split_number(stem: str) -> tuple[str, str]:
    digits = stem[len(stem.rstrip("0123456789")) :]
    return stem[: len(stem) - len(digits)], digits
