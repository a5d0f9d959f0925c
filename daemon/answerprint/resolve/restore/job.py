"""A clip of Resolve's that is to be restored, as a job of the daemon's: with all that is needed to put it back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.frames.frame import FrameRange
from answerprint.resolve.put_back.modes import mode_named
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["HIDE", "Planned", "make_job"]

HIDE = "answerprint_hide"
"""The editor's note of a job whose original is to be hidden below the restored clip."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One restoration. clip: the media as Resolve reads them; `job_of` adds the frames. output: the restored file.

    size: px of the restored picture, None for what the settings say.
    media_first: frame of the source that frame 0 of the media is: above 0 where Resolve rendered a part of it.
    """

    id: str
    place: Placement
    clip: ClipRef
    output: str
    size: tuple[int, int] | None = None
    media_first: int = 0
    notes: tuple[str, ...] = ()
    """What the person should know, a sentence each."""

    @property
    def handles(self) -> tuple[int, int]:
        """Frames before and after those that the item shows."""
        return self.place.first - self.place.restored_first, self.place.restored_stop - self.place.stop


def make_job(planned: Planned, preferences: RestoreSettings) -> NewJob:
    """The job. Raises InputError for settings that no restoration has."""
    place, media_first = planned.place, planned.media_first
    clip = replace(
        planned.clip,
        range=FrameRange(place.first - media_first, place.stop - media_first),
        handles=planned.handles,
        audio=None if preferences.audio or mode_named(place.mode).changes else False,
        reel=place.metadata.get("Reel Name", place.attributes.get("Reel Name", ""))[:256],
        editor={**place.to_editor(), **({HIDE: "yes"} if preferences.disable else {})},
    )
    settings = dict(preferences.settings)
    if planned.size is not None:
        settings |= {"size": planned.size, "scale": None}
    settings |= {**clip.settings(), "output": planned.output, "codec": preferences.codec or None}
    settings |= {"sidecar": preferences.sidecar}
    return NewJob(
        id=planned.id,
        kind="restore",
        request=RestoreRequest.from_json(settings).to_json(),
        clip=clip,
        label=place.name[:256],
        priority=preferences.priority,
        not_before=preferences.not_before,
    )
