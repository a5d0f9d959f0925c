"""Clips that cannot be decoded here, or are wanted as graded, are rendered by Resolve first; then that is restored."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from answerprint.api.clip_ref import ClipRef
from answerprint.api.types import MediaInfo
from answerprint.errors import InputError
from answerprint.resolve.api import Project, Resolve, Timeline, TimelineItem
from answerprint.resolve.conform.extent import Extent, extent_of
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts, Refusal, SourceRange, TimelineFacts
from answerprint.resolve.conform.frame_map import exact, whole_start
from answerprint.resolve.conform.handles import frame_size, with_handles
from answerprint.resolve.conform.rates import rate as exact_rate
from answerprint.resolve.conform.rates import resolution, whole
from answerprint.resolve.conform.source_range import source_range
from answerprint.resolve.deliver import RenderedFile, RenderOrder, Steering, render_through
from answerprint.resolve.put_back.modes import POOL, mode_named
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.put_back.track_cache import item_by_id
from answerprint.resolve.restore.job import Planned
from answerprint.resolve.restore.output_names import Taken, folder_for, restored_path
from answerprint.resolve.restore.probe import MediaBook
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["Renderer"]

_FOLDER = "Rendered"


@dataclass(slots=True)
class Renderer:
    """Renders items of the open timeline. taken: outputs of jobs. info: told what is being rendered."""

    resolve: Resolve
    media: MediaBook
    preferences: RestoreSettings
    timeline: TimelineFacts
    taken: Taken
    info: Callable[[str], None] = lambda text: None

    def plan(self, facts: ItemFacts, *, seen: bool) -> Planned | Refusal:
        """Render an item and plan its restoration.

        seen: as on the timeline, grade and retime baked in; otherwise the source's own frames with handles, where the
        item is a clip of a file. Raises ResolveError, CancelledError, InputError, OutputError.
        """
        project = self.resolve.project()
        item = self._item(project, facts)
        source = None if seen else self._source(facts)
        if isinstance(source, Refusal):
            return source
        folder = self._folder(facts)
        name = Path(facts.clip.name if facts.clip and facts.clip.name else facts.name).stem or "item"
        self.info(f"Resolve is rendering {name} and is busy until it ends.")
        steering = Steering(progress=lambda percent: self.info(f"Resolve is rendering {name}: {percent} %"))
        if source is None:
            order = RenderOrder(f"{name}_seen", folder, "seen")
        else:
            range_, extent = source
            handles = with_handles(range_, extent.of_file, self.preferences.handles)
            first = whole_start(handles.frames.start, extent.rate, self.timeline.rate)
            order = RenderOrder(f"{name}_source", folder, "source", first, handles.frames.stop)
        made = render_through(
            self.resolve, self._timeline(project), item, order, lambda path: self.media.look(str(path)), steering
        )
        place = self._seen_place(facts, made) if source is None else self._source_place(facts, made, *source)
        return self._planned(place, made, folder.parent)

    def _item(self, project: Project, facts: ItemFacts) -> TimelineItem:
        found = item_by_id(self._timeline(project), facts.id, facts.track)
        if found is None:
            raise InputError(f"{facts.name} is no longer on the timeline.", "Select it again.")
        return found.item

    def _timeline(self, project: Project) -> Timeline:
        return project.timeline()

    def _source(self, facts: ItemFacts) -> tuple[SourceRange, Extent] | Refusal | None:
        """The source range in a file that only Resolve can decode; None if the item has no file."""
        clip = facts.clip
        if clip is None or clip.is_timeline or not clip.path:
            return None
        media = _as_reported(clip)
        extent = extent_of(clip, media)
        if isinstance(extent, Refusal):
            return extent
        found = source_range(facts, clip, self.timeline, media)
        return found if isinstance(found, Refusal) else (found, extent)

    def _folder(self, facts: ItemFacts) -> Path:
        near = Path(facts.clip.path) if facts.clip and facts.clip.path else Path.home() / "x"
        chosen = Path(self.preferences.folder) if self.preferences.folder else None
        folder = folder_for(near, self.timeline.project_name, chosen) / _FOLDER
        folder.mkdir(exist_ok=True)
        return folder

    def _seen_place(self, facts: ItemFacts, made: RenderedFile) -> Placement:
        return self._place(facts, made.rate, SourceRange(0, made.frames, Fraction(1)), 0, made.frames)

    def _source_place(self, facts: ItemFacts, made: RenderedFile, range_: SourceRange, extent: Extent) -> Placement:
        return self._place(facts, extent.rate, range_, made.first, made.first + made.frames)

    def _place(self, facts: ItemFacts, rate: Fraction, range_: SourceRange, first: int, stop: int) -> Placement:
        clip = facts.clip
        mode = mode_named(self.preferences.put)
        placeable = clip is not None and range_.exact and range_.steady and not mode.whole_clip
        name = facts.name or (clip.name if clip else "item")
        return Placement(
            mode=mode.name if placeable else POOL,
            project=self.timeline.project,
            project_name=self.timeline.project_name,
            timeline=self.timeline.id,
            timeline_name=self.timeline.name,
            item=facts.id,
            clip="" if clip is None else clip.id,
            name=name,
            first=range_.first,
            stop=range_.stop,
            restored_first=first,
            restored_stop=stop,
            rate=rate,
            record=round(facts.start or 0),
            duration=round(facts.duration or 0),
            track=facts.track,
            offset=range_.offset,
            speed=range_.speed,
            attributes={"Data Level": "Video", "Clip Name": f"{Path(name).stem} restored"},
            left=None if facts.left_offset is None else exact(facts.left_offset),
        )

    def _planned(self, place: Placement, made: RenderedFile, folder: Path) -> Planned:
        coding = made.facts.codec
        output = restored_path(folder, made.path.name.replace("%", ""), self.taken, self.preferences.codec, coding)
        self.taken.add(str(output))
        facts, settings = made.facts, self.preferences.settings
        asked = settings.get("size")
        return Planned(
            id=str(uuid.uuid4()),
            place=place,
            clip=ClipRef(str(made.path), rate=made.rate),
            output=str(output),
            size=frame_size(
                (facts.width, facts.height),
                self.timeline.size if min(self.timeline.size) > 0 else (facts.width, facts.height),
                aspect=facts.pixel_aspect,
                timeline_aspect=self.timeline.pixel_aspect,
                scale=None if settings.get("scale") is None else Fraction(str(settings["scale"])),
                size=None if asked is None else (int(asked[0]), int(asked[1])),
            ),
            media_first=place.restored_first,
            notes=("Resolve rendered it first.", *made.left),
        )


def _as_reported(clip: ClipFacts) -> MediaInfo:
    """Facts of a file as Resolve reports them, for one that cannot be probed here. Raises InputError."""
    said = clip.properties
    width, height = resolution(said.get("Resolution", ""))
    frames = whole(said.get("Frames", "")) or 0
    return MediaInfo(clip.path, False, width, height, exact_rate(said.get("FPS", "")), frames)
