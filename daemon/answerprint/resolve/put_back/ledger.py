"""What was put where: one file per job, written before and after each step.

The ledger says what was asked for and what was made; only the project itself says whether it is still there. So work
can go on after a crash of this program or of Resolve, and a clip that the user removed stays away.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, cast, get_args

from answerprint import home
from answerprint.errors import AnswerprintError, JournalError
from answerprint.store import atomic
from answerprint.store.lock import HeldError, InstanceLock
from answerprint.store.quota import storage_error

__all__ = ["Ledger", "LedgerLockedError", "LedgerRecord", "Progress"]

_VERSION = 1
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_POLL_SECONDS = 0.05

Progress = Literal["begun", "done", "removed", "undone"]


class LedgerLockedError(AnswerprintError):
    """Another process is putting clips back."""

    code = "busy"

    def __init__(self, pid: int | None) -> None:
        who = "Another Answerprint process" if pid is None else f"Process {pid}"
        super().__init__(f"{who} is putting clips back.", "Wait until it is done, then use Bring Back Finished.")


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """What became of one job's clip.

    asked, mode: the mode that was asked for, and the one that was used. doing: the step that was begun last, "" for
    none. clip, item, timeline: Resolve's ids. imported: we added the clip to the media pool. bins: paths of the bins
    that were missing. record: frame of the timeline. track: the video track of the item; track_made: we added it;
    tracks_before: how many there were. take: there is a take of ours; take_before: the one selected before it.
    replaced: attributes of the clip before its file was replaced, File Path among them. hidden: the original was
    disabled. saved: Resolve confirmed that it saved the project. of: the jobs whose files hold these frames, if the
    clip was put back once more, or joined, without a job of its own. first, stop: source frames in the file; 0 and 0
    in records that are older than these fields. notes: what a mode keeps of its own; written only if there is any.
    """

    job: str
    path: str
    project: str
    timeline: str
    place_item: str
    asked: str
    mode: str
    progress: Progress = "begun"
    doing: str = ""
    clip: str = ""
    item: str = ""
    imported: bool = False
    bins: tuple[str, ...] = ()
    record: int = 0
    track: int = 0
    track_made: bool = False
    tracks_before: int = 0
    take: bool = False
    take_before: int = 0
    replaced: Mapping[str, str] = field(default_factory=dict)
    hidden: bool = False
    saved: bool = False
    of: tuple[str, ...] = ()
    first: int = 0
    stop: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name; `from_json` reads them."""
        data = {"schema_version": _VERSION, **asdict(self), "replaced": dict(self.replaced)}
        notes = data.pop("notes")
        return data | ({"notes": dict(notes)} if notes else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LedgerRecord:
        """Read `to_json`'s form. Raises ValueError if it is damaged or of another version."""
        if data.get("schema_version") != _VERSION:
            raise ValueError("another version")
        values: dict[str, Any] = {}
        for each in fields(cls):
            if each.name not in data:
                continue
            value = data[each.name]
            kind = {"bool": bool, "int": int, "tuple[str, ...]": list, "Mapping[str, str]": dict}.get(
                str(each.type), str
            )
            if type(value) is not kind:
                raise ValueError(f"{each.name} is not a {kind.__name__}")
            values[each.name] = tuple(str(one) for one in value) if isinstance(value, list) else value
        if values.get("progress") not in get_args(Progress):
            raise ValueError("unknown progress")
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(str(error)) from error


class Ledger:
    """The records of this user."""

    def __init__(self, folder: Path | None = None, wait_seconds: float = 60.0) -> None:
        """folder: None for the one in the state folder. wait_seconds: how long to wait for another process."""
        self.folder = home.state_folder() / "resolve" if folder is None else folder
        self._wait_seconds = wait_seconds

    def read(self, job: str) -> LedgerRecord | None:
        """The record of a job, None if there is none. Raises JournalError for a damaged file, StorageError."""
        return self._read(self._file(job))

    def write(self, record: LedgerRecord) -> None:
        """Write a record durably, over the former one. Raises StorageError."""
        path = self._file(record.job)
        try:
            self._make_folder()
            data = json.dumps(record.to_json(), indent=1, ensure_ascii=False).encode()
            atomic.write_bytes(path, data, overwrite=True, mode=0o600)
        except OSError as error:
            raise storage_error(error, path) from error

    def records(self) -> list[LedgerRecord]:
        """All records that can be read. Raises StorageError."""
        found = []
        try:
            paths = sorted(self.folder.glob("*.json"))
        except OSError as error:
            raise storage_error(error, self.folder) from error
        for path in paths:
            try:
                record = self._read(path)
            except JournalError:  # reported when that job is read
                continue
            if record is not None:
                found.append(record)
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from putting clips back: two would change pages and bins under each other.

        Waits `wait_seconds` for another process. Raises LedgerLockedError, StorageError.
        """
        try:
            self._make_folder()
        except OSError as error:
            raise storage_error(error, self.folder) from error
        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                lock = InstanceLock(self.folder / "lock")
                break
            except HeldError as error:
                if time.monotonic() >= deadline:
                    raise LedgerLockedError(error.pid) from error
            time.sleep(_POLL_SECONDS)
        with lock:
            yield

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _file(self, job: str) -> Path:
        # An id that cannot be a file name is hashed.
        name = job if _PLAIN.fullmatch(job) else "x." + hashlib.sha256(job.encode()).hexdigest()[:32]
        return self.folder / f"{name}.json"

    def _read(self, path: Path) -> LedgerRecord | None:
        try:
            data = json.loads(path.read_bytes())
            return LedgerRecord.from_json(cast("Mapping[str, Any]", data if isinstance(data, dict) else {}))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_error(error, path) from error
        except (ValueError, RecursionError) as error:
            raise JournalError(
                f"{path}, which says where a clip was put, cannot be read.",
                "Check whether the clip is in the project, then move that file away.",
            ) from error
