"""The Deliver page: settings, presets and the render queue."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.resolve import render
from fakes.resolve.calls import Node, api, known_keys
from fakes.resolve.world import World

if TYPE_CHECKING:
    from fakes.resolve.timeline import Timeline

__all__ = ["CODECS", "FORMATS", "PRESETS", "SETTINGS", "RenderCalls", "RenderJob"]

FORMATS = {"QuickTime": "mov", "MP4": "mp4", "MXF OP1A": "mxf_op1a", "EXR": "exr", "DPX": "dpx", "TIFF": "tif"}
CODECS: dict[str, dict[str, str]] = {
    "mov": {
        "Apple ProRes 422": "ProRes422", "Apple ProRes 422 HQ": "ProRes422HQ", "Apple ProRes 4444": "ProRes4444",
        "H.264": "H264", "DNxHR HQX 10-bit": "DNxHRHQX_10", "DNxHR 444 10-bit": "DNxHR444_10",
    },
    "mp4": {"H.264": "H264"},
    "mxf_op1a": {"DNxHR HQX 10-bit": "DNxHRHQX_10"},
    "exr": {"RGB half": "RGBHalf", "RGB float": "RGBFloat"},
    "dpx": {"RGB 10-bit": "RGB10"},
    "tif": {"RGB 16-bit": "RGB16"},
}  # fmt: skip
"""Ids by label; the calls want ids."""

SETTINGS: dict[str, tuple[int, ...]] = dict.fromkeys(
    (
        "SelectAllFrames", "MarkIn", "MarkOut", "TargetDir", "CustomName", "UniqueFilenameStyle", "ExportVideo",
        "ExportAudio", "FormatWidth", "FormatHeight", "FrameRate", "PixelAspectRatio", "VideoQuality", "AudioCodec",
        "AudioBitDepth", "AudioSampleRate", "ColorSpaceTag", "GammaTag", "ExportAlpha", "EncodingProfile",
        "MultiPassEncode", "AlphaMode", "NetworkOptimization", "ClipStartFrame", "TimelineStartTimecode",
        "ReplaceExistingFilesInPlace", "ExportSubtitle", "SubtitleFormat",
    ),
    (0,),
) | {
    "AddFrameHandles": (21, 0, 4), "UseFullExtents": (21, 0, 4), "DataBurnIn": (21, 0, 4),
    "AudioFormat": (21, 0, 4), "UseUniqueFilenames": (21, 1),
}  # fmt: skip
PRESETS: dict[str, dict[str, object]] = {
    "H.264 Master": {"format": "mov", "codec": "H264", "mode": 1, "settings": {"ExportAudio": True}},
    "ProRes 422 HQ": {"format": "mov", "codec": "ProRes422HQ", "mode": 1, "settings": {"ExportAudio": True}},
    "FCP - Final Cut Pro X": {"format": "mov", "codec": "ProRes422HQ", "mode": 0, "settings": {"ExportAudio": True}},
}
"""What every Resolve has."""


class RenderJob:
    """A job of the queue, as it was added; state changes from the rendering thread."""

    def __init__(self, id: str, timeline: Timeline, form: str, codec: str, mode: int, settings: dict[str, Any]) -> None:
        self.id, self.timeline = id, timeline
        self.form, self.codec, self.mode, self.settings = form, codec, mode, settings
        self.status: dict[str, Any] = {"JobStatus": "Ready", "CompletionPercentage": 0}
        self.files: list[str] = []
        self.stop = threading.Event()


class RenderCalls(Node):
    """What a project offers for rendering."""

    current: Timeline | None

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.form, self.codec, self.mode = "mov", "H264", 1
        left = {"FormatWidth": 1280, "FormatHeight": 720, "CustomName": "user", "MarkIn": 0, "MarkOut": 7}
        self.render_settings: dict[str, Any] = left if world.quirks.user_render_settings else {}
        self.jobs: list[RenderJob] = []

    @api()
    def GetRenderFormats(self) -> dict[str, str]:
        return dict(FORMATS)

    @api()
    def GetRenderCodecs(self, renderFormat: str) -> dict[str, str]:
        return dict(CODECS.get(renderFormat, {}))

    @api()
    def GetCurrentRenderFormatAndCodec(self) -> dict[str, str]:
        return {"format": self.form, "codec": self.codec}

    @api()
    def SetCurrentRenderFormatAndCodec(self, format: str, codec: str) -> bool:
        if codec not in CODECS.get(format, {}).values():
            return False
        self.form, self.codec = format, codec
        return True

    @api()
    def GetCurrentRenderMode(self) -> int:
        return self.mode

    @api()
    def SetCurrentRenderMode(self, renderMode: int) -> bool:
        if renderMode not in (0, 1):
            return False
        self.mode = renderMode
        return True

    @api()
    def GetRenderPresetList(self) -> list[str]:
        return [*PRESETS, *self.world.presets]

    @api()
    def LoadRenderPreset(self, presetName: str) -> bool:
        """All that the preset does not name goes back to its default."""
        preset: dict[str, Any] = {**PRESETS, **self.world.presets}.get(presetName, {})
        if presetName not in self.GetRenderPresetList():
            return False
        self.form, self.codec = preset.get("format", "mov"), preset.get("codec", "ProRes422HQ")
        self.mode, self.render_settings = preset.get("mode", 1), dict(preset.get("settings", {}))
        return True

    @api()
    def SaveAsNewRenderPreset(self, presetName: str) -> bool:
        if not presetName or presetName in self.GetRenderPresetList():
            return False
        self.world.presets[presetName] = {
            "format": self.form, "codec": self.codec, "mode": self.mode, "settings": dict(self.render_settings),
        }  # fmt: skip
        return True

    @api()
    def DeleteRenderPreset(self, presetName: str) -> bool:
        return self.world.presets.pop(presetName, None) is not None

    @api()
    def SetRenderSettings(self, settings: dict[str, Any]) -> bool:
        """On top of what is set."""
        allowed = [name for name, since in SETTINGS.items() if self.world.version >= since]
        if not settings or not known_keys(self.world, "Project.SetRenderSettings", settings, allowed):
            return False
        self.render_settings |= settings
        return True

    @api()
    def AddRenderJob(self) -> str:
        """ "" where it cannot: no timeline, no folder, nothing to render."""
        world, folder = self.world, str(self.render_settings.get("TargetDir", ""))
        broken = world.free and world.version >= (21, 1) and world.quirks.custom_name_breaks_free
        if broken and self.render_settings.get("CustomName"):
            return ""
        if self.current is None or not self.current.all_items() or not folder or not Path(folder).is_dir():
            return ""
        job = RenderJob(world.new_id(), self.current, self.form, self.codec, self.mode, dict(self.render_settings))
        job.files = render.names(job)
        self.jobs.append(job)
        return job.id

    @api()
    def DeleteRenderJob(self, jobId: str) -> bool:
        job = self.job(jobId)
        if job is None or job.status["JobStatus"] == "Rendering":
            return False
        self.jobs.remove(job)
        return True

    @api()
    def DeleteAllRenderJobs(self) -> bool:
        """The queue is the user's."""
        self.world.violated("Project.DeleteAllRenderJobs: it empties the user's queue")
        self.jobs.clear()
        return True

    @api()
    def GetRenderJobList(self) -> list[dict[str, Any]]:
        return [self._described(number, each) for number, each in enumerate(self.jobs, 1)]

    @api()
    def StartRendering(self, *args: object) -> bool:
        """Ids, or a list of ids and whether it is interactive; True at once, while a thread renders."""
        listed = (
            args[0] if args and isinstance(args[0], list) else [each for each in args if not isinstance(each, bool)]
        )
        chosen = [self.job(str(each)) for each in listed] or list(self.jobs)
        jobs = [each for each in chosen if each is not None]
        if not jobs or len(jobs) < len(chosen) or self.IsRenderingInProgress():
            return False
        if any(each.status["JobStatus"] != "Ready" for each in jobs):
            return False
        for each in jobs:
            each.status["JobStatus"] = "Rendering"
        self.world.render(lambda: render.run(self.world, jobs))
        return True

    @api()
    def StopRendering(self) -> None:
        for each in self.jobs:
            if each.status["JobStatus"] == "Rendering":
                each.stop.set()

    @api()
    def IsRenderingInProgress(self) -> bool:
        return any(each.status["JobStatus"] == "Rendering" for each in self.jobs)

    @api()
    def GetRenderJobStatus(self, jobId: str) -> dict[str, Any] | None:
        job = self.job(jobId)
        return None if job is None else dict(job.status)

    def job(self, id: str) -> RenderJob | None:
        """A job by its id."""
        return next((each for each in self.jobs if each.id == id), None)

    def _described(self, number: int, job: RenderJob) -> dict[str, Any]:
        return {
            "JobId": job.id,
            "RenderJobName": f"Job {number}",
            "TimelineName": job.timeline.name,
            "TargetDir": str(job.settings.get("TargetDir", "")),
            "RenderMode": "Single clip" if job.mode else "Individual clips",
            "OutputFilename": Path(job.files[0]).name if job.files else "",
            "IsExportVideo": True,
            "VideoFormat": job.form,
            "VideoCodec": job.codec,
        }
