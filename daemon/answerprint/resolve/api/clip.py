"""A clip in the media pool."""

from __future__ import annotations

from collections.abc import Mapping

from answerprint.resolve.api.values import Handle, texts

__all__ = ["MediaPoolItem"]


class MediaPoolItem(Handle):
    """What Resolve calls a MediaPoolItem."""

    def name(self) -> str:
        """As shown."""
        return self.text("GetName")

    def id(self) -> str:
        """Its unique id."""
        return self.text("GetUniqueId")

    def properties(self) -> dict[str, str]:
        """Its attributes as text: File Path, FPS, Start TC, PAR, Data Level..."""
        return texts(self.table("GetClipProperty"))

    def property(self, name: str) -> str:
        """One of them, "" where it has none."""
        answer = self.ask("GetClipProperty", name)
        return "" if answer is None or isinstance(answer, (Mapping, list)) else str(answer)

    def set_property(self, name: str, value: str) -> bool:
        """Change an attribute; some say yes and keep the old value."""
        return self.done("SetClipProperty", name, value)

    def metadata(self) -> dict[str, str]:
        """Its metadata."""
        return texts(self.table("GetMetadata"))

    def set_metadata(self, values: Mapping[str, str]) -> bool:
        """Change some of its metadata."""
        return self.done("SetMetadata", dict(values))

    def notes(self) -> dict[str, str]:
        """What programs keep with it (third-party metadata)."""
        return texts(self.table("GetThirdPartyMetadata"))

    def set_notes(self, values: Mapping[str, str]) -> bool:
        """Keep something with it (third-party metadata)."""
        return self.done("SetThirdPartyMetadata", dict(values))

    def replace(self, path: str) -> bool:
        """Take another file, wherever the clip is used."""
        return self.done("ReplaceClip", path, seconds=60.0)

    def timeline(self) -> bool:
        """Whether it stands for a timeline; False before 21.0.4."""
        return self.offers("GetTimeline") and self.found("GetTimeline") is not None
