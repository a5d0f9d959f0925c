"""Write scripts into Resolve's folders, and remove them, without touching files that are not ours.

A manifest beside the scripts holds their hashes, by which ours are known. It is written first, with the old and the new
hashes: if the process is killed between two files, the next installation still knows all files of ours.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path, PurePosixPath

from answerprint.errors import OutputError
from answerprint.resolve.install.scripts import Program
from answerprint.store.atomic import is_temporary, write_bytes

__all__ = [
    "MANIFEST",
    "InstallManifest",
    "InstallState",
    "Installed",
    "Left",
    "Removed",
    "install_scripts",
    "install_state",
    "read_install_manifest",
    "sha256_of",
    "uninstall_scripts",
    "write_install_manifest",
]

MANIFEST = PurePosixPath("Utility/Answerprint/answerprint.json")
"""In Resolve's folder Scripts; the menu does not list JSON files."""

_SCHEMA = 1


class InstallState(Enum):
    """What is at the path of a script of ours."""

    ABSENT = "is missing"
    OURS = "is as installed"
    CHANGED = "was changed since its installation"
    FOREIGN = "is another file of the same name"


@dataclass(frozen=True, slots=True)
class InstallManifest:
    """What is installed. files: the SHA-256 of each script, two during an update. made: folders created for them."""

    version: str
    command: tuple[str, ...]
    files: Mapping[PurePosixPath, frozenset[str]] = field(default_factory=dict)
    made: tuple[Path, ...] = ()


def sha256_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_install_manifest(root: Path, place: PurePosixPath = MANIFEST) -> InstallManifest | None:
    """The manifest of a folder Scripts; None if there is none, or it is not valid. Raises OSError."""
    try:
        data = json.loads((root / place).read_bytes())
        if data["schema_version"] != _SCHEMA:
            return None
        files = {PurePosixPath(name): frozenset(map(str, hashes)) for name, hashes in data["files"].items()}
        made = tuple(Path(each) for each in data["made"])
        command = tuple(map(str, data["program"]))
        version = str(data["version"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if not all(_below(path) for path in files):
        return None  # never remove files outside of the folder
    return InstallManifest(version, command, files, tuple(each for each in made if _related(each, root)))


def write_install_manifest(root: Path, manifest: InstallManifest, place: PurePosixPath = MANIFEST) -> None:
    """Replace the manifest, durably. Raises OSError."""
    data = {
        "schema_version": _SCHEMA,
        "version": manifest.version,
        "program": list(manifest.command),
        "files": {str(path): sorted(hashes) for path, hashes in sorted(manifest.files.items())},
        "made": [str(each) for each in manifest.made],
    }
    write_bytes(root / place, json.dumps(data, indent=1).encode() + b"\n", overwrite=True)


def install_state(path: Path, hashes: frozenset[str], wanted: bytes | None = None) -> InstallState:
    """What is at a path. hashes: of the files that we installed there. wanted: a content that is ours in any case.

    Raises OSError if the file is not readable.
    """
    if path.is_symlink() or path.is_dir():
        return InstallState.FOREIGN
    try:
        found = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return InstallState.ABSENT
    if found == wanted or sha256_of(found) in hashes:
        return InstallState.OURS
    return InstallState.CHANGED if hashes else InstallState.FOREIGN


def _below(path: PurePosixPath) -> bool:
    return not path.is_absolute() and ".." not in path.parts and "\\" not in str(path) and ":" not in str(path)


def _related(folder: Path, root: Path) -> bool:
    return folder == root or root in folder.parents or folder in root.parents


@dataclass(frozen=True, slots=True)
class Left:
    """A file that was not touched, and why."""

    path: Path
    state: InstallState


@dataclass(frozen=True, slots=True)
class Installed:
    """What an installation did. Paths are absolute.

    written: new or updated scripts. kept: scripts that were up to date. removed: scripts that only an older version
    has. backups: the new paths of other files of the same names. made: created folders.
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    removed: tuple[Path, ...]
    left: tuple[Left, ...]
    backups: tuple[Path, ...]
    made: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """What an uninstallation did. was: whether anything was installed."""

    was: bool
    removed: tuple[Path, ...]
    left: tuple[Left, ...]
    folders: tuple[Path, ...]


def install_scripts(
    root: Path,
    wanted: Mapping[PurePosixPath, bytes],
    program: Program,
    *,
    force: bool = False,
    place: PurePosixPath = MANIFEST,
) -> Installed:
    """Write scripts into a folder Scripts, over those of an older version. place: of the manifest.

    A file that is not ours, or that the user changed, stays, and our script of that name is skipped. With force, the
    file gets another name, and ours is written. Raises OutputError if the folder is not writable.
    """
    with _translated(root):
        before = read_install_manifest(root, place) or InstallManifest("", ())
        made = _make_folders(root, wanted, place)
        found = {path: _state(root, path, before, wanted) for path in {**before.files, **wanted}}
        hashes = {
            path: before.files.get(path, frozenset()) | _digests(path, wanted)
            for path, state in found.items()
            if state is not InstallState.FOREIGN or force
        }
        after = InstallManifest(program.version, program.command, hashes, tuple(dict.fromkeys((*before.made, *made))))
        write_install_manifest(root, after, place)

        written, kept, removed, left, backups = [], [], [], [], []
        files: dict[PurePosixPath, frozenset[str]] = {}
        for path, state in found.items():
            target, content = root / path, wanted.get(path)
            not_ours = state in (InstallState.CHANGED, InstallState.FOREIGN)
            if content is None:
                if state is InstallState.OURS:
                    target.unlink(missing_ok=True)
                    removed.append(target)
                elif not_ours:
                    left.append(Left(target, state))
            elif not_ours and not force:
                left.append(Left(target, state))
                if path in before.files:
                    files[path] = before.files[path]
            else:
                files[path] = _digests(path, wanted)
                if not_ours:
                    backups.append(_back_up(target))
                if state is InstallState.OURS and target.read_bytes() == content:
                    kept.append(target)
                else:
                    write_bytes(target, content, overwrite=state is InstallState.OURS)
                    written.append(target)
        write_install_manifest(root, replace(after, files=files), place)
    return Installed(tuple(written), tuple(kept), tuple(removed), tuple(left), tuple(backups), tuple(made))


def uninstall_scripts(root: Path, wanted: Mapping[PurePosixPath, bytes], *, place: PurePosixPath = MANIFEST) -> Removed:
    """Remove the scripts that are as installed, then the folders that were created for them, if empty.

    wanted: the scripts of this version, which are ours even without a manifest. Raises OutputError if the folder is not
    writable.
    """
    with _translated(root):
        before = read_install_manifest(root, place) or InstallManifest("", ())
        removed, left = [], []
        for path in {**before.files, **wanted}:
            state = _state(root, path, before, wanted)
            if state is InstallState.OURS:
                (root / path).unlink(missing_ok=True)
                removed.append(root / path)
            elif state is InstallState.CHANGED:
                left.append(Left(root / path, state))
        for folder in _folders(root, wanted, place):
            _clear(folder)
        there = (root / place).is_file()
        (root / place).unlink(missing_ok=True)
        folders = []
        for folder in sorted({(root / place).parent, *before.made}, key=lambda each: len(each.parts), reverse=True):
            with suppress(OSError):  # not empty, or missing
                folder.rmdir()
                folders.append(folder)
    return Removed(there or bool(removed), tuple(removed), tuple(left), tuple(folders))


def _state(
    root: Path, path: PurePosixPath, before: InstallManifest, wanted: Mapping[PurePosixPath, bytes]
) -> InstallState:
    return install_state(root / path, before.files.get(path, frozenset()), wanted.get(path))


def _digests(path: PurePosixPath, wanted: Mapping[PurePosixPath, bytes]) -> frozenset[str]:
    return frozenset({sha256_of(wanted[path])} if path in wanted else ())


def _folders(root: Path, wanted: Mapping[PurePosixPath, bytes], place: PurePosixPath) -> list[Path]:
    return list(dict.fromkeys((root / path).parent for path in (place, *wanted)))


def _make_folders(root: Path, wanted: Mapping[PurePosixPath, bytes], place: PurePosixPath) -> list[Path]:
    """Create missing folders, and delete temporary files of a killed process; returns the created folders."""
    made: list[Path] = []
    for folder in _folders(root, wanted, place):
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        made.extend(reversed(missing))
        _clear(folder)
    return made


def _clear(folder: Path) -> None:
    if folder.is_dir():
        for each in folder.iterdir():
            if is_temporary(each.name):
                each.unlink(missing_ok=True)


def _back_up(path: Path) -> Path:
    """Rename a file to a free name that Resolve's menu does not list; returns the new path."""
    names = (path.with_name(f"{path.name}.backup{number}") for number in itertools.count(1))
    backup = next(each for each in names if not os.path.lexists(each))
    path.rename(backup)
    return backup


@contextmanager
def _translated(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{error.filename or root} is not accessible ({error.strerror or error}).",
            f"Check that you may write to {root}. With --all-users, run the command as an administrator.",
        ) from error
