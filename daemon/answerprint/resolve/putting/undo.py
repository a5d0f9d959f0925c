"""Out of the project again: what the ledger says that we made and the project says is still ours, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..api import Clip, Project, Resolve, Timeline
from ..errors import ResolveError
from .as_take import our_take, remove_take
from .asfound import as_found, delete_items, on_page
from .clips import Clips
from .importing import find_bin
from .in_place import put_source_back
from .ledger import Ledger, Record
from .looking import Found, item_by_id, ours_on, same_media, timeline_by_id
from .names import TRACK, mark, note
from .outcome import Outcome, Steps
from .saving import save
from .tracks import undo_track

__all__ = ["undo"]


def undo(resolve: Resolve, job: str, ledger: Ledger, steps: Steps | None = None) -> Outcome:
    """Take a job's clip out of the project; the restored file stays on disk. Again is no error.

    What the user made of it since, such as a copy of the item, stays too, and is said. Raises ResolveError where
    another project is open or Resolve removes nothing; then it can be asked for again. Raises as `put_back` otherwise.
    """
    steps = Steps() if steps is None else steps
    with ledger.held():
        record = ledger.read(job)
        if record is None or record.progress == "undone":
            steps.say("undo", "There is nothing of it to take out.")
            if record is None:
                return Outcome(job, "", "nothing", "pool", None, tuple(steps.taken))
            return Outcome(job, record.path, "nothing", record.asked, None, tuple(steps.taken))
        project = resolve.project()
        if project.id() != record.project:
            raise ResolveError(
                f"The clip was put into another project than {project.name()}.", "Open that one, then undo again."
            )
        ledger.write(replace(record, doing="undo"))
        with as_found(resolve, project, steps):
            _Undoing(resolve, project, ledger, record, steps).run()
            # A Resolve that ended says of everything that it is not there.
            if resolve.project().id() != record.project:
                raise ResolveError("Another project was opened meanwhile.", "Open the first one, then undo again.")
            saved = record.saved and save(resolve, project, steps)
        steps.say("file", f"The restored file stays: {record.path}")
        ledger.write(replace(_without(record), saved=saved))
        return Outcome(job, record.path, "undone", record.asked, None, tuple(steps.taken), saved=saved)


def _without(record: Record) -> Record:
    """What stays known: bins and tracks that we made may still hold what other jobs put there."""
    return replace(
        record, progress="undone", doing="", clip="", item="", imported=False, take=False, take_before=0, replaced={},
        hidden=False,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Undoing:
    resolve: Resolve
    project: Project
    ledger: Ledger
    record: Record
    steps: Steps

    def run(self) -> None:
        """Raises ResolveError for what cannot be removed."""
        record, clips = self.record, Clips(self.project.pool())
        if record.replaced:
            self._replaced(clips.with_id(record.clip))
            return
        found = clips.of_job(record.job, record.path)
        clip = found if found is not None and (found.id() == record.clip or note(found) == record.job) else None
        timeline = timeline_by_id(self.project, record.timeline)
        if timeline is not None:
            if record.hidden:
                self._show_original(timeline)
            if clip is not None:
                self._take(timeline, clip)
                self._items(timeline, clip)
            self._track(timeline)
        if clip is not None:
            self._clip(clip)
        elif record.clip:
            self.steps.say("pool", "Its clip is no longer in the media pool.")
        self._bins()

    def _replaced(self, clip: Clip | None) -> None:
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

    def _take(self, timeline: Timeline, clip: Clip) -> None:
        found = item_by_id(timeline, self.record.place_item) if self.record.take else None
        if found is None or not our_take(found.item, clip.id()):
            return
        if not remove_take(found.item, clip.id(), self.record.take_before):
            raise self._stuck(f"the take from {found.item.name()}")
        self.steps.say("take", f"{found.item.name()} shows the take again that it showed before.")

    def _items(self, timeline: Timeline, clip: Clip) -> None:
        ours = [found for found in ours_on(timeline, clip.id(), self.record.track) if self._is_ours(timeline, found)]
        if not ours:
            return
        self._open(timeline)
        for found in ours:
            if not delete_items(self.resolve, timeline, found.track, [found.item]):
                raise self._stuck(f"the item on video track {found.track}")
        self.steps.say("track", f"Removed from the timeline {timeline.name()}.")
        for track in sorted({found.track for found in ours} - {self.record.track}, reverse=True):
            self._remove_track(timeline, track)

    def _is_ours(self, timeline: Timeline, found: Found) -> bool:
        record = self.record
        if found.item.id() == record.place_item:
            return False
        if found.item.id() == record.item or found.item.marker_with(mark(record.job)):
            return True
        # Laid, and cut off before it was marked.
        unfinished = record.progress == "begun" and found.item.start() == record.record
        return unfinished and timeline.track_name(found.track) == TRACK

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

    def _clip(self, clip: Clip) -> None:
        if not self.record.imported:
            self.steps.say("pool", "The clip stays in the media pool: it was there before.")
            return
        used = sum(len(ours_on(timeline, clip.id())) for timeline in self.project.timelines())
        if used:
            self.steps.warn("pool", f"The clip stays in the media pool: it is used {used} times elsewhere.")
            return
        pool = self.project.pool()
        pool.delete_clips([clip])
        if Clips(pool).with_id(self.record.clip or clip.id()) is not None:
            raise self._stuck(f"the clip {clip.name()} from the media pool")
        self.steps.say("pool", "Removed from the media pool.")

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
