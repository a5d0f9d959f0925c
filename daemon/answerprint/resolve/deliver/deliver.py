"""The Deliver page as it has to be for our job, and the job itself."""

from __future__ import annotations

import re

from answerprint.errors import CancelledError
from answerprint.resolve.api import Project
from answerprint.resolve.bridge.bridge import Value
from answerprint.resolve.deliver.order import RenderOrder, Steering
from answerprint.resolve.deliver.scratch_timeline import ScratchTimeline
from answerprint.resolve.deliver.user_state import UserState
from answerprint.resolve.errors import EditionError, ResolveError

__all__ = ["FailedRenderError", "add_job", "check_edition", "file_name", "run_job", "set_up"]

# What takes most of a camera's picture, by ids (labels change with the version and the language).
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
_SOUND: dict[str, Value] = {"AudioCodec": "lpcm", "AudioBitDepth": 24, "AudioSampleRate": 48000}


class FailedRenderError(ResolveError):
    """Resolve says that it could not render."""

    code = "render_failed"


def file_name(name: str) -> str:
    """A name that any system takes for a file."""
    return _NOT_IN_NAMES.sub("_", name).strip(" .")[:_LONGEST_NAME] or "clip"


def check_edition(product: str, size: tuple[int, int]) -> None:
    """Raises EditionError when the free edition would render something else."""
    if "Studio" not in product and (size[0] > _FREE_SIZE[0] or size[1] > _FREE_SIZE[1]):
        raise EditionError(
            f"The free edition of Resolve renders up to {_FREE_SIZE[0]}x{_FREE_SIZE[1]}, and the clip has"
            f" {size[0]}x{size[1]}.",
            "Use DaVinci Resolve Studio, or convert the clip with its maker's software.",
        )


def set_up(project: Project, scratch: ScratchTimeline, order: RenderOrder, kept: UserState, relative: bool) -> None:
    """Our settings, on top of a preset that is the same everywhere. relative: what the range counts from.

    Raises ResolveError when Resolve does not take them.
    """
    names = project.presets()
    # Without one, what the user has set is below ours; the file is looked at afterwards in any case.
    for name in _KNOWN_PRESETS:
        if name in names and project.load_preset(name):
            break
    form, codec = _format(project)
    if not project.set_format_and_codec(form, codec) or project.format_and_codec() != (form, codec):
        raise ResolveError(f"Resolve does not render {codec} in {form}.", "Look at its Deliver page.")
    if not project.set_render_mode(_SINGLE_CLIP):
        raise ResolveError("Resolve does not render a single clip.", "Look at its Deliver page.")
    first = scratch.offset if relative else scratch.first
    settings: dict[str, Value] = {
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
        raise ResolveError("Resolve does not take the settings of a render.", "Look at its Deliver page.")


def add_job(project: Project) -> str:
    """The id of our job. Raises ResolveError."""
    job = project.add_render_job()
    if not job and project.set_render_settings({"CustomName": ""}):
        job = project.add_render_job()  # some versions of the free edition refuse a name (reported)
    if not job:
        raise ResolveError(
            "Resolve adds no job to its render queue.",
            "Look at its Deliver page; the folder must be one it can write to.",
        )
    return job


def run_job(project: Project, job: str, steering: Steering) -> None:
    """Render our job, and no other. Raises ResolveError when it fails or stalls, CancelledError."""
    steering.check()
    if not project.start_rendering(job):
        raise ResolveError("Resolve does not start to render.", "Wait until its own renders are done, and try again.")
    shown, since = -1, steering.clock()
    while True:
        # Asked before the status: what is over now was over when its status is read.
        running = project.rendering()
        status = project.render_status(job)
        word, percent = status.get("JobStatus", ""), _percent(status)
        if word == "Complete":
            steering.progress(100)
            return
        if word == "Failed":
            raise FailedRenderError(
                f"Resolve could not render ({status.get('Error') or 'it does not say why'}).", _LOOK
            )
        if word == "Cancelled":
            raise CancelledError("The render was stopped in Resolve.")
        if percent != shown:
            shown, since = percent, steering.clock()
            steering.progress(percent)
        waited = steering.clock() - since
        if not running and word != "Ready" and waited > _GRACE_SECONDS:
            if percent >= 100:  # a word of another language
                return
            raise ResolveError(f"Resolve stopped to render ({word or 'it says nothing'}).", _LOOK)
        if waited > steering.stall_seconds:
            raise ResolveError(f"Resolve has rendered nothing for {waited:.0f} seconds.", _LOOK)
        steering.check()
        steering.wait(steering.poll_seconds)


_GRACE_SECONDS = 10.0
_LOOK = "Look at Resolve: the media may be offline, the disk full, or a dialog open."


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
        "This Resolve renders neither ProRes nor DNxHR nor EXR.", "Render the clip yourself, and restore the file."
    )


def _percent(status: dict[str, str]) -> int:
    try:
        return int(float(status.get("CompletionPercentage", "0")))
    except ValueError:
        return 0
