"""A clip of the media pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.resolve import properties
from fakes.resolve.calls import api
from fakes.resolve.marks import Coloured
from fakes.resolve.media import Media, look_at
from fakes.resolve.times import labelled, rate_of
from fakes.resolve.world import World

if TYPE_CHECKING:
    from fakes.resolve.timeline import Timeline

__all__ = ["Clip"]


class Clip(Coloured):
    """first, frames: the part of the media that it is, in frames of the file; all of it unless a subclip.

    timeline: what it stands for, where it is no media; its Type says which way.
    """

    kind = "MediaPoolItem"

    def __init__(
        self,
        world: World,
        media: Media | None,
        fps: Fraction,
        *,
        name: str = "",
        type: str = "",
        part: tuple[int, int] | None = None,
        timeline: Timeline | None = None,
        start_tc: str = "",
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(world)
        self.media, self.fps, self.timeline, self.type = media, fps, timeline, type
        self.name = name or (Path(media.path).name if media else "")
        self.part = part
        self.start_tc = start_tc
        self.attributes = dict(attributes or {})
        self.metadata: dict[str, str] = {}
        self.third_party: dict[str, str] = {}
        self.proxy = ""
        self.marks: tuple[int, int] | None = None

    @property
    def first(self) -> int:
        """The frame of the file that the clip begins with."""
        return self.part[0] if self.part else 0

    @property
    def frames(self) -> int:
        """How many it has."""
        if self.part:
            return self.part[1] - self.part[0]
        if self.timeline is not None:
            return self.timeline.end - self.timeline.start
        return self.media.frames if self.media else 0

    @property
    def start(self) -> int:
        """The property Start: the number in the first file's name, or the frame of the file."""
        return self.first + (self.media.start_number if self.media and self.media.kind == "sequence" else 0)

    @property
    def base(self) -> int:
        """What calls that count source frames say for frame 0 of the file."""
        return self.start - self.first if self.world.quirks.sequence_numbers else 0

    @property
    def timecode_frames(self) -> int:
        """Frames from midnight to frame 0 of the file."""
        return labelled(self.start_label, self.fps).frames

    @property
    def start_label(self) -> str:
        """Timecode of frame 0 of the file."""
        if self.timeline is not None and not self.start_tc:
            return self.timeline.GetStartTimecode()
        return self.start_tc or (self.media.start_timecode if self.media else "") or "00:00:00:00"

    @property
    def path(self) -> str:
        """The property File Path."""
        return self.media.path if self.media else ""

    # Resolve's own

    @api()
    def GetName(self) -> str:
        return self.name

    @api(since=(20,))
    def SetName(self, name: str) -> bool:
        self.name = name
        return True

    @api()
    def GetUniqueId(self) -> str:
        return self.id

    @api()
    def GetMediaId(self) -> str:
        return f"media-{self.id}" if self.media else ""

    @api()
    def GetClipProperty(self, propertyName: str | None = None) -> Any:  # noqa: ANN401
        found = properties.of(self)
        return found if not propertyName else found.get(propertyName, "")

    @api()
    def SetClipProperty(self, propertyName: str, propertyValue: object) -> bool:
        if self.world.free and propertyName == "Super Scale":
            self.world.modal = self.world.quirks.modal_lock
            return False
        if not isinstance(propertyValue, str) or not properties.allowed(self.world, propertyName, propertyValue):
            return False
        if propertyName in self.world.quirks.dropped_properties:
            return True
        if propertyName == "Clip Name":
            self.name = propertyValue
        elif propertyName == "FPS":
            self.fps = rate_of(propertyValue)
        elif propertyName == "Start TC":
            self.start_tc = propertyValue
        else:
            self.attributes[propertyName] = propertyValue
        return True

    @api()
    def GetMetadata(self, metadataType: str | None = None) -> Any:  # noqa: ANN401
        return dict(self.metadata) if metadataType is None else self.metadata.get(metadataType, "")

    @api()
    def SetMetadata(self, metadata: dict[str, str] | str, metadataValue: str | None = None) -> bool:
        return _set(self.metadata, metadata, metadataValue)

    @api(since=(18, 5))
    def GetThirdPartyMetadata(self, metadataType: str | None = None) -> Any:  # noqa: ANN401
        return dict(self.third_party) if metadataType is None else self.third_party.get(metadataType, "")

    @api(since=(18, 5))
    def SetThirdPartyMetadata(self, metadata: dict[str, str] | str, metadataValue: str | None = None) -> bool:
        return _set(self.third_party, metadata, metadataValue)

    @api()
    def ReplaceClip(self, filePath: str) -> bool:
        """Every use of it shows the other file from now on, the same frame numbers of it."""
        found = look_at(filePath)
        if found is None or not Path(filePath).is_absolute() or self.media is None:
            return False
        self.media, self.part, self.start_tc = found, None, ""
        self.fps = found.rate or self.fps
        self.name = Path(found.path).name
        self.attributes = {}
        return True

    @api(since=(20,))
    def ReplaceClipPreserveSubClip(self, filePath: str) -> bool:
        part, name = self.part, self.name
        if not self.ReplaceClip(filePath):
            return False
        self.part, self.name = part, name
        return True

    @api()
    def LinkProxyMedia(self, proxyMediaFilePath: str) -> bool:
        if not Path(proxyMediaFilePath).is_file():
            return False
        self.proxy = proxyMediaFilePath
        return True

    @api()
    def UnlinkProxyMedia(self) -> bool:
        was, self.proxy = self.proxy, ""
        return bool(was)

    @api(since=(20,))
    def LinkFullResolutionMedia(self, fullResMediaPath: str) -> bool:
        """What was linked as a proxy's original."""
        return bool(self.proxy) and self.ReplaceClipPreserveSubClip(fullResMediaPath)

    @api(since=(20,))
    def MonitorGrowingFile(self) -> bool:
        return self.media is not None

    @api(since=(20,))
    def GetMarkInOut(self) -> dict[str, dict[str, int]]:
        return {} if self.marks is None else {"video": {"in": self.marks[0], "out": self.marks[1]}}

    @api(since=(20,))
    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        self.marks = (mark_in, mark_out)
        return True

    @api(since=(20,))
    def ClearMarkInOut(self, type: str = "all") -> bool:
        self.marks = None
        return True

    @api(since=(18, 5))
    def GetAudioMapping(self) -> str:
        return '{"embedded_audio_channels": 2}' if self.media and self.media.has_audio else ""

    @api(since=(21, 1))
    def SetAudioMapping(self, mapping: str) -> bool:
        """Not modelled."""
        return False

    @api(since=(21, 0, 4))
    def GetTimeline(self) -> Timeline | None:
        """Only for what is a timeline in the pool."""
        return self.timeline if self.type == "Timeline" else None

    @api(since=(21,), studio=True)
    def RemoveMotionBlur(self, deblurOption: dict[str, object]) -> Clip | None:
        """Not modelled beyond being Studio's."""
        return None

    def relink(self, path: str) -> None:
        """Say where the file lies now."""
        if self.media is not None:
            self.media = replace(self.media, path=path)


def _set(table: dict[str, str], what: dict[str, str] | str, value: str | None) -> bool:
    if isinstance(what, str):
        if value is None:
            return False
        table[what] = value
        return True
    table.update(what)
    return True
