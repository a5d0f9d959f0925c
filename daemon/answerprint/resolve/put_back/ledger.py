"""What was put where: one file for each job, written before and after each step.

The ledger says what was meant and what was made; whether it is still there only the project itself says. So a helper or
a Resolve that ended half-way leaves enough to go on from, and what its user took out again is not brought back.
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
from answerprint.resolve.put_back.placement import MODES, Mode
from answerprint.store import atomic
from answerprint.store.lock import HeldError, InstanceLock
from answerprint.store.quota import storage_error

__all__ = ["Ledger", "LedgerLockedError", "LedgerRecord", "Progress"]

_VERSION = 1
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_POLL_SECONDS = 0.05

Progress = Literal["begun", "done", "removed", "undone"]


class LedgerLockedError(AnswerprintError):
    """Another helper puts clips back."""

    code = "busy"

    def __init__(self, pid: int | None) -> None:
        who = "Another program of ours" if pid is None else f"Process {pid}"
        super().__init__(f"{who} is putting clips back.", "Wait until it is done, then use Bring Back Finished.")


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """What is known of one job's clip.

    doing: the last step of which it was written that it begins, "" for none. clip, item, timeline: Resolve's ids.
    imported: the clip was brought in by us. bins: those that were missing, as paths. track: number of the track of
    ours; track_made: we made it; tracks_before: how many there were. take_before: selected before ours; take: there is
    one of ours. replaced: attributes of the clip before its file was replaced, with File Path. hidden: the original was
    switched off. saved: Resolve confirmed that the project with it is on disk. of: the jobs whose files these frames
    are, where the clip was put back once more, or joined, without a job of its own. first, stop: source frames that the
    file holds; 0 and 0 in records of before those were kept.
    """

    job: str
    path: str
    project: str
    timeline: str
    place_item: str
    asked: Mode
    mode: Mode
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

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name; `from_json` gives the same again."""
        return {"schema_version": _VERSION, **asdict(self), "replaced": dict(self.replaced)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LedgerRecord:
        """Read `to_json`'s form. Raises ValueError for any other."""
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
                raise ValueError(f"{each.name} is no {kind.__name__}")
            values[each.name] = tuple(str(one) for one in value) if isinstance(value, list) else value
        if not {values.get("asked"), values.get("mode")} <= set(MODES):
            raise ValueError("no such mode")
        if values.get("progress") not in get_args(Progress):
            raise ValueError("no such progress")
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(str(error)) from error


class Ledger:
    """All records, in a folder of this user's."""

    def __init__(self, folder: Path | None = None, wait_seconds: float = 60.0) -> None:
        """folder: where no other is named, the one in the state folder. wait_seconds: for another helper."""
        self.folder = home.state_folder() / "resolve" if folder is None else folder
        self._wait_seconds = wait_seconds

    def read(self, job: str) -> LedgerRecord | None:
        """What is known of a job. Raises JournalError for a file that is damaged, StorageError for a broken disk."""
        return self._read(self._file(job))

    def write(self, record: LedgerRecord) -> None:
        """Keep a record, durably, in place of the one before. Raises StorageError."""
        path = self._file(record.job)
        try:
            self._make()
            data = json.dumps(record.to_json(), indent=1, ensure_ascii=False).encode()
            atomic.write_bytes(path, data, overwrite=True, mode=0o600)
        except OSError as error:
            raise storage_error(error, path) from error

    def records(self) -> list[LedgerRecord]:
        """All that can be read."""
        found = []
        try:
            paths = sorted(self.folder.glob("*.json"))
        except OSError as error:
            raise storage_error(error, self.folder) from error
        for path in paths:
            try:
                record = self._read(path)
            except JournalError:  # said when that job is asked for
                continue
            if record is not None:
                found.append(record)
        return found

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else puts anything back meanwhile: two helpers would change pages and bins under each other.

        Waits for another helper so long. Raises LedgerLockedError, StorageError.
        """
        try:
            self._make()
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

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _file(self, job: str) -> Path:
        # An id becomes a name: one that is no plain name gets one made of it.
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
                "Look whether the clip is in the project, then move that file away.",
            ) from error
