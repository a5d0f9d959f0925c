"""The project on disk, where it has a name: what is not saved is lost when Resolve ends."""

from __future__ import annotations

from ..api import Project, Resolve
from .outcome import Steps

__all__ = ["save"]

_NAMELESS = ("", "Untitled Project")
"""Saving one of these asks for a name, or never comes back."""


def save(resolve: Resolve, project: Project, steps: Steps) -> bool:
    """Whether Resolve confirms that the project was saved."""
    if project.name() in _NAMELESS:
        steps.warn("save", "The project has no name yet, so it was not saved: save it in Resolve.")
        return False
    if not resolve.save_project():
        steps.warn("save", "Resolve did not save the project: save it there.")
        return False
    return True
