"""Render through Resolve, and leave Resolve as it was.

The file that Resolve rendered, looked at without asking Resolve.
"""

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
"""Looks into a file or sequence. Raises InputError."""


class WrongFileError(ResolveError):
    """The file is not what was asked for."""

    code = "wrong_render"


def rendered_movie(work: Path) -> Path:
    """The movie in a folder that only one render writes to, or the pattern of its pictures. Raises ResolveError."""
    files = sorted(each for each in work.iterdir() if each.is_file() and each.suffix.lower() != ".json")
    pictures = [each for each in files if each.suffix.lower() in IMAGE_SUFFIXES]
    if pictures:
        stem = pictures[0].stem
        digits = len(stem) - len(stem.rstrip("0123456789"))
        return work / f"{stem[: len(stem) - digits]}%0{digits}d{pictures[0].suffix}" if digits else pictures[0]
    if len(files) != 1:
        raise WrongFileError(f"Resolve wrote {len(files)} files into {work} instead of one.", "Try again.")
    return files[0]


def differences(path: Path, scratch: ScratchTimeline, probe: Probe) -> tuple[MediaInfo | None, list[str]]:
    """What of a file is not as asked for, in words."""
    try:
        facts = probe(path)
    except InputError as error:
        return None, [f"it cannot be read ({error.message})"]
    found: list[str] = []
    if facts.frames != scratch.frames:
        found.append(f"{facts.frames} frames instead of {scratch.frames}")
    if (facts.width, facts.height) != scratch.size:
        found.append(f"{facts.width}x{facts.height} instead of {scratch.size[0]}x{scratch.size[1]}")
    if facts.rate != scratch.rate and not facts.rate_is_assumed:
        found.append(f"{float(facts.rate):.5g} frames per second instead of {float(scratch.rate):.5g}")
    if facts.start_timecode and facts.start_timecode != scratch.start_timecode:
        found.append(f"it begins at {facts.start_timecode} instead of {scratch.start_timecode}")
    return facts, found


def render_through(
    resolve: Resolve,
    timeline: Timeline,
    item: TimelineItem,
    order: RenderOrder,
    probe: Probe,
    steering: Steering | None = None,
) -> RenderedFile:
    """Render an item's source, or what is seen of it, into a file that is then checked.

    Resolve is blocked for its user meanwhile. However it ends, all of theirs is put back, or, where Resolve hangs or
    goes away, kept for `clear_up`. Jobs in their queue are never touched. Raises ResolveError (WrongFileError for
    a file that is not as asked for, which stays), EditionError, InputError, OutputError and CancelledError.
    """
    steering = steering or Steering()
    project = resolve.project()
    if project.rendering():
        raise ResolveError("Resolve renders at the moment.", "Wait until it is done, or stop it, and try again.")
    if left := clear_up(resolve, order.folder, steering, project.id()):
        raise ResolveError(f"An earlier render is not cleared up. {left[0]}", "Put it right in Resolve, and try again.")
    token = secrets.token_hex(4)
    try:
        work = work_folder(order.folder, token)
        kept = read_user_state(resolve, project, work, token)
        kept.write()
    except OSError as error:
        raise OutputError(f"{order.folder} cannot be written ({error.strerror}).", "Name another folder.") from error
    try:
        made = _rendered(resolve, project, timeline, item, order, kept, probe, steering)
    except BaseException:
        # The first error is the one to tell; what cannot be put back now is kept for later.
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
        raise ResolveError("Resolve does not keep its render settings as a preset.", "Look at its Deliver page.")
    steering.check()
    scratch = scratch_for(project, timeline, item, order, kept)
    check_edition(resolve.product(), scratch.size)
    resolve.open_page(PAGE)
    # What a range counts from is told by the file alone: versions differ.
    ways = (False,) if scratch.whole or not scratch.offset else (False, True)
    for relative in ways:
        set_up(project, scratch, order, kept, relative)
        steering.check()
        try:
            run_job(project, add_job(project), steering)
            return _checked(Path(kept.work), scratch, order, probe)
        except (FailedRenderError, WrongFileError):
            if relative == ways[-1]:
                raise
    raise ResolveError("Resolve rendered nothing.", "Try again.")


def _checked(work: Path, scratch: ScratchTimeline, order: RenderOrder, probe: Probe) -> RenderedFile:
    """The file, if it is as asked for. Raises WrongFileError, and keeps it out of the way of another try."""
    path = rendered_movie(work)
    facts, wrong = differences(path, scratch, probe)
    if facts is None or wrong:
        raise WrongFileError(
            f"What Resolve rendered is not what was asked for: {', '.join(wrong)}. It is kept as {_aside(path)}.",
            "Render the clip on Resolve's Deliver page, and restore the file.",
        )
    named = path.with_name(f"{file_name(order.name)}{path.suffix}")
    if path.is_file() and path != named:  # a version that takes no name for it
        path.replace(named)
        path, facts = named, probe(named)
    return RenderedFile(path, order.form, scratch.source, scratch.frames, scratch.rate, scratch.start_timecode, facts)


def _aside(path: Path) -> Path:
    """Out of the way of another try, for a person to look at."""
    aside = path.parent / "not as asked for"
    aside.mkdir(exist_ok=True)
    for each in sorted(path.parent.glob(f"*{path.suffix}")):
        each.replace(aside / each.name)
    return aside / path.name


def _tidy(work: Path) -> None:
    """Remove what a render began that came to nothing, once Resolve writes to it no more."""
    if any(work.glob("*.json")):
        return
    for each in work.iterdir():
        if each.is_file():
            each.unlink()
    if not any(work.iterdir()):
        work.rmdir()
