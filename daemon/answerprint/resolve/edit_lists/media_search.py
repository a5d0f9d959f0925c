"""From the words of a list to a file on this machine: paths, URLs, and names in a folder of media.

Looking into the files that a list names, each one once.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

from answerprint.api.types import MediaInfo
from answerprint.errors import InputError, MediaError
from answerprint.frames.sequence import IMAGE_SUFFIXES, find_sequence, names_a_sequence
from answerprint.resolve.conform.facts import SourceRange
from answerprint.resolve.edit_lists.model import Probe

__all__ = ["AmbiguousError", "Looking", "MediaFolder", "locate", "within"]

_MOST_FILES = 500_000
_NUMBER = re.compile(r"%0?\d*d|\[\d+-\d+\]|#+|\d+")
_NUMBERED = re.compile(r"(.*?)(\d+)(\.[^.]+)", re.DOTALL)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # two letters at least: `C:` is a drive
_DRIVE = re.compile(r"/[A-Za-z]:")
_TELL = 3


class AmbiguousError(InputError):
    """Several files could be meant."""

    code = "ambiguous"


class MediaFolder:
    """The files below a folder, by name. Hidden ones and links to other folders are left out; sequences count once."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"The folder {folder} does not exist.", "Name the folder that holds the media.")
        self.folder = folder.absolute()
        self._real = folder.resolve()
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        self._read()

    def _read(self) -> None:
        count = 0
        for place, folders, names in os.walk(self.folder):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            seen = sorted(each for each in names if not each.startswith("."))
            count += len(seen)
            if count > _MOST_FILES:
                raise InputError(
                    f"There are more than {_MOST_FILES} files below {self.folder}.",
                    "Name a folder closer to the media.",
                )
            for shown, file in _collapsed(Path(place), seen):
                self._by_name[_folded(shown)].append(file)
                self._by_stem[_folded(shown.rpartition(".")[0])].append(file)
                if "#" in shown:
                    self._by_stem[_folded(shown.partition("#")[0].rstrip("._- "))].append(file)

    def holds(self, path: Path) -> bool:
        """Whether a path lies below the folder, whatever links it goes through."""
        try:
            return path.resolve().is_relative_to(self._real)
        except (OSError, RuntimeError, ValueError):  # links in a circle, a NUL
            return False

    def find(self, text: str) -> Path:
        """The one file or sequence that a list means with a name. Raises InputError for none, and for several."""
        name = re.split(r"[\\/]", text.strip())[-1]
        if not name:
            raise InputError("The list names no file.", "Restore the clip in Resolve, or name the file itself.")
        named = self._by_name.get(_folded(name), [])
        exact = [each for each in named if _same(each.name, name)]
        found = exact or named or self._sequence(name) or self._by_stem.get(_folded(name), [])
        distinct = list(dict.fromkeys(found))
        if not distinct:
            raise InputError(f"No file below {self.folder} is called {name}.", "Copy it there, or name another folder.")
        if len(distinct) > 1:
            shown = ", ".join(str(each) for each in distinct[:_TELL]) + (", ..." if len(distinct) > _TELL else "")
            raise AmbiguousError(
                f"{len(distinct)} files could be {name}: {shown}.",
                "Name a folder that holds only the one that is meant.",
            )
        return distinct[0]

    def _sequence(self, name: str) -> list[Path]:
        """The sequence that a pattern, or one of its pictures, belongs to."""
        numbers = list(_NUMBER.finditer(name))
        if not numbers:
            return []
        last = numbers[-1]
        return self._by_name.get(_folded(f"{name[: last.start()]}#{name[last.end() :]}"), [])


def locate(text: str, base: Path, folder: MediaFolder | None) -> Path:
    """The file that a path or URL in a list means; where it is not there, one of its name in the folder of media.

    base: the folder of the list, for relative paths. Where a folder of media is named, nothing outside of it is meant:
    a list is another's text, and says no more than names of files that its reader has chosen. Raises InputError for
    none, AmbiguousError for several.
    """
    if "\0" in text or not text.strip():
        raise InputError("The list names no file.", "Restore the clip in Resolve, or name the file itself.")
    places = list(dict.fromkeys(base / each for each in _readings(text)))
    there = [each for each in places if (folder is None or folder.holds(each)) and _is_there(each)]
    if len(there) > 1:
        raise AmbiguousError(
            f"{text} can be read as {there[0].name} and as {there[1].name}, and both exist.", "Rename one of them."
        )
    if there:
        return there[0]
    if folder is not None:
        try:
            return folder.find(places[0].name)
        except AmbiguousError:
            raise
        except InputError as error:
            if not any(_is_there(each) for each in places):
                raise
            raise InputError(
                f"{text} lies outside of {folder.folder}, and no file of its name below that.",
                "Name a folder that holds it with --media; or leave --media out, and paths of the list are followed.",
            ) from error
    raise InputError(f"{text} does not exist on this machine.", "Name the folder that holds the media: --media FOLDER.")


def _readings(text: str) -> Iterable[str]:
    """What a text may mean as a path, the likeliest first: programs do not agree on when `%20` is a blank."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return (text, unquote(text, errors="surrogateescape"))
    if scheme[1].lower() != "file":
        raise InputError(f"{text} is not a file.", "Only files on this machine, or one that it reaches, are restored.")
    rest = text[scheme.end() :]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        rest = slash + path if host.lower() in ("", "localhost") else f"//{host}{slash}{path}"
    if _DRIVE.match(rest):
        rest = rest[1:]
    return (unquote(rest, errors="surrogateescape"), rest)


def _is_there(path: Path) -> bool:
    try:
        if path.is_file():
            return True
        if names_a_sequence(path):
            return bool(find_sequence(path).files)
    except (OSError, ValueError, MediaError, InputError):  # too long a name, a NUL, a folder that may not be read
        pass
    return False


def _collapsed(folder: Path, names: list[str]) -> Iterable[tuple[str, Path]]:
    """Names with the file they stand for; pictures that are numbered become one, `plate.#.exr`."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        number = _split(name)
        if number is None:
            yield name, folder / name
        else:
            groups[(number[0], number[2])].append(number[1])
    for (prefix, suffix), numbers in groups.items():
        if len(numbers) == 1:
            yield f"{prefix}{numbers[0]}{suffix}", folder / f"{prefix}{numbers[0]}{suffix}"
            continue
        padded = any(each.startswith("0") for each in numbers) or len(set(map(len, numbers))) == 1
        pattern = f"%0{min(map(len, numbers))}d" if padded else "%d"
        yield f"{prefix}#{suffix}", folder / f"{prefix}{pattern}{suffix}"


def _split(name: str) -> tuple[str, str, str] | None:
    match = _NUMBERED.fullmatch(name)
    if match is None or match[3].lower() not in IMAGE_SUFFIXES:
        return None
    stem = match[1] + match[2]
    digits = stem[len(stem.rstrip("0123456789")) :]
    return stem[: len(stem) - len(digits)], digits, match[3]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _same(one: str, other: str) -> bool:
    """The same name; file systems differ in how they write an umlaut."""
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


@dataclass(slots=True)
class Looking:
    """base: the folder of the list, for relative paths. folder: where media lie whose path the list does not know."""

    probe: Probe
    base: Path
    folder: MediaFolder | None
    _facts: dict[tuple[Path, Fraction], MediaInfo | InputError] = field(default_factory=dict)
    _places: dict[str, Path | InputError] = field(default_factory=dict)

    def find(self, texts: Sequence[str], rate: Fraction) -> tuple[Path, MediaInfo]:
        """What the first of several paths, URLs or names means that means anything. rate: of pictures.

        Raises InputError: why the first means nothing, or that one may mean several files.
        """
        reasons: list[InputError] = []
        for text in texts:
            path = self._locate(text)
            if isinstance(path, AmbiguousError):
                raise path
            if isinstance(path, Path):
                return path, self._look(path, rate)
            reasons.append(path)
        if reasons:
            raise reasons[0]
        raise InputError("The list names no file, clip or reel.", "Restore the clip in Resolve.")

    def _locate(self, text: str) -> Path | InputError:
        found = self._places.get(text)
        if found is None:
            try:
                found = locate(text, self.base, self.folder)
            except InputError as error:
                found = error
            self._places[text] = found
        return found

    def _look(self, path: Path, rate: Fraction) -> MediaInfo:
        found = self._facts.get((path, rate))
        if found is None:
            try:
                found = self.probe(path, rate)
            except InputError as error:
                found = error
            self._facts[path, rate] = found
        if isinstance(found, InputError):
            raise found
        return found


def within(source: SourceRange, media: MediaInfo, path: Path) -> SourceRange:
    """The range, if the media has it. Raises InputError."""
    if source.first < 0 or source.stop > media.frames or len(source) < 1:
        raise InputError(
            f"It shows frames {source.first} to {source.stop - 1} of {path.name}, which has {media.frames}.",
            "This is another file than the one that was edited, or its timecode was changed.",
        )
    return source
