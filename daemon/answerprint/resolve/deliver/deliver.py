"""Set up the Deliver page, add our render job, and run it."""

from __future__ import annotations

import re

from answerprint.errors import CancelledError
from answerprint.resolve.api import Project
from answerprint.resolve.bridge.bridge import BridgeValue
from answerprint.resolve.deliver.order import RenderOrder, Steering
from answerprint.resolve.deliver.scratch_timeline import ScratchTimeline
from answerprint.resolve.deliver.user_state import UserState
from answerprint.resolve.errors import EditionError, ResolveError

__all__ = ["FailedRenderError", "add_job", "check_edition", "file_name", "run_job", "set_up"]

# By quality, best first. Ids, since labels change with the version and the language.
_FORMATS = (
    ("mov", "ProRes4444"),
    ("mov", "DNxHR444_12"),
    ("mov", "DNxHR444_10"),
    ("mov", "ProRes422HQ"),
    ("mov", "DNxHRHQX_12"),
    ("mov", "DNxHRHQX_10"),
    ("exr", "RGBHalf"),
)
_KNOWN_PRESETS = ("ProRes 422 HQ", "H.264 Master", "ProRes Master", "H.265 Master")
_SINGLE_CLIP = 1
_NOT_IN_NAMES = re.compile(r"[^\w .()+-]")
_LONGEST_NAME = 100
_FREE_SIZE = (3840, 2160)
_SOUND: dict[str, BridgeValue] = {"AudioCodec": "lpcm", "AudioBitDepth": 24, "AudioSampleRate": 48000}


class FailedRenderError(ResolveError):
    """Resolve reports a failed render."""

    code = "render_failed"


def file_name(name: str) -> str:
    """A file name that is valid on every system."""
    return _NOT_IN_NAMES.sub("_", name).strip(" .")[:_LONGEST_NAME] or "clip"


def check_edition(product: str, size: tuple[int, int]) -> None:
    """Raises EditionError if the free edition would render a smaller size."""
    if "Studio" not in product and (size[0] > _FREE_SIZE[0] or size[1] > _FREE_SIZE[1]):
        raise EditionError(
            f"The free edition of Resolve renders up to {_FREE_SIZE[0]}x{_FREE_SIZE[1]}, but the clip is"
            f" {size[0]}x{size[1]}.",
            "Use DaVinci Resolve Studio, or convert the clip with the camera maker's software.",
        )


def set_up(project: Project, scratch: ScratchTimeline, order: RenderOrder, kept: UserState, relative: bool) -> None:
    """Load a preset that every Resolve has, then apply our settings. relative: count the range from the timeline's
    start.

    Raises ResolveError if Resolve does not accept them.
    """
    names = project.presets()
    # Without such a preset, the user's settings lie below ours. The file is checked afterwards in any case.
    for name in _KNOWN_PRESETS:
        if name in names and project.load_preset(name):
            break
    form, codec = _format(project)
    if not project.set_format_and_codec(form, codec) or project.format_and_codec() != (form, codec):
        raise ResolveError(f"Resolve did not set the format {form} with the codec {codec}.", _CHECK_PAGE)
    if not project.set_render_mode(_SINGLE_CLIP):
        raise ResolveError("Resolve did not set Render to Single clip.", _CHECK_PAGE)
    first = scratch.offset if relative else scratch.first
    settings: dict[str, BridgeValue] = {
        "SelectAllFrames": scratch.whole,
        "MarkIn": first,
        "MarkOut": first + scratch.frames - 1,
        "TargetDir": kept.work,
        "CustomName": file_name(order.name),
        "ExportVideo": True,
        "ExportAudio": order.sound,
        "FormatWidth": scratch.size[0],
        "FormatHeight": scratch.size[1],
        "FrameRate": float(scratch.rate),
        "PixelAspectRatio": "square",
        "ColorSpaceTag": "Same as Project",
        "GammaTag": "Same as Project",
        "ExportAlpha": False,
    }
    if order.sound:
        settings |= _SOUND
    if not project.set_render_settings(settings):
        raise ResolveError("Resolve did not accept the render settings.", _CHECK_PAGE)


def add_job(project: Project) -> str:
    """Add our job to the render queue; returns its id. Raises ResolveError."""
    job = project.add_render_job()
    if not job and project.set_render_settings({"CustomName": ""}):
        job = project.add_render_job()  # some versions of the free edition refuse a name (reported)
    if not job:
        raise ResolveError(
            "Resolve did not add a job to its render queue.",
            "Check the Deliver page, and that Resolve can write to the folder.",
        )
    return job


def run_job(project: Project, job: str, steering: Steering) -> None:
    """Render our job, and no other. Raises ResolveError if it fails or stalls, CancelledError."""
    steering.check()
    if not project.start_rendering(job):
        raise ResolveError("Resolve did not start the render.", "Wait until other renders are done, and try again.")
    last_percent, since = -1, steering.clock()
    while True:
        # Read before the status: if the render is over now, its status is final.
        running = project.rendering()
        status = project.render_status(job)
        state, percent = status.get("JobStatus", ""), _percent(status)
        if state == "Complete":
            steering.progress(100)
            return
        if state == "Failed":
            raise FailedRenderError(
                f"The render failed in Resolve ({status.get('Error') or 'no reason given'}).", _CHECK
            )
        if state == "Cancelled":
            raise CancelledError("The render was stopped in Resolve.")
        if percent != last_percent:
            last_percent, since = percent, steering.clock()
            steering.progress(percent)
        waited = steering.clock() - since
        if not running and state != "Ready" and waited > _GRACE_SECONDS:
            if percent >= 100:  # the state is in another language
                return
            raise ResolveError(f"Resolve stopped rendering ({state or 'no state given'}).", _CHECK)
        if waited > steering.stall_seconds:
            raise ResolveError(f"The render in Resolve made no progress for {waited:.0f} seconds.", _CHECK)
        steering.check()
        steering.wait(steering.poll_seconds)


_GRACE_SECONDS = 10.0
_CHECK = "Check Resolve: the media may be offline, the disk full, or a dialog open."
_CHECK_PAGE = "Check Resolve's Deliver page."


def _format(project: Project) -> tuple[str, str]:
    extensions = set(project.formats().values())
    codecs: dict[str, set[str]] = {}
    for form, codec in _FORMATS:
        if form in extensions:
            if form not in codecs:
                codecs[form] = set(project.codecs(form).values())
            if codec in codecs[form]:
                return form, codec
    raise EditionError(
        "This Resolve renders no ProRes, DNxHR or EXR.", "Render the clip in Resolve, and restore the file."
    )


def _percent(status: dict[str, str]) -> int:
    try:
        return int(float(status.get("CompletionPercentage", "0")))
    except ValueError:
        return 0
