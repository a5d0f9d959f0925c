"""Resolve itself."""

from __future__ import annotations

from answerprint.resolve.api.project import Project
from answerprint.resolve.api.values import Handle, numbers
from answerprint.resolve.bridge.bridge import Remote, connection_lost
from answerprint.resolve.errors import NoAnswerError, ResolveError

__all__ = ["Resolve"]


class Resolve(Handle):
    """The running program."""

    def product(self) -> str:
        """`DaVinci Resolve`, or `DaVinci Resolve Studio`."""
        return self.text("GetProductName")

    def version(self) -> tuple[int, ...]:
        """Major, minor, patch; () if unknown."""
        answer = self.ask("GetVersion")
        return tuple(round(each) for each in numbers(answer)[:3])

    def page(self) -> str:
        """The page that is open: media, cut, edit, fusion, color, fairlight, deliver."""
        return self.text("GetCurrentPage")

    def open_page(self, page: str) -> bool:
        """Open a page."""
        return self.done("OpenPage", page)

    def project(self) -> Project:
        """The open project. Raises ResolveError if there is none, NoResolveError if Resolve has quit."""
        project = self._manager().found("GetCurrentProject")
        if project is None:
            raise ResolveError("No project is open in Resolve.", "Open the project that holds the clips.")
        return Project(project)

    def save_project(self) -> bool:
        """Save the open project. Never call this on a project without a name: the call blocks."""
        return self._manager().done("SaveProject", seconds=120.0)

    def _manager(self) -> Handle:
        answer = self.ask("GetProjectManager")
        if answer is None:  # a running Resolve has one, and returns False behind a dialog
            raise connection_lost()
        if not isinstance(answer, Remote):
            raise NoAnswerError("GetProjectManager")
        return Handle(answer)
