"""Find and probe the files that a list names: by path, by URL, or by name in a media folder. Each is probed once."""

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
from answerprint.frames.sequence import IMAGE_SUFFIXES, find_sequence, names_a_sequence, split_number
from answerprint.resolve.conform.facts import SourceRange
from answerprint.resolve.edit_lists.model import EditListProbe

__all__ = ["AmbiguousError", "MediaFolder", "MediaSearch", "locate", "within"]

_MOST_FILES = 500_000
_NUMBER = re.compile(r"#+|\d+")
_NUMBERED = re.compile(r"(.*?)(\d+)(\.[^.]+)", re.DOTALL)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # two letters at least: `C:` is a drive
_DRIVE = re.compile(r"/[A-Za-z]:")
_NAMED = 3


class AmbiguousError(InputError):
    """Several files match a name."""

    code = "ambiguous"


class MediaFolder:
    """The files below a folder, by name. Hidden files and linked folders are skipped; a sequence counts once."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"The folder {folder} does not exist.", "Give the folder that holds the media.")
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
                    f"{self.folder} holds more than {_MOST_FILES} files.",
                    "Give a folder closer to the media.",
                )
            for shown, file in _collapsed(Path(place), seen):
                self._by_name[_folded(shown)].append(file)
                self._by_stem[_folded(shown.rpartition(".")[0])].append(file)
                if "#" in shown:
                    self._by_stem[_folded(shown.partition("#")[0].rstrip("._- "))].append(file)

    def holds(self, path: Path) -> bool:
        """Whether a path lies below the folder, with all links resolved."""
        try:
            return path.resolve().is_relative_to(self._real)
        except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL character
            return False

    def find(self, text: str) -> Path:
        """The file or sequence with a name. Raises InputError for none, AmbiguousError for several."""
        name = re.split(r"[\\/]", text.strip())[-1]
        if not name:
            raise InputError(*_NO_FILE)
        named = self._by_name.get(_folded(name), [])
        exact = [each for each in named if _same(each.name, name)]
        found = exact or named or self._sequence(name) or self._by_stem.get(_folded(name), [])
        distinct = list(dict.fromkeys(found))
        if not distinct:
            raise InputError(f"There is no file {name} in {self.folder}.", "Copy it there, or give another folder.")
        if len(distinct) > 1:
            shown = ", ".join(str(each) for each in distinct[:_NAMED]) + (", ..." if len(distinct) > _NAMED else "")
            raise AmbiguousError(f"{len(distinct)} files match {name}: {shown}.", "Give a folder that holds only one.")
        return distinct[0]

    def _sequence(self, name: str) -> list[Path]:
        """The sequence that a pattern, or one of its pictures, belongs to."""
        number = split_number(name)
        if number is None:  # `plate.####.exr`, or one of the pictures
            found = list(_NUMBER.finditer(name))
            if not found:
                return []
            number = name[: found[-1].start()], name[found[-1].end() :]
        return self._by_name.get(_folded("#".join(number)), [])


def locate(text: str, base: Path, folder: MediaFolder | None) -> Path:
    """The file of a path or URL in a list; if it is missing, a file of that name in the media folder.

    base: the folder of the list, for relative paths. With a media folder, no path leads outside of it: a list is
    foreign text, and the user has chosen only that folder. Raises InputError for none, AmbiguousError for several.
    """
    if "\0" in text or not text.strip():
        raise InputError(*_NO_FILE)
    places = list(dict.fromkeys(base / each for each in _readings(text)))
    there = [each for each in places if (folder is None or folder.holds(each)) and _is_there(each)]
    if len(there) > 1:
        raise AmbiguousError(
            f"{text} can mean {there[0].name} or {there[1].name}, and both exist.", "Rename one of them."
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
                f"{text} is outside of {folder.folder}, which has no file of that name.",
                "Give the folder that holds it with --media. Without --media, the paths of the list are followed.",
            ) from error
    raise InputError(f"{text} does not exist on this machine.", "Give the folder that holds the media: --media FOLDER")


_NO_FILE = ("The list names no file.", "Restore the clip in Resolve, or restore the file itself.")


def _readings(text: str) -> Iterable[str]:
    """The paths that a text can mean, likeliest first: programs differ in when `%20` is a space."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return (text, unquote(text, errors="surrogateescape"))
    if scheme[1].lower() != "file":
        raise InputError(f"{text} is not a file.", "Copy the media to this machine or a server that it reaches.")
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
    except (OSError, ValueError, MediaError, InputError):  # a name too long, a NUL character, no permission
        pass
    return False


def _collapsed(folder: Path, names: list[str]) -> Iterable[tuple[str, Path]]:
    """Names, each with its path; numbered images become one sequence, `plate.#.exr`."""
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
    """Whether two names are equal; file systems differ in how they encode accents."""
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


@dataclass(slots=True)
class MediaSearch:
    """Finds the files of one list. base: the folder of the list, for relative paths. folder: the media folder,
    or None.
    """

    probe: EditListProbe
    base: Path
    folder: MediaFolder | None
    _facts: dict[tuple[Path, Fraction], MediaInfo | InputError] = field(default_factory=dict)
    _paths: dict[str, Path | InputError] = field(default_factory=dict)

    def find(self, texts: Sequence[str], rate: Fraction) -> tuple[Path, MediaInfo]:
        """The path and media of the first text that names a file. rate: of sequences, which have none.

        Raises InputError with the reason of the first text, or AmbiguousError.
        """
        reasons: list[InputError] = []
        for text in texts:
            path = self._locate(text)
            if isinstance(path, AmbiguousError):
                raise path
            if isinstance(path, Path):
                return path, self._probe(path, rate)
            reasons.append(path)
        if reasons:
            raise reasons[0]
        raise InputError("The list names no file, clip or reel.", "Restore the clip in Resolve.")

    def _locate(self, text: str) -> Path | InputError:
        found = self._paths.get(text)
        if found is None:
            try:
                found = locate(text, self.base, self.folder)
            except InputError as error:
                found = error
            self._paths[text] = found
        return found

    def _probe(self, path: Path, rate: Fraction) -> MediaInfo:
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
    """The range. Raises InputError if the media does not have it."""
    if source.first < 0 or source.stop > media.frames or len(source) < 1:
        raise InputError(
            f"It shows frames {source.first} to {source.stop - 1} of {path.name}, which has {media.frames} frames.",
            "Use the file that was edited: this one differs, or its timecode was changed.",
        )
    return source
