"""Render through Resolve, and leave Resolve as it was."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from pathlib import Path

from ...errors import OutputError
from ..api import Item, Project, Resolve, Timeline
from ..errors import ResolveError
from .checking import Probe, WrongFileError, differences, rendered
from .deliver import FailedRenderError, add_job, check_edition, file_name, run_job, set_up
from .kept import PAGE, Kept, look, work_folder
from .order import RenderedFile, RenderOrder, Steering
from .putting_back import clear_up, put_back
from .scratch import Scratch, scratch_for

__all__ = ["render_through"]


def render_through(
    resolve: Resolve,
    timeline: Timeline,
    item: Item,
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
        kept = look(resolve, project, work, token)
        kept.write()
    except OSError as error:
        raise OutputError(f"{order.folder} cannot be written ({error.strerror}).", "Name another folder.") from error
    try:
        made = _rendered(resolve, project, timeline, item, order, kept, probe, steering)
    except BaseException:
        # The first error is the one to tell; what cannot be put back now is kept for later.
        with contextlib.suppress(ResolveError):
            put_back(resolve, kept, steering)
        with contextlib.suppress(OSError):
            _tidy(work)
        raise
    return replace(made, left=tuple(put_back(resolve, kept, steering)))


def _rendered(
    resolve: Resolve,
    project: Project,
    timeline: Timeline,
    item: Item,
    order: RenderOrder,
    kept: Kept,
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


def _checked(work: Path, scratch: Scratch, order: RenderOrder, probe: Probe) -> RenderedFile:
    """The file, if it is as asked for. Raises WrongFileError, and keeps it out of the way of another try."""
    path = rendered(work)
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
