"""Resolve is left as it was found: page, timeline and bin of the person who works in it.

The project on disk, where it has a name: what is not saved is lost when Resolve ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from answerprint.resolve.api import Folder, Project, Resolve, Timeline, TimelineItem
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.outcome import Report

__all__ = ["delete_items", "on_page", "open_now", "preserve_ui_state", "save"]

_DELETE_TRIES = 2  # the first one may fail for no reason


@contextmanager
def preserve_ui_state(resolve: Resolve, project: Project, steps: Report) -> Iterator[None]:
    """Whatever happens in the block, the open timeline, bin and page are opened again after it, as far as can be."""
    page = resolve.page()
    folder = project.pool().folder()
    timeline = open_now(project)
    try:
        yield
    except BaseException:
        _reopen(resolve, project, timeline, folder, page, Report())  # the first error is the one to tell
        raise
    _reopen(resolve, project, timeline, folder, page, steps)


def open_now(project: Project) -> Timeline | None:
    """The open timeline, None where there is none."""
    found = project.found("GetCurrentTimeline")
    return None if found is None else Timeline(found)


@contextmanager
def on_page(resolve: Resolve, page: str) -> Iterator[None]:
    """The block runs on that page. Raises ResolveError where it cannot be opened."""
    before = resolve.page()
    if before != page and not resolve.open_page(page):
        raise ResolveError(f"Resolve does not open its {page} page.", "Close what is open in Resolve, and try again.")
    try:
        yield
    finally:
        if before and before != page:
            resolve.open_page(before)


def delete_items(resolve: Resolve, timeline: Timeline, track: int, items: list[TimelineItem]) -> bool:
    """Remove items of a video track of the open timeline and leave gaps; whether they are gone."""
    ids = {item.id() for item in items}
    with on_page(resolve, "edit"):
        for _ in range(_DELETE_TRIES):
            left = [item for item in timeline.items(track) if item.id() in ids]
            if not left:
                return True
            timeline.delete_items(left)
        return not any(item.id() in ids for item in timeline.items(track))


def _reopen(
    resolve: Resolve, project: Project, timeline: Timeline | None, folder: Folder | None, page: str, steps: Report
) -> None:
    try:
        now = open_now(project)
        if timeline is not None and (now is None or now.id() != timeline.id()) and not project.open_timeline(timeline):
            steps.warn("as found", f"The timeline {timeline.name()} could not be opened again.")
        pool = project.pool()
        here = pool.folder()
        if folder is not None and (here is None or here.id() != folder.id()) and not pool.open_folder(folder):
            steps.warn("as found", f"The bin {folder.name()} could not be opened again.")
        if page and resolve.page() != page and not resolve.open_page(page):
            steps.warn("as found", f"The {page} page could not be opened again.")
    except ResolveError as error:
        steps.warn("as found", f"The timeline, bin or page could not be opened again ({error.message})")


_NAMELESS = ("", "Untitled Project")
"""Saving one of these asks for a name, or never comes back."""


def save(resolve: Resolve, project: Project, steps: Report) -> bool:
    """Whether Resolve confirms that the project was saved."""
    if project.name() in _NAMELESS:
        steps.warn("save", "The project has no name yet, so it was not saved: save it in Resolve.")
        return False
    if not resolve.save_project():
        steps.warn("save", "Resolve did not save the project: save it there.")
        return False
    return True
