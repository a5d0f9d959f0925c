"""Plans the restoration of a selection: one job a clip, or why a clip cannot be restored."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from answerprint.api.clip_ref import ClipRef
from answerprint.api.types import MediaInfo
from answerprint.errors import AnswerprintError, InputError
from answerprint.frames.clip import FieldOrder
from answerprint.frames.codec_choice import LIKE_SOURCE, codec_by_kind, kin_of
from answerprint.frames.colour import space_named
from answerprint.resolve.api import Resolve
from answerprint.resolve.conform.extent import Extent, extent_of
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts, Refusal, SourceRange, TimelineFacts
from answerprint.resolve.conform.frame_map import exact, whole_start
from answerprint.resolve.conform.handles import frame_size, with_handles
from answerprint.resolve.conform.query import FactsQuery
from answerprint.resolve.conform.rates import pixel_aspect
from answerprint.resolve.conform.selection import SelectionRule, select_items
from answerprint.resolve.conform.source_range import part_of, source_range
from answerprint.resolve.conform.unsupported import refuse_clip, refuse_item, refuse_media
from answerprint.resolve.put_back.modes import POOL, TRACK, mode_named
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.restore.job import Planned
from answerprint.resolve.restore.otio_check import OtioReadings
from answerprint.resolve.restore.output_names import Taken, folder_for, restored_path
from answerprint.resolve.restore.own_clips import (
    LEFT_OUT,
    NOTHING,
    OwnClips,
    is_named,
    why_made_here,
    without_own_clips,
)
from answerprint.resolve.restore.probe import MediaBook
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["Refused", "RestorePlan", "plan_restore"]

_LEVELS = {"Full": "full", "Video": "video"}
_LONGEST_ATTRIBUTE = 256


@dataclass(frozen=True, slots=True)
class Refused:
    """A clip that is not restored. record: its first record frame, None for a clip of a bin. facts: of an item."""

    name: str
    item: str
    track: int
    record: int | None
    refusal: Refusal
    facts: ItemFacts | None = None


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """The plan for a selection: every clip of it is in one of the lists.

    left_out: counts of what is skipped, by reason. items: facts of the planned items, by id. parts: ids of items of
    which only a part is restored.
    """

    timeline: TimelineFacts | None
    planned: tuple[Planned, ...]
    refused: tuple[Refused, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    items: dict[str, ItemFacts] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()


def plan_restore(
    resolve: Resolve,
    choice: SelectionRule,
    preferences: RestoreSettings,
    media: MediaBook,
    taken: Iterable[str] = (),
    otio: OtioReadings | None = None,
    own_clips: OwnClips = NOTHING,
) -> RestorePlan:
    """Read the selection and plan each clip. taken: outputs of queued jobs.

    otio: used if Resolve's own numbers disagree. own_clips: restored clips, which are replaced by their sources.
    Raises SelectionError for an empty selection, ResolveError, InputError for settings that no clip can have.
    """
    project = resolve.project()
    asking = FactsQuery(project)
    selection = select_items(project, asking, choice)
    opened = project.timeline() if selection.items else None
    selection, own = without_own_clips(selection, choice, opened, asking, own_clips)
    timeline = None if opened is None else asking.timeline(opened)
    media.expect(each.item.clip.path for each in selection.items if each.item.clip and refuse_item(each.item) is None)
    media.expect(clip.path for clip in selection.clips if refuse_clip(clip) is None)
    planner = _Planner(preferences, media, Taken(taken), project.name(), project.id(), timeline, otio)
    for item, refusal in own:
        planner.refuse(item, refusal)
    for chosen in selection.items:
        planner.item(chosen.item, chosen.part)
    for clip in selection.clips:
        planner.clip(clip, choice.value.rpartition("/")[2])
    items = {chosen.item.id: chosen.item for chosen in selection.items}
    left_out = dict(selection.left_out)
    refused = planner.refused
    if not is_named(choice):
        # Some restored files are known only by their own metadata.
        refused = [each for each in planner.refused if each.refusal.code != "restored"]
        if skipped := len(planner.refused) - len(refused):
            left_out[LEFT_OUT] = left_out.get(LEFT_OUT, 0) + skipped
    parts = frozenset(chosen.item.id for chosen in selection.items if chosen.part is not None)
    return RestorePlan(timeline, tuple(planner.planned), tuple(refused), left_out, items, parts)


class _Planner:
    """Plans one clip after another; each output's name is reserved for it."""

    def __init__(
        self,
        preferences: RestoreSettings,
        media: MediaBook,
        taken: Taken,
        project_name: str,
        project: str,
        timeline: TimelineFacts | None,
        otio: OtioReadings | None,
    ) -> None:
        self.planned: list[Planned] = []
        self.refused: list[Refused] = []
        self._preferences, self._media, self._taken, self._otio = preferences, media, taken, otio
        self._project, self._project_name, self._timeline = project, project_name, timeline

    def item(self, item: ItemFacts, part: tuple[int, int] | None) -> None:
        """Plan an item of the timeline. part: first and stop record frame, None for all of it."""
        try:
            found = self._item(item, part)
        except InputError as error:
            found = Refusal(error.code, error.message, error.remedy)
        if isinstance(found, Refusal):
            self.refuse(item, found)
        else:
            self.planned.append(found)

    def refuse(self, item: ItemFacts, why: Refusal) -> None:
        """Note that an item is not restored, and why."""
        record = None if item.start is None else round(item.start)
        self.refused.append(Refused(item.name, item.id, item.track, record, why, item))

    def clip(self, clip: ClipFacts, folder: str) -> None:
        """Plan all of a clip of the media pool."""
        try:
            found = self._clip(clip, folder)
        except InputError as error:
            found = Refusal(error.code, error.message, error.remedy)
        if isinstance(found, Refusal):
            self.refused.append(Refused(clip.name, "", 0, None, found))
        else:
            self.planned.append(found)

    def _item(self, item: ItemFacts, part: tuple[int, int] | None) -> Planned | Refusal:
        clip, timeline = item.clip, self._timeline
        refusal = refuse_item(item)
        if refusal is not None or clip is None or timeline is None:
            return refusal or Refusal("no_clip", f"{item.name} has no file.")
        media = self._look(clip)
        if isinstance(media, Refusal):
            return media
        extent = extent_of(clip, media)
        if isinstance(extent, Refusal):
            return extent
        source = self._source(item, clip, timeline, media)
        if isinstance(source, Refusal):
            return source
        if item.start is None or item.duration is None:
            return Refusal("hollow", f"Resolve did not report the position of {item.name}.")
        record, duration = round(item.start), round(item.duration)
        ratio = extent.rate / timeline.rate
        if part is not None:
            source = part_of(source, ratio, part[0] - record, part[1] - part[0])
            record, duration = part[0], part[1] - part[0]
        mode, notes = self._mode(source, part is not None)
        place = self._place(
            mode, clip, media, extent, source, timeline.rate, timeline.id, timeline.name, item.name or clip.name
        )
        left = None if item.left_offset is None else exact(item.left_offset)
        skip = None if part is None else record - round(item.start)
        place = replace(place, item=item.id, record=record, duration=duration, track=item.track, left=left, skip=skip)
        frame = (timeline.size, timeline.pixel_aspect) if min(timeline.size) > 0 else None
        return self._planned(place, clip, media, extent, notes, frame)

    def _source(
        self, item: ItemFacts, clip: ClipFacts, timeline: TimelineFacts, media: MediaInfo
    ) -> SourceRange | Refusal:
        """The source range by Resolve's two readings, and by the third one if they disagree."""
        found, otio = source_range(item, clip, timeline, media), self._otio
        if otio is not None and (isinstance(found, Refusal) or not found.exact):
            reading = otio(item)
            if reading is not None:
                found = source_range(item, clip, timeline, media, reading)
            elif isinstance(found, Refusal) and (lack := otio.lacking) is not None:
                # Two readings contradict each other, and the third, which would decide, is missing.
                found = replace(found, reason=f"{found.reason} {lack.message}", remedy=f"{lack.remedy} {found.remedy}")
        if isinstance(found, Refusal) or media.frames == 1:
            return found
        # For a speed that changes, the two readings give only the mean: only the third one knows.
        steady = None if otio is None else otio.steady(item)
        if steady is False or (steady is None and found.speed not in (0, 1)):
            spare = (max(0, found.first - 1), min(media.frames, found.stop + 1))
            offset = found.offset + found.first - spare[0]
            return replace(found, first=spare[0], stop=spare[1], offset=offset, steady=False, exact=False)
        return found

    def _clip(self, clip: ClipFacts, folder: str) -> Planned | Refusal:
        refusal = refuse_clip(clip)
        media = refusal or self._look(clip)
        if isinstance(media, Refusal):
            return media
        extent = extent_of(clip, media)
        if isinstance(extent, Refusal):
            return extent
        source = SourceRange(extent.first, extent.stop, Fraction(1), how="the whole clip")
        place = self._place(POOL, clip, media, extent, source, extent.rate, "", folder, clip.name)
        return self._planned(place, clip, media, extent, (), None)

    def _look(self, clip: ClipFacts) -> MediaInfo | Refusal:
        try:
            found = self._media.look(clip.path)
            return why_made_here(clip.name) if found.restored else found
        except AnswerprintError as error:
            if error.exit_code != InputError.exit_code:  # no daemon, a full disk: not the clip's fault
                raise
            return refuse_media(clip, error)

    def _mode(self, source: SourceRange, part: bool) -> tuple[str, tuple[str, ...]]:
        asked = mode_named(self._preferences.put)
        if asked.name == POOL:
            return POOL, ()
        if not (source.exact and source.steady):
            lack = None if self._otio is None else self._otio.lacking
            why = () if lack is None else (f"{lack.message} {lack.remedy}".strip(),)
            return POOL, (
                *why,
                "Its frames cannot be mapped to the timeline exactly: its speed changes, or Resolve's numbers disagree."
                " All its frames are restored, and placed in the media pool only.",
            )
        if part and asked.whole_clip:
            return TRACK, ("Only part of the clip is restored: it is placed on a track above.",)
        return asked.name, ()

    def _place(
        self,
        mode: str,
        clip: ClipFacts,
        media: MediaInfo,
        extent: Extent,
        source: SourceRange,
        timeline_rate: Fraction,
        timeline: str,
        timeline_name: str,
        name: str,
    ) -> Placement:
        handles = with_handles(source, media.frames, self._preferences.handles)
        # Where rates differ, only some frames of the source begin together with a frame of the timeline.
        first = whole_start(handles.frames.start, extent.rate, timeline_rate)
        return Placement(
            mode=mode,
            project=self._project,
            project_name=self._project_name,
            timeline=timeline,
            timeline_name=timeline_name,
            item="",
            clip=clip.id,
            name=name,
            first=source.first,
            stop=source.stop,
            restored_first=first,
            restored_stop=handles.frames.stop,
            rate=extent.rate,
            offset=source.offset,
            speed=source.speed,
            attributes=self._attributes(clip, name, media.codec),
        )

    def _attributes(self, clip: ClipFacts, name: str, coding: str) -> dict[str, str]:
        kept = {key: value for key, value in clip.properties.items() if value and len(value) <= _LONGEST_ATTRIBUTE}
        chosen = {key: kept[key] for key in _CARRIED if key in kept}
        chosen["Clip Name"] = f"{Path(name).stem} restored"
        like = self._preferences.codec == LIKE_SOURCE
        codecs = (kin_of(coding) if like else []) or [codec_by_kind(self._preferences.codec, coding, "")[0]]
        if any(codec.source_formats for codec in codecs) or len({codec.is_yuv for codec in codecs}) > 1:
            return chosen  # the file declares the levels, which are the source's
        # The levels of the restored file, whatever the source's are: with 'Auto', Resolve would guess again.
        return {**chosen, "Data Level": "Video" if codecs[0].is_yuv else "Full"}

    def _planned(
        self,
        place: Placement,
        clip: ClipFacts,
        media: MediaInfo,
        extent: Extent,
        notes: tuple[str, ...],
        frame: tuple[tuple[int, int], Fraction] | None,
    ) -> Planned:
        preferences = self._preferences
        aspect = _aspect(clip, media)
        folder = folder_for(
            Path(clip.path), self._project_name, Path(preferences.folder) if preferences.folder else None
        )
        output = restored_path(folder, clip.name or place.name, self._taken, preferences.codec, media.codec)
        self._taken.add(str(output))
        label = extent.label
        fields = _fields(clip)
        if media.interlaced if fields is None else fields is not FieldOrder.PROGRESSIVE:
            notes = (*notes, "The source is interlaced: it is deinterlaced first.")
        return Planned(
            id=str(uuid.uuid4()),
            place=place,
            clip=ClipRef(
                _source_path(clip, media),
                rate=extent.rate,
                start_timecode="" if label is None else str(label.shifted(-extent.first)),
                drop_frame=label is not None and label.drop,
                pixel_aspect=aspect,
                fields=fields,
                levels=_LEVELS.get(clip.properties.get("Data Level", ""), ""),
                colour_space=_colour(clip, "Input Color Space"),
                gamma=_colour(clip, "Input Gamma"),
            ),
            output=str(output),
            size=self._size(media, aspect, frame),
            notes=notes,
        )

    def _size(
        self, media: MediaInfo, aspect: Fraction, frame: tuple[tuple[int, int], Fraction] | None
    ) -> tuple[int, int] | None:
        settings = self._preferences.settings
        asked, scale = settings.get("size"), settings.get("scale")
        if frame is None and asked is None:
            return None  # a clip of a bin is on no timeline: the model's own scale
        size, timeline_aspect = frame or ((media.width, media.height), Fraction(1))
        return frame_size(
            (media.width, media.height),
            size,
            aspect=aspect,
            timeline_aspect=timeline_aspect,
            scale=None if scale is None else Fraction(str(scale)),
            size=None if asked is None else (int(asked[0]), int(asked[1])),
        )


_CARRIED = ("PAR", "Input Color Space", "Input Gamma", "IDT", "Alpha mode", "Field Dominance", "Reel Name")


def _aspect(clip: ClipFacts, media: MediaInfo) -> Fraction:
    text = clip.properties.get("PAR", "")
    return pixel_aspect(text, (media.width, media.height), media.pixel_aspect) if text else media.pixel_aspect


def _colour(clip: ClipFacts, name: str) -> str:
    """A clip attribute that says that the clip is linear, log or HDR; "" for others."""
    text = clip.properties.get(name, "")
    return text if space_named(text) else ""


def _fields(clip: ClipFacts) -> FieldOrder | None:
    """The field order that is set in Resolve; None if it is automatic, or named in another language."""
    said = clip.properties.get("Field Dominance", "").casefold()
    return next((order for start, order in _FIELDS.items() if said.startswith(start)), None)


_FIELDS = {
    "progressive": FieldOrder.PROGRESSIVE,
    "upper": FieldOrder.TOP_FIRST,
    "lower": FieldOrder.BOTTOM_FIRST,
}
"""How Resolve's words for them begin."""


def _source_path(clip: ClipFacts, media: MediaInfo) -> str:
    """The file, or a sequence's pattern with its numbers, as one folder may hold several."""
    return clip.path if media.sequence else media.path
