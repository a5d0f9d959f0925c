"""A clip in the media pool."""

from __future__ import annotations

from collections.abc import Mapping

from answerprint.resolve.api.values import Handle, texts

__all__ = ["MediaPoolItem"]


class MediaPoolItem(Handle):
    """Resolve's MediaPoolItem."""

    def name(self) -> str:
        """Its name as shown in the media pool."""
        return self.text("GetName")

    def id(self) -> str:
        """Its unique id."""
        return self.text("GetUniqueId")

    def properties(self) -> dict[str, str]:
        """Its clip attributes as text: File Path, FPS, Start TC, PAR, Data Level..."""
        return texts(self.table("GetClipProperty"))

    def property(self, name: str) -> str:
        """One clip attribute, "" if it is not set."""
        answer = self.ask("GetClipProperty", name)
        return "" if answer is None or isinstance(answer, (Mapping, list)) else str(answer)

    def set_property(self, name: str, value: str) -> bool:
        """Change a clip attribute. Some attributes keep their old value although Resolve returns True."""
        return self.done("SetClipProperty", name, value)

    def metadata(self) -> dict[str, str]:
        """Its metadata as text."""
        return texts(self.table("GetMetadata"))

    def set_metadata(self, values: Mapping[str, str]) -> bool:
        """Change these metadata; others stay."""
        return self.done("SetMetadata", dict(values))

    def notes(self) -> dict[str, str]:
        """Its third-party metadata, where programs keep notes of their own."""
        return texts(self.table("GetThirdPartyMetadata"))

    def set_notes(self, values: Mapping[str, str]) -> bool:
        """Change these third-party metadata; others stay."""
        return self.done("SetThirdPartyMetadata", dict(values))

    def replace(self, path: str) -> bool:
        """Replace its file, wherever the project uses the clip."""
        return self.done("ReplaceClip", path, seconds=60.0)

    def timeline(self) -> bool:
        """Whether it is a timeline; always False before 21.0.4."""
        return self.offers("GetTimeline") and self.found("GetTimeline") is not None
