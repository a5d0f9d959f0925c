"""Render through Resolve, check the file without asking Resolve, and leave Resolve as it was."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from answerprint.api.types import MediaInfo
from answerprint.errors import InputError, OutputError
from answerprint.frames.sequence import IMAGE_SUFFIXES
from answerprint.resolve.api import Project, Resolve, Timeline, TimelineItem
from answerprint.resolve.deliver.deliver import FailedRenderError, add_job, check_edition, file_name, run_job, set_up
from answerprint.resolve.deliver.order import RenderedFile, RenderOrder, Steering
from answerprint.resolve.deliver.scratch_timeline import ScratchTimeline, scratch_for
from answerprint.resolve.deliver.user_state import (
    PAGE,
    UserState,
    clear_up,
    read_user_state,
    restore_user_state,
    work_folder,
)
from answerprint.resolve.errors import ResolveError

__all__ = ["Probe", "WrongFileError", "differences", "render_through", "rendered_movie"]

Probe = Callable[[Path], MediaInfo]
"""Probes a file or sequence. Raises InputError."""


class WrongFileError(ResolveError):
    """The rendered file differs from the order."""

    code = "wrong_render"


def rendered_movie(work: Path) -> Path:
    """The movie, or the pattern of the sequence, in the folder of one render. Raises ResolveError."""
    files = sorted(each for each in work.iterdir() if each.is_file() and each.suffix.lower() != ".json")
    images = [each for each in files if each.suffix.lower() in IMAGE_SUFFIXES]
    if images:
        stem = images[0].stem
        digits = len(stem) - len(stem.rstrip("0123456789"))
        return work / f"{stem[: len(stem) - digits]}%0{digits}d{images[0].suffix}" if digits else images[0]
    if len(files) != 1:
        raise WrongFileError(f"Resolve wrote {len(files)} files into {work} instead of one.", "Try again.")
    return files[0]


def differences(path: Path, scratch: ScratchTimeline, probe: Probe) -> tuple[MediaInfo | None, list[str]]:
    """The probed file, None if it cannot be probed, and its differences from the order, in words."""
    try:
        facts = probe(path)
    except InputError as error:
        return None, [f"the file is not readable ({error.message})"]
    found: list[str] = []
    if facts.frames != scratch.frames:
        found.append(f"{facts.frames} frames instead of {scratch.frames}")
    if (facts.width, facts.height) != scratch.size:
        found.append(f"{facts.width}x{facts.height} instead of {scratch.size[0]}x{scratch.size[1]}")
    if facts.rate != scratch.rate and not facts.rate_is_assumed:
        found.append(f"{float(facts.rate):.5g} frames per second instead of {float(scratch.rate):.5g}")
    if facts.start_timecode and facts.start_timecode != scratch.start_timecode:
        found.append(f"start timecode {facts.start_timecode} instead of {scratch.start_timecode}")
    return facts, found


def render_through(
    resolve: Resolve,
    timeline: Timeline,
    item: TimelineItem,
    order: RenderOrder,
    probe: Probe,
    steering: Steering | None = None,
) -> RenderedFile:
    """Render an item's source, or its graded picture, into a file, and check the file.

    Resolve is busy meanwhile. However the render ends, the user's state is restored, or, if Resolve hangs or quits,
    kept on disk for `clear_up`. The user's render jobs are never touched. Raises ResolveError (WrongFileError if the
    file differs from the order; the file is kept), EditionError, InputError, OutputError and CancelledError.
    """
    steering = steering or Steering()
    project = resolve.project()
    if project.rendering():
        raise ResolveError("Resolve is rendering.", "Wait until the render is done, or stop it, and try again.")
    if left := clear_up(resolve, order.folder, steering, project.id()):
        raise ResolveError(f"An earlier render is not cleaned up. {left[0]}", "Correct this in Resolve, and try again.")
    token = secrets.token_hex(4)
    try:
        work = work_folder(order.folder, token)
        kept = read_user_state(resolve, project, work, token)
        kept.write()
    except OSError as error:
        raise OutputError(
            f"{order.folder} is not writable ({error.strerror}).", "Choose another folder with --folder."
        ) from error
    try:
        made = _rendered(resolve, project, timeline, item, order, kept, probe, steering)
    except BaseException:
        # The first error is the one to report. What cannot be restored now stays on disk for `clear_up`.
        with contextlib.suppress(ResolveError):
            restore_user_state(resolve, kept, steering)
        with contextlib.suppress(OSError):
            _tidy(work)
        raise
    return replace(made, left=tuple(restore_user_state(resolve, kept, steering)))


def _rendered(
    resolve: Resolve,
    project: Project,
    timeline: Timeline,
    item: TimelineItem,
    order: RenderOrder,
    kept: UserState,
    probe: Probe,
    steering: Steering,
) -> RenderedFile:
    if not project.save_preset(kept.preset) or kept.preset not in project.presets():
        raise ResolveError("Resolve did not save the render settings as a preset.", "Check Resolve's Deliver page.")
    steering.check()
    scratch = scratch_for(project, timeline, item, order, kept)
    check_edition(resolve.product(), scratch.size)
    resolve.open_page(PAGE)
    # Versions differ in what a range counts from, and only the file tells.
    attempts = (False,) if scratch.whole or not scratch.offset else (False, True)
    for relative in attempts:
        set_up(project, scratch, order, kept, relative)
        steering.check()
        try:
            run_job(project, add_job(project), steering)
            return _checked(Path(kept.work), scratch, order, probe)
        except (FailedRenderError, WrongFileError):
            if relative == attempts[-1]:
                raise
    raise ResolveError("Resolve rendered nothing.", "Try again.")


def _checked(work: Path, scratch: ScratchTimeline, order: RenderOrder, probe: Probe) -> RenderedFile:
    """The file, if it matches the order. Otherwise move it aside and raise WrongFileError."""
    path = rendered_movie(work)
    facts, wrong = differences(path, scratch, probe)
    if facts is None or wrong:
        raise WrongFileError(
            f"Resolve's render differs from the order: {', '.join(wrong)}. It is kept as {_aside(path)}.",
            "Render the clip on Resolve's Deliver page, and restore the file.",
        )
    named = path.with_name(f"{file_name(order.name)}{path.suffix}")
    if path.is_file() and path != named:  # a version that ignores CustomName
        path.replace(named)
        path, facts = named, probe(named)
    return RenderedFile(path, order.form, scratch.source, scratch.frames, scratch.rate, scratch.start_timecode, facts)


def _aside(path: Path) -> Path:
    """Move the files of a render aside, so that another attempt has an empty folder; returns the new path."""
    aside = path.parent / "not as asked for"
    aside.mkdir(exist_ok=True)
    for each in sorted(path.parent.glob(f"*{path.suffix}")):
        each.replace(aside / each.name)
    return aside / path.name


def _tidy(work: Path) -> None:
    """Delete the files of a failed render, unless its state is still to be restored."""
    if any(work.glob("*.json")):
        return
    for each in work.iterdir():
        if each.is_file():
            each.unlink()
    if not any(work.iterdir()):
        work.rmdir()
