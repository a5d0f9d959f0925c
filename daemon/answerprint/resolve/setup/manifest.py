"""Which files in Resolve's folders are ours: a small file beside them says so, by their hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path, PurePosixPath

from answerprint.store.atomic import write_bytes

__all__ = ["MANIFEST", "Manifest", "State", "digest", "read", "state", "write"]

MANIFEST = PurePosixPath("Utility/Answerprint/answerprint.json")
"""Below Resolve's folder Scripts; its menu lists no file of that kind."""

_SCHEMA = 1


class State(Enum):
    """What lies where a file of ours belongs."""

    ABSENT = "is missing"
    OURS = "is as it was installed"
    CHANGED = "was changed since it was installed"
    FOREIGN = "is another file of the same name"


@dataclass(frozen=True, slots=True)
class Manifest:
    """files: the SHA-256 of every file of ours; two while one replaces the other. made: folders made for them."""

    version: str
    command: tuple[str, ...]
    files: Mapping[PurePosixPath, frozenset[str]] = field(default_factory=dict)
    made: tuple[Path, ...] = ()


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read(root: Path) -> Manifest | None:
    """The manifest of a folder Scripts; None where there is none, or one that cannot be read. Raises OSError."""
    try:
        data = json.loads((root / MANIFEST).read_bytes())
        if data["schema_version"] != _SCHEMA:
            return None
        files = {PurePosixPath(name): frozenset(map(str, hashes)) for name, hashes in data["files"].items()}
        made = tuple(Path(each) for each in data["made"])
        command = tuple(map(str, data["program"]))
        version = str(data["version"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if not all(_below(path) for path in files):
        return None  # nothing outside is ever ours to remove
    return Manifest(version, command, files, tuple(each for each in made if _related(each, root)))


def write(root: Path, manifest: Manifest) -> None:
    """Replace the manifest, durably. Raises OSError."""
    data = {
        "schema_version": _SCHEMA,
        "version": manifest.version,
        "program": list(manifest.command),
        "files": {str(path): sorted(hashes) for path, hashes in sorted(manifest.files.items())},
        "made": [str(each) for each in manifest.made],
    }
    write_bytes(root / MANIFEST, json.dumps(data, indent=1).encode() + b"\n", overwrite=True)


def state(path: Path, hashes: frozenset[str], wanted: bytes | None = None) -> State:
    """What lies at a path. hashes: of what we put there. wanted: what belongs there, ours by content alone.

    Raises OSError for a file that cannot be read.
    """
    if path.is_symlink() or path.is_dir():
        return State.FOREIGN
    try:
        found = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return State.ABSENT
    if found == wanted or digest(found) in hashes:
        return State.OURS
    return State.CHANGED if hashes else State.FOREIGN


def _below(path: PurePosixPath) -> bool:
    return not path.is_absolute() and ".." not in path.parts and "\\" not in str(path) and ":" not in str(path)


def _related(folder: Path, root: Path) -> bool:
    return folder == root or root in folder.parents or folder in root.parents
