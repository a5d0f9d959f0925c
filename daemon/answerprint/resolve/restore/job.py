"""A clip that was understood becomes a job of the daemon's, with all that is needed to bring it back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from answerprint.api.request import RestoreRequest
from answerprint.api.types import NewJob
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.restore.settings import RestoreSettings

__all__ = ["HIDE", "Planned", "job_of"]

HIDE = "answerprint_hide"
"""What a job says to its editor where the original is to be hidden below the restored clip."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One restoration. media: path or pattern of the source. output: of the restored file.

    size: px of the restored picture, None for what the settings say. start_timecode: label of source frame 0, "" for
    none; drop: its flag. rate: at which Resolve plays the source. pixel_aspect: of the source as Resolve reads it.
    media_first: frame of the source that frame 0 of the media is: above 0 where Resolve rendered a part of it.
    levels: video, full, or "" for what the file says. fields: progressive, top_first, bottom_first, or "" likewise.
    """

    id: str
    place: Placement
    media: str
    output: str
    size: tuple[int, int] | None
    rate: Fraction
    start_timecode: str = ""
    drop: bool = False
    pixel_aspect: Fraction | None = None
    levels: str = ""
    fields: str = ""
    media_first: int = 0
    notes: tuple[str, ...] = ()
    """What the person should know, a sentence each."""

    @property
    def handles(self) -> tuple[int, int]:
        """Frames before and after those that the item shows."""
        return self.place.first - self.place.restored_first, self.place.restored_stop - self.place.stop


def job_of(planned: Planned, wishes: RestoreSettings) -> NewJob:
    """The job. Raises InputError for settings that no restoration has."""
    before, after = planned.handles
    clip: dict[str, Any] = {
        "media": planned.media,
        "range": {
            "first": str(planned.place.first - planned.media_first),
            "stop": str(planned.place.stop - planned.media_first),
        },
        "handle_before": str(before),
        "handle_after": str(after),
        "rate": _rational(planned.rate),
        "editor": {**planned.place.to_editor(), **({HIDE: "yes"} if wishes.disable else {})},
    }
    if planned.start_timecode:
        clip |= {"start_timecode": planned.start_timecode, "drop_frame": planned.drop}
    if planned.pixel_aspect is not None:
        clip["pixel_aspect"] = _rational(planned.pixel_aspect)
    if planned.levels:
        clip["levels"] = f"LEVELS_{planned.levels.upper()}"
    if planned.fields:
        clip["field_order"] = f"FIELD_ORDER_{planned.fields.upper()}"
    if reel := planned.place.metadata.get("Reel Name", planned.place.attributes.get("Reel Name", "")):
        clip["reel"] = reel[:256]
    settings = dict(wishes.settings)
    if planned.size is not None:
        settings |= {"size": planned.size, "scale": None}
    request = RestoreRequest.from_json(
        {
            **settings,
            "input": planned.media,
            "output": planned.output,
            "codec": wishes.codec or None,
            "interpret": _interpret(planned),
        }
    )
    return NewJob(
        id=planned.id,
        kind="restore",
        request=request.to_json(),
        clip={name: value for name, value in clip.items() if value not in ("", "0")},
        label=planned.place.name[:256],
        priority=wishes.priority,
        not_before=wishes.not_before,
    )


def _interpret(planned: Planned) -> dict[str, str]:
    """What the clip says to the daemon, in the words of a request."""
    given = {
        "rate": str(planned.rate),
        "start_timecode": planned.start_timecode,
        "pixel_aspect": "" if planned.pixel_aspect is None else str(planned.pixel_aspect),
        "levels": planned.levels,
        "fields": planned.fields.removesuffix("_first"),
    }
    return {name: value for name, value in given.items() if value}


def _rational(value: Fraction) -> dict[str, str]:
    return {"numerator": str(value.numerator), "denominator": str(value.denominator)}
