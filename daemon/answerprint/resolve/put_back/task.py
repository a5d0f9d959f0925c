"""One job's clip on its way into the project: what all steps share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from answerprint.resolve.put_back.ledger import Ledger, LedgerRecord
from answerprint.resolve.put_back.outcome import Report
from answerprint.resolve.put_back.placement import Mode, Placement
from answerprint.resolve.put_back.project_cache import ProjectCache

__all__ = ["PutBackOptions", "PutBackTask"]


@dataclass(frozen=True, slots=True)
class PutBackOptions:
    """What is wished for a clip; see `Session.put`."""

    mode: Mode | None = None
    again: bool = False
    hide_original: bool = False
    origin: Mapping[str, str] | None = None


@dataclass(slots=True)
class PutBackTask:
    """What stays the same for all of it, and the record, which does not. new: the clip was not in the pool before."""

    known: ProjectCache
    place: Placement
    path: str
    ledger: Ledger
    record: LedgerRecord
    steps: Report
    asked: PutBackOptions
    new: bool = False
    kept: LedgerRecord | None = None
    """What was written for this clip last."""

    @property
    def frames(self) -> int:
        """How many the restored file has."""
        return self.place.restored_stop - self.place.restored_first

    def learn(self, **changes: Any) -> None:  # noqa: ANN401 - fields of a record
        """Changes of the record that are kept on disk with the next ones: without them no more is lost than a look."""
        self.record = replace(self.record, **changes)

    def note(self, **changes: Any) -> None:  # noqa: ANN401
        """Keep the record on disk, with these changes."""
        self.record = replace(self.record, **changes)
        self.ledger.write(self.record)
        self.kept = self.record

    @contextmanager
    def step(self, doing: str, **changes: Any) -> Iterator[None]:  # noqa: ANN401
        """The block is a step: kept on disk before it begins, and with the next one after it has ended well."""
        self.note(doing=doing, **changes)
        yield
        self.learn(doing="")
