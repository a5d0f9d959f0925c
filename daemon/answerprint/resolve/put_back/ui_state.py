"""Keeps the user's page, timeline and bin open, deletes items, and saves the project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from answerprint.resolve.api import Folder, Project, Resolve, Timeline, TimelineItem
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.outcome import Report

__all__ = ["delete_items", "on_page", "open_now", "preserve_ui_state", "save"]

_DELETE_TRIES = 2  # the first one may fail without a reason


@contextmanager
def preserve_ui_state(resolve: Resolve, project: Project, report: Report) -> Iterator[None]:
    """After the block, also if it raises, open the timeline, bin and page again that are open now; warn on failure."""
    page = resolve.page()
    folder = project.pool().folder()
    timeline = open_now(project)
    try:
        yield
    except BaseException:
        _reopen(resolve, project, timeline, folder, page, Report())  # the first error is the one to report
        raise
    _reopen(resolve, project, timeline, folder, page, report)


def open_now(project: Project) -> Timeline | None:
    """The open timeline, None if there is none."""
    found = project.found("GetCurrentTimeline")
    return None if found is None else Timeline(found)


@contextmanager
def on_page(resolve: Resolve, page: str) -> Iterator[None]:
    """Run the block on that page. Raises ResolveError if Resolve could not open it."""
    before = resolve.page()
    if before != page and not resolve.open_page(page):
        raise ResolveError(
            f"Resolve could not open its {page} page.", "Close any open dialogs in Resolve, then try again."
        )
    try:
        yield
    finally:
        if before and before != page:
            resolve.open_page(before)


def delete_items(resolve: Resolve, timeline: Timeline, track: int, items: list[TimelineItem]) -> bool:
    """Delete items of a video track of the open timeline and leave gaps; whether they are gone."""
    ids = {item.id() for item in items}
    with on_page(resolve, "edit"):
        for _ in range(_DELETE_TRIES):
            left = [item for item in timeline.items(track) if item.id() in ids]
            if not left:
                return True
            timeline.delete_items(left)
        return not any(item.id() in ids for item in timeline.items(track))


def _reopen(
    resolve: Resolve, project: Project, timeline: Timeline | None, folder: Folder | None, page: str, report: Report
) -> None:
    try:
        now = open_now(project)
        if timeline is not None and (now is None or now.id() != timeline.id()) and not project.open_timeline(timeline):
            report.warn("as found", f"The timeline {timeline.name()} could not be opened again.")
        pool = project.pool()
        here = pool.folder()
        if folder is not None and (here is None or here.id() != folder.id()) and not pool.open_folder(folder):
            report.warn("as found", f"The bin {folder.name()} could not be opened again.")
        if page and resolve.page() != page and not resolve.open_page(page):
            report.warn("as found", f"The {page} page could not be opened again.")
    except ResolveError as error:
        report.warn("as found", f"The timeline, bin or page could not be opened again ({error.message})")


_NAMELESS = ("", "Untitled Project")
"""Saving one of these asks for a name, or never returns."""


def save(resolve: Resolve, project: Project, report: Report) -> bool:
    """Save the project, if it has a name: what is not saved is lost when Resolve quits. Whether Resolve confirms."""
    if project.name() in _NAMELESS:
        report.warn("save", "The project has no name yet and was not saved. Save it in Resolve.")
        return False
    if not resolve.save_project():
        report.warn("save", "Resolve did not save the project. Save it there.")
        return False
    return True
