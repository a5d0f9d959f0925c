"""Out of the project again: what the ledger says that we made and the project says is still ours, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

from answerprint.resolve.api import MediaPoolItem, Project, Resolve, Timeline
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.import_clip import find_bin
from answerprint.resolve.put_back.ledger import Ledger, LedgerRecord
from answerprint.resolve.put_back.outcome import Outcome, Report
from answerprint.resolve.put_back.placement import TRACK, mark, note
from answerprint.resolve.put_back.project_cache import Clips
from answerprint.resolve.put_back.replace_clip import put_source_back
from answerprint.resolve.put_back.take import our_take, remove_take
from answerprint.resolve.put_back.track import undo_track
from answerprint.resolve.put_back.track_cache import Found, item_by_id, items, ours_on, same_media, timeline_by_id
from answerprint.resolve.put_back.ui_state import delete_items, on_page, preserve_ui_state, save

__all__ = ["undo"]


def undo(resolve: Resolve, job: str, ledger: Ledger, steps: Report | None = None) -> Outcome:
    """Take a job's clip out of the project, from every place that it went to; the restored file stays on disk.

    Places are also those that the same frames were put to later, without a job of their own; the id of one of these
    takes out that one alone. Again is no error. What the user made of it since, such as a copy of the item, stays too,
    and is said. Raises ResolveError where another project is open, Resolve removes nothing, or something is there
    after all; then it can be asked for again. Raises as `session` otherwise.
    """
    steps = Report() if steps is None else steps
    with ledger.held():
        record = ledger.read(job)
        places = [each for each in _places(ledger, job, record) if each.progress != "undone" or each.imported]
        if not places:
            steps.say("undo", "There is nothing of it to take out.")
            if record is None:
                return Outcome(job, "", "nothing", "pool", None, tuple(steps.taken))
            return Outcome(job, record.path, "nothing", record.asked, None, tuple(steps.taken))
        record = record or places[-1]
        project = resolve.project()
        if any(project.id() != each.project for each in places):
            raise ResolveError(
                f"The clip was put into another project than {project.name()}.", "Open that one, then undo again."
            )
        for each in places:
            ledger.write(replace(each, doing="undo"))
        with preserve_ui_state(resolve, project, steps):
            undoings = [_Undoing(resolve, project, ledger, each, steps) for each in places]
            # A clip can go only when no place uses it any more.
            for undoing in undoings:
                undoing.take_out()
            kept = {undoing.record.job: undoing.clear() for undoing in undoings}
            for undoing in undoings:
                undoing.read_back()
            # A Resolve that ended says of everything that it is not there.
            if resolve.project().id() != record.project:
                raise ResolveError("Another project was opened meanwhile.", "Open the first one, then undo again.")
            saved = any(each.saved for each in places) and save(resolve, project, steps)
        for path in dict.fromkeys(each.path for each in places):
            steps.say("file", f"The restored file stays: {path}")
        for each in places:
            ledger.write(replace(_without(each, kept=kept[each.job]), saved=saved))
        return Outcome(job, record.path, "undone", record.asked, None, tuple(steps.taken), saved=saved)


def _places(ledger: Ledger, job: str, record: LedgerRecord | None) -> list[LedgerRecord]:
    """The records of all places that a job's frames went to, its own last."""
    if record is not None and record.of:
        return [record]
    others = [each for each in ledger.records() if each.job != job and job in each.of]
    return [*others, *([] if record is None else [record])]


def _without(record: LedgerRecord, *, kept: bool) -> LedgerRecord:
    """What stays known: bins and tracks that we made may still hold what other jobs put there.

    kept: its clip stays in the pool, where something else uses it: it goes when it is undone again.
    """
    return replace(
        record, progress="undone", doing="", clip=record.clip if kept else "", item="", imported=kept, take=False,
        take_before=0, replaced={}, hidden=False,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Undoing:
    resolve: Resolve
    project: Project
    ledger: Ledger
    record: LedgerRecord
    steps: Report

    def take_out(self) -> None:
        """Off the timeline, or the file out of its clip. Raises ResolveError for what cannot be removed."""
        record = self.record
        if record.replaced:
            self._replaced(Clips(self.project.pool()).with_id(record.clip))
            return
        clip, timeline = self._clip(), timeline_by_id(self.project, record.timeline)
        if timeline is None:
            return
        if record.hidden:
            self._show_original(timeline)
        if clip is not None:
            self._take(timeline, clip)
        self._items(timeline, clip)
        self._track(timeline)

    def clear(self) -> bool:
        """The clip out of the pool, and empty bins of ours; whether the clip stays, for another use."""
        if self.record.replaced:
            return False
        clip, stays = self._clip(), False
        if clip is not None:
            stays = self._remove_clip(clip)
        elif self.record.clip:
            self.steps.say("pool", "Its clip is no longer in the media pool.")
        self._bins()
        return stays

    def read_back(self) -> None:
        """Raises ResolveError where something of it is on its timeline all the same."""
        timeline = timeline_by_id(self.project, self.record.timeline)
        for found in () if timeline is None else items(timeline, self.record.track):
            if self._is_known(found):
                raise self._stuck(f"the item on video track {found.track}")

    def _clip(self) -> MediaPoolItem | None:
        """Its clip in the pool, if that is ours; the user may have given it another file."""
        record = self.record
        found = Clips(self.project.pool()).of_job(record.job, record.path)
        return found if found is not None and (found.id() == record.clip or note(found)) else None

    def _replaced(self, clip: MediaPoolItem | None) -> None:
        record = self.record
        file = "" if clip is None else clip.property("File Path")
        # It may have its own file again, and not yet its attributes.
        if clip is None or not any(same_media(file, each) for each in (record.path, record.replaced["File Path"])):
            self.steps.warn("replace", "The clip has another file by now, which is left as it is.")
        elif put_source_back(clip, record.replaced, self.steps):
            self.steps.say("replace", f"The clip has its own file again: {record.replaced.get('File Path')}")
        else:
            raise self._stuck(f"the restored file from the clip {clip.name()}")

    def _show_original(self, timeline: Timeline) -> None:
        found = item_by_id(timeline, self.record.place_item)
        if found is not None and not found.item.enabled():
            found.item.enable(True)
            self.steps.say("original", "The original is switched on again.")

    def _take(self, timeline: Timeline, clip: MediaPoolItem) -> None:
        found = item_by_id(timeline, self.record.place_item) if self.record.take else None
        if found is None or not our_take(found.item, clip.id()):
            return
        if not remove_take(found.item, clip.id(), self.record.take_before):
            raise self._stuck(f"the take from {found.item.name()}")
        self.steps.say("take", f"{found.item.name()} shows the take again that it showed before.")

    def _items(self, timeline: Timeline, clip: MediaPoolItem | None) -> None:
        # Without its clip in the pool, an item is still ours by its marker.
        there = items(timeline, self.record.track) if clip is None else ours_on(timeline, clip.id(), self.record.track)
        ours = [
            found
            for found in there
            if self._is_known(found) or (clip is not None and self._is_unfinished(timeline, found))
        ]
        if not ours:
            return
        self._open(timeline)
        for found in ours:
            if not delete_items(self.resolve, timeline, found.track, [found.item]):
                raise self._stuck(f"the item on video track {found.track}")
        self.steps.say("track", f"Removed from the timeline {timeline.name()}.")
        for track in sorted({found.track for found in ours} - {self.record.track}, reverse=True):
            self._remove_track(timeline, track)

    def _is_known(self, found: Found) -> bool:
        id_ = found.item.id()
        if id_ == self.record.place_item:
            return False
        return id_ == self.record.item or bool(found.item.marker_with(mark(self.record.job)))

    def _is_unfinished(self, timeline: Timeline, found: Found) -> bool:
        """Laid, and cut off before it was marked."""
        record = self.record
        if record.progress != "begun" or found.item.id() == record.place_item:
            return False
        return found.item.start() == record.record and timeline.track_name(found.track) == TRACK

    def _track(self, timeline: Timeline) -> None:
        self._remove_track(timeline, self.record.track)

    def _remove_track(self, timeline: Timeline, track: int) -> None:
        """If we made it, for whatever job, and nothing lies on it."""
        others = self.ledger.records()
        made = any(each.track_made and each.timeline == self.record.timeline for each in (self.record, *others))
        if not made or not track:
            return
        self._open(timeline)
        with on_page(self.resolve, "edit"):
            if undo_track(timeline, track):
                self.steps.say("track", f"Video track {track}, which was ours, is removed.")

    def _remove_clip(self, clip: MediaPoolItem) -> bool:
        if not self.record.imported:
            self.steps.say("pool", "The clip stays in the media pool: it was there before.")
            return False
        if (heir := self._heir()) is not None:
            self.ledger.write(replace(heir, imported=True))
            self.steps.say("pool", "The clip stays in the media pool: it was put elsewhere, too, and goes with that.")
            return False
        used = sum(len(ours_on(timeline, clip.id())) for timeline in self.project.timelines())
        if used:
            self.steps.warn("pool", f"The clip stays in the media pool: it is used {used} times elsewhere.")
            return True
        pool = self.project.pool()
        pool.delete_clips([clip])
        if Clips(pool).with_id(self.record.clip or clip.id()) is not None:
            raise self._stuck(f"the clip {clip.name()} from the media pool")
        self.steps.say("pool", "Removed from the media pool.")
        return False

    def _heir(self) -> LedgerRecord | None:
        """Another place that the same file was put to, and is not being taken out of."""
        record = self.record
        for each in self.ledger.records():
            there = each.progress in ("begun", "done") and each.doing != "undo"
            if there and each.job != record.job and (each.path, each.project) == (record.path, record.project):
                return each
        return None

    def _bins(self) -> None:
        pool = self.project.pool()
        records = [self.record, *(each for each in self.ledger.records() if each.project == self.record.project)]
        for path in sorted({name for each in records for name in each.bins}, key=len, reverse=True):
            folder, missing = find_bin(pool, path.split("/", 1))
            if not missing and not folder.clips() and not folder.folders():
                pool.delete_folders([folder])

    def _open(self, timeline: Timeline) -> None:
        if not self.project.open_timeline(timeline):
            raise self._stuck(f"anything from {timeline.name()}, which it does not open")

    def _stuck(self, what: str) -> ResolveError:
        return ResolveError(
            f"Resolve does not remove {what}.",
            "Look whether the project is read-only, or something in it locked, then undo again.",
        )
