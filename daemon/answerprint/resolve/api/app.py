"""Resolve itself."""

from __future__ import annotations

from answerprint.resolve.api.project import Project
from answerprint.resolve.api.values import Handle, numbers
from answerprint.resolve.bridge.bridge import Remote
from answerprint.resolve.errors import NoAnswerError, NoResolveError, ResolveError

__all__ = ["Resolve"]


class Resolve(Handle):
    """The running program."""

    def product(self) -> str:
        """`DaVinci Resolve`, or `DaVinci Resolve Studio`."""
        return self.text("GetProductName")

    def version(self) -> tuple[int, ...]:
        """Major, minor, patch; () where it does not say."""
        answer = self.ask("GetVersion")
        return tuple(round(each) for each in numbers(answer)[:3])

    def page(self) -> str:
        """The page that is open: media, cut, edit, fusion, color, fairlight, deliver."""
        return self.text("GetCurrentPage")

    def open_page(self, page: str) -> bool:
        """Go to a page."""
        return self.done("OpenPage", page)

    def project(self) -> Project:
        """The open project. Raises ResolveError where there is none, NoResolveError where Resolve has ended."""
        project = self._manager().found("GetCurrentProject")
        if project is None:
            raise ResolveError("No project is open in Resolve.", "Open the project that holds the clips.")
        return Project(project)

    def save_project(self) -> bool:
        """Save the open project; never on one without a name, where the call blocks."""
        return self._manager().done("SaveProject", seconds=120.0)

    def _manager(self) -> Handle:
        answer = self.ask("GetProjectManager")
        if answer is None:  # as long as it runs it has one; behind a dialog it says False
            raise NoResolveError(
                "Resolve went away.", "Start it, and use Bring Back Finished: no restored frame is lost."
            )
        if not isinstance(answer, Remote):
            raise NoAnswerError("GetProjectManager")
        return Handle(answer)
