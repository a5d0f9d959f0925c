"""One clip on its way into the project, or out of it: what all modes share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from answerprint.resolve.api import MediaPoolItem, Project, Resolve, Timeline
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.ledger import Ledger, LedgerRecord
from answerprint.resolve.put_back.outcome import Report
from answerprint.resolve.put_back.placement import Placement, marker_data, restoring_job
from answerprint.resolve.put_back.project_cache import Clips, ProjectCache
from answerprint.resolve.put_back.track_cache import Found, timeline_by_id

__all__ = ["ImportedClip", "PutBackOptions", "PutBackTask", "UndoTask"]


@dataclass(frozen=True, slots=True)
class PutBackOptions:
    """How to put a clip back; see `PutBackSession.put`."""

    mode: str | None = None
    again: bool = False
    hide_original: bool = False
    origin: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ImportedClip:
    """The restored clip in the media pool, and its clip attributes."""

    clip: MediaPoolItem
    id: str
    properties: Mapping[str, str]


@dataclass(slots=True)
class PutBackTask:
    """Puts one clip back. record: changes as the work goes on. new: the clip was not in the media pool before."""

    cache: ProjectCache
    place: Placement
    path: str
    ledger: Ledger
    record: LedgerRecord
    report: Report
    options: PutBackOptions
    new: bool = False
    saved: LedgerRecord | None = None
    """The record as last written."""
    imported: ImportedClip | None = None
    """Set by `import_restored`."""

    @property
    def frames(self) -> int:
        """Length of the restored file, frames."""
        return self.place.restored_stop - self.place.restored_first

    def clip(self) -> MediaPoolItem | None:
        """The clip in the media pool that has the restored file; None if there is none."""
        return self.cache.clips.of_job(self.record.job, self.path)

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - fields of a record
        """Change the record; it is written with the next `save`. If that never comes, only a lookup is lost."""
        self.record = replace(self.record, **changes)

    def save(self, **changes: Any) -> None:  # noqa: ANN401
        """Change the record and write it."""
        self.record = replace(self.record, **changes)
        self.ledger.write(self.record)
        self.saved = self.record

    @contextmanager
    def step(self, doing: str, **changes: Any) -> Iterator[None]:  # noqa: ANN401
        """Run the block as a step: it is written before it begins, and its end with the next `save`."""
        self.save(doing=doing, **changes)
        yield
        self.update(doing="")


@dataclass(frozen=True, slots=True)
class UndoTask:
    """Removes from the project what one record says was put there."""

    resolve: Resolve
    project: Project
    ledger: Ledger
    record: LedgerRecord
    report: Report

    def clip(self) -> MediaPoolItem | None:
        """The restored clip in the media pool; None if it is gone, or if it is not ours."""
        record = self.record
        found = Clips(self.project.pool()).of_job(record.job, record.path)
        return found if found is not None and (found.id() == record.clip or restoring_job(found)) else None

    def timeline(self) -> Timeline | None:
        """The timeline of the record; None if it is gone."""
        return timeline_by_id(self.project, self.record.timeline)

    def owns(self, found: Found) -> bool:
        """Whether an item was made for this record."""
        id_ = found.item.id()
        if id_ == self.record.place_item:
            return False
        return id_ == self.record.item or bool(found.item.marker_with(marker_data(self.record.job)))

    def open(self, timeline: Timeline) -> None:
        """Open a timeline in Resolve, to change it. Raises ResolveError."""
        if not self.project.open_timeline(timeline):
            raise self.not_removed(f"anything from {timeline.name()}, because it could not open it")

    def not_removed(self, what: str) -> ResolveError:
        """Resolve did not remove something."""
        return ResolveError(
            f"Resolve did not remove {what}.",
            "Check that the project is not read-only and nothing in it is locked, then undo again.",
        )
