"""A project, and its render queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from answerprint.resolve.api.pool import MediaPool
from answerprint.resolve.api.timeline import Timeline
from answerprint.resolve.api.values import Handle, texts
from answerprint.resolve.bridge.bridge import BridgeValue
from answerprint.resolve.errors import ResolveError

__all__ = ["Project"]


class Project(Handle):
    """The open project."""

    def name(self) -> str:
        """Its name."""
        return self.text("GetName")

    def id(self) -> str:
        """Its unique id."""
        return self.text("GetUniqueId")

    def pool(self) -> MediaPool:
        """Its media pool."""
        return MediaPool(self.needed("GetMediaPool"))

    def timeline(self) -> Timeline:
        """The open timeline. Raises ResolveError if there is none."""
        timeline = self.found("GetCurrentTimeline")
        if timeline is None:
            raise ResolveError("No timeline is open in Resolve.", "Open the timeline that holds the clips.")
        return Timeline(timeline)

    def timelines(self) -> list[Timeline]:
        """All timelines."""
        count = self.whole("GetTimelineCount")
        found = (self.found("GetTimelineByIndex", index) for index in range(1, count + 1))
        return [Timeline(each) for each in found if each is not None]

    def open_timeline(self, timeline: Timeline) -> bool:
        """Open a timeline."""
        return self.done("SetCurrentTimeline", timeline.remote)

    def setting(self, name: str) -> str:
        """A project setting as text, "" if Resolve does not return it."""
        answer = self.ask("GetSetting", name) if self.offers("GetSetting") else self.table("GetSettings").get(name)
        return "" if answer is None else str(answer)

    # The render queue. It is the user's: callers touch no job that is not ours.

    def load_preset(self, name: str) -> bool:
        """Load a preset's render settings."""
        return self.done("LoadRenderPreset", name)

    def save_preset(self, name: str) -> bool:
        """Save the current render settings as a new preset."""
        return self.done("SaveAsNewRenderPreset", name)

    def delete_preset(self, name: str) -> bool:
        """Delete a preset."""
        return self.done("DeleteRenderPreset", name)

    def presets(self) -> list[str]:
        """The names of all presets."""
        answer = self.ask("GetRenderPresetList")
        if not isinstance(answer, Sequence) or isinstance(answer, str):
            return []
        return [
            str(each.get("PresetName", each.get("RenderPresetName", ""))) if isinstance(each, Mapping) else str(each)
            for each in answer
        ]

    def format_and_codec(self) -> tuple[str, str]:
        """The ids of the current format and codec."""
        found = texts(self.table("GetCurrentRenderFormatAndCodec"))
        return found.get("format", ""), found.get("codec", "")

    def set_format_and_codec(self, form: str, codec: str) -> bool:
        """Set both by their ids, not by their labels."""
        return self.done("SetCurrentRenderFormatAndCodec", form, codec)

    def formats(self) -> dict[str, str]:
        """File extension by label."""
        return texts(self.table("GetRenderFormats"))

    def codecs(self, form: str) -> dict[str, str]:
        """Codec id by label. form: the file extension of a format."""
        return texts(self.table("GetRenderCodecs", form))

    def render_mode(self) -> int:
        """0: individual clips, 1: single clip."""
        return self.whole("GetCurrentRenderMode")

    def set_render_mode(self, mode: int) -> bool:
        """0: individual clips, 1: single clip."""
        return self.done("SetCurrentRenderMode", mode)

    def set_render_settings(self, settings: Mapping[str, BridgeValue]) -> bool:
        """Change some render settings; the others stay as the preset has them."""
        return self.done("SetRenderSettings", dict(settings))

    def add_render_job(self) -> str:
        """Add a job; returns its id, "" if Resolve adds none."""
        return self.text("AddRenderJob")

    def delete_render_job(self, job: str) -> bool:
        """Delete one job."""
        return self.done("DeleteRenderJob", job)

    def render_jobs(self) -> list[dict[str, str]]:
        """All jobs of the render queue, as text: JobId, TargetDir and more."""
        answer = self.ask("GetRenderJobList")
        if not isinstance(answer, Sequence) or isinstance(answer, str):
            return []
        return [texts({str(k): v for k, v in each.items()}) for each in answer if isinstance(each, Mapping)]

    def start_rendering(self, job: str) -> bool:
        """Start to render one job."""
        return self.done("StartRendering", [job], False)

    def stop_rendering(self) -> None:
        """Stop the running render."""
        self.ask("StopRendering")

    def rendering(self) -> bool:
        """Whether a render is running."""
        return self.done("IsRenderingInProgress")

    def render_status(self, job: str) -> dict[str, str]:
        """JobStatus, CompletionPercentage, Error and more."""
        return texts(self.table("GetRenderJobStatus", job))
