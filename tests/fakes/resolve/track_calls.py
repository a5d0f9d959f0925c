"""What a timeline offers for its tracks."""

from __future__ import annotations

from fakes.resolve.api_values import TrackKind
from fakes.resolve.calls import Node, api, known_keys
from fakes.resolve.item import Item
from fakes.resolve.tracks import Track

__all__ = ["TrackCalls"]

_KEYS = ("audioType", "index")


class TrackCalls(Node):
    """Tracks count from 1, video tracks from below."""

    tracks: dict[str, list[Track]]

    @api()
    def GetTrackCount(self, trackType: TrackKind) -> int:
        return len(self.tracks[trackType])

    @api()
    def AddTrack(self, trackType: TrackKind, newTrackOptions: dict[str, object] | str | None = None) -> bool:
        tracks = self.tracks[trackType]
        index = len(tracks) + 1
        if isinstance(newTrackOptions, dict):
            if not known_keys(self.world, "Timeline.AddTrack", newTrackOptions, _KEYS):
                return False
            index = int(str(newTrackOptions.get("index", index)))
        tracks.insert(index - 1, Track(trackType, f"{trackType.title()} {len(tracks) + 1}"))
        return True

    @api()
    def DeleteTrack(self, trackType: TrackKind, trackIndex: int) -> bool:
        track = self.track(trackType, trackIndex)
        if track is None or track.locked or len(self.tracks[trackType]) == 1:
            return False
        for each in list(track.items):
            track.remove(each)
        self.tracks[trackType].remove(track)
        return True

    @api()
    def GetTrackName(self, trackType: TrackKind, trackIndex: int) -> str:
        track = self.track(trackType, trackIndex)
        return track.name if track else ""

    @api()
    def SetTrackName(self, trackType: TrackKind, trackIndex: int, name: str) -> bool:
        return self._with_track(trackType, trackIndex, name=name)

    @api()
    def SetTrackEnable(self, trackType: TrackKind, trackIndex: int, Bool: bool) -> bool:
        return self._with_track(trackType, trackIndex, enabled=Bool)

    @api()
    def GetIsTrackEnabled(self, trackType: TrackKind, trackIndex: int) -> bool:
        track = self.track(trackType, trackIndex)
        return track is not None and track.enabled

    @api()
    def SetTrackLock(self, trackType: TrackKind, trackIndex: int, Bool: bool) -> bool:
        return self._with_track(trackType, trackIndex, locked=Bool)

    @api()
    def GetIsTrackLocked(self, trackType: TrackKind, trackIndex: int) -> bool:
        track = self.track(trackType, trackIndex)
        return track is not None and track.locked

    @api()
    def GetItemListInTrack(self, trackType: TrackKind, index: int) -> list[Item] | None:
        track = self.track(trackType, index)
        return None if track is None else list(track.items)

    def track(self, kind: str, index: int) -> Track | None:
        """A track, counted from 1."""
        tracks = self.tracks[kind]
        return tracks[index - 1] if 1 <= index <= len(tracks) else None

    def _with_track(self, kind: str, index: int, **values: object) -> bool:
        track = self.track(kind, index)
        for name, value in values.items():
            if track is not None:
                setattr(track, name, value)
        return track is not None
