"""One job's clip on its way into the project: what all steps share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ..api import MediaPool, Project, Resolve
from .ledger import Ledger, Record
from .outcome import Steps
from .place import Place

__all__ = ["Work"]


@dataclass(slots=True)
class Work:
    """What stays the same for all of it, and the record, which does not. new: the clip was not in the pool before."""

    resolve: Resolve
    project: Project
    pool: MediaPool
    place: Place
    path: str
    ledger: Ledger
    record: Record
    steps: Steps
    new: bool = False

    @property
    def frames(self) -> int:
        """How many the restored file has."""
        return self.place.restored_stop - self.place.restored_first

    def note(self, **changes: Any) -> None:  # noqa: ANN401 - fields of a record
        """Keep changes of the record on disk."""
        changed = replace(self.record, **changes)
        if changed != self.record:
            self.ledger.write(changed)
            self.record = changed

    @contextmanager
    def step(self, doing: str, **changes: Any) -> Iterator[None]:  # noqa: ANN401
        """The block is a step: kept on disk before it begins, and after it has ended well."""
        self.note(doing=doing, **changes)
        yield
        self.note(doing="")
