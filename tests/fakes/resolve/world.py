"""What all objects of one running Resolve share."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fakes.resolve.quirks import Quirks
from fakes.resolve.toolkit import Steps

if TYPE_CHECKING:
    from fakes.resolve.project import Project

__all__ = ["Edition", "World"]

Edition = Literal["free", "studio"]


@dataclass(slots=True)
class World:
    """The state of the program that is not the project's. Not kept over a restart."""

    edition: Edition
    version: tuple[int, ...]
    quirks: Quirks
    violations: list[str] = field(default_factory=list)
    """What was called in a way that Resolve's documentation does not allow."""
    calls: list[str] = field(default_factory=list)
    """Class.Method, in order."""
    page: str = "edit"
    modal: bool = False
    """A dialog is open."""
    running: bool = True
    session: int = 1
    lock: threading.RLock = field(default_factory=threading.RLock)
    project: Project | None = None
    presets: dict[str, dict[str, object]] = field(default_factory=dict)
    """Render presets by name; they are the user's, not the project's."""
    attempts: set[object] = field(default_factory=set)
    """What fails the first time and was tried."""
    prefs: dict[str, object] = field(default_factory=dict)
    people: list[Steps] = field(default_factory=list)
    """What is done in each window that a script opens, in turn."""
    serial: int = 0
    render_failure: str = ""
    """What all render jobs fail with."""
    render_goes: threading.Event = field(default_factory=threading.Event)
    """Cleared: renders stand still."""
    block: Callable[[], None] = lambda: None
    """Waits until the test lets go, or Resolve quits."""
    quit: Callable[[], None] = lambda: None
    save: Callable[[], None] = lambda: None
    render: Callable[[Callable[[], None]], None] = lambda work: None
    """Does work in a thread of its own."""

    @property
    def free(self) -> bool:
        """Whether this is the free edition."""
        return self.edition == "free"

    def new_id(self) -> str:
        """A unique id, in Resolve's writing."""
        return str(uuid.uuid4())

    def next_serial(self) -> int:
        """1, 2, 3..."""
        self.serial += 1
        return self.serial

    def violated(self, text: str) -> None:
        """Keep what a real Resolve would swallow."""
        self.violations.append(text)
