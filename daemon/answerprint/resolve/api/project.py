"""A project, and its render queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from answerprint.resolve.api.pool import MediaPool
from answerprint.resolve.api.timeline import Timeline
from answerprint.resolve.api.values import Handle, texts
from answerprint.resolve.bridge.bridge import Value
from answerprint.resolve.errors import ResolveError

__all__ = ["Project"]


class Project(Handle):
    """The open project."""

    def name(self) -> str:
        """As shown."""
        return self.text("GetName")

    def id(self) -> str:
        """Its unique id."""
        return self.text("GetUniqueId")

    def pool(self) -> MediaPool:
        """Its media pool."""
        return MediaPool(self.needed("GetMediaPool"))

    def timeline(self) -> Timeline:
        """The timeline that is open. Raises ResolveError where there is none."""
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
        """Make a timeline the one that is open."""
        return self.done("SetCurrentTimeline", timeline.remote)

    def setting(self, name: str) -> str:
        """A setting of the project as text, "" where it does not say."""
        answer = self.ask("GetSetting", name) if self.offers("GetSetting") else self.table("GetSettings").get(name)
        return "" if answer is None else str(answer)

    # The render queue. It is the user's: nothing here touches a job that is not ours.

    def load_preset(self, name: str) -> bool:
        """Take a preset's render settings."""
        return self.done("LoadRenderPreset", name)

    def save_preset(self, name: str) -> bool:
        """Keep the current render settings under a new name."""
        return self.done("SaveAsNewRenderPreset", name)

    def delete_preset(self, name: str) -> bool:
        """Forget a preset."""
        return self.done("DeleteRenderPreset", name)

    def presets(self) -> list[str]:
        """Names of all presets."""
        answer = self.ask("GetRenderPresetList")
        if not isinstance(answer, Sequence) or isinstance(answer, str):
            return []
        return [
            str(each.get("PresetName", each.get("RenderPresetName", ""))) if isinstance(each, Mapping) else str(each)
            for each in answer
        ]

    def format_and_codec(self) -> tuple[str, str]:
        """The ids of the current ones."""
        found = texts(self.table("GetCurrentRenderFormatAndCodec"))
        return found.get("format", ""), found.get("codec", "")

    def set_format_and_codec(self, form: str, codec: str) -> bool:
        """By ids, not by labels."""
        return self.done("SetCurrentRenderFormatAndCodec", form, codec)

    def formats(self) -> dict[str, str]:
        """Extension by label."""
        return texts(self.table("GetRenderFormats"))

    def codecs(self, form: str) -> dict[str, str]:
        """Id by label, of a format's extension."""
        return texts(self.table("GetRenderCodecs", form))

    def render_mode(self) -> int:
        """0: individual clips, 1: single clip."""
        return self.whole("GetCurrentRenderMode")

    def set_render_mode(self, mode: int) -> bool:
        """0: individual clips, 1: single clip."""
        return self.done("SetCurrentRenderMode", mode)

    def set_render_settings(self, settings: Mapping[str, Value]) -> bool:
        """Change some, on top of the preset that is loaded."""
        return self.done("SetRenderSettings", dict(settings))

    def add_render_job(self) -> str:
        """The id of a new job, "" where there is none."""
        return self.text("AddRenderJob")

    def delete_render_job(self, job: str) -> bool:
        """Remove one job."""
        return self.done("DeleteRenderJob", job)

    def render_jobs(self) -> list[dict[str, str]]:
        """All jobs of the queue, with JobId and more."""
        answer = self.ask("GetRenderJobList")
        if not isinstance(answer, Sequence) or isinstance(answer, str):
            return []
        return [texts({str(k): v for k, v in each.items()}) for each in answer if isinstance(each, Mapping)]

    def start_rendering(self, job: str) -> bool:
        """Render one job."""
        return self.done("StartRendering", [job], False)

    def stop_rendering(self) -> None:
        """End what is rendered now."""
        self.ask("StopRendering")

    def rendering(self) -> bool:
        """Whether something is rendered now."""
        return self.done("IsRenderingInProgress")

    def render_status(self, job: str) -> dict[str, str]:
        """JobStatus, CompletionPercentage, Error and more."""
        return texts(self.table("GetRenderJobStatus", job))
