"""A fake DaVinci Resolve, which other processes reach like the real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

from answerprint.resolve.bridge.bridge import Bridge
from fakes.resolve.app import Resolve
from fakes.resolve.gate import Gate
from fakes.resolve.in_process import InProcessBridge
from fakes.resolve.project import Project
from fakes.resolve.quirks import Quirks
from fakes.resolve.scripts import Run, Script
from fakes.resolve.server import Server
from fakes.resolve.snapshot import Snapshot
from fakes.resolve.times import rate_of
from fakes.resolve.toolkit import Steps
from fakes.resolve.user_actions import UserActions
from fakes.resolve.world import Edition, World

__all__ = ["FakeResolve"]

_HERE = Path(__file__).resolve().parent


class FakeResolve(UserActions):
    """edition, version: what it reports, which decides what it offers. project: name of the open project.

    Builders (`add_...`, `Timeline.place`...) stand for the user; `shown` is the oracle; `violations` must stay empty.
    """

    def __init__(
        self,
        edition: Edition = "studio",
        version: tuple[int, ...] = (21, 0, 4),
        quirks: Quirks | None = None,
        project: str = "Film",
        rate: str | float | Fraction = 24,
    ) -> None:
        self.world = World(edition, version, quirks or Quirks())
        self.gate = Gate(self.world, self.quit)
        self.world.block, self.world.quit, self.world.save = self.gate.block, self.quit, self.save
        self.world.render = self._render
        self.world.render_goes.set()
        self.world.project = Project(self.world, project, rate_of(rate), "DF" in str(rate))
        self.application = Resolve(self.world)
        self._server = Server(self.world, lambda: self.application, self._gated)
        self._saved: Snapshot | None = None
        self._ends: list[Callable[[], None]] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything it started."""
        self._stop_rendering()
        self.world.render_goes.set()
        self.gate.close()
        for end in reversed(self._ends):
            end()
        self._ends.clear()
        self._server.close()
        for thread in self._threads:
            thread.join(30)

    # What is there now

    @property
    def violations(self) -> list[str]:
        """Calls that Resolve's documentation does not allow."""
        return self.world.violations

    @property
    def dialog(self) -> bool:
        """Whether a dialog is open that blocks scripts until the user closes it."""
        return self.world.modal

    def state(self) -> Snapshot:
        """A snapshot of the project; equal to another one if nothing changed, or all changes were undone."""
        with self.world.lock:
            return Snapshot(self.world.project)

    @property
    def calls(self) -> list[str]:
        """Class.Method of every call so far."""
        return self.world.calls

    @property
    def seconds(self) -> float:
        """Processor time of the fake for these calls, such as for probing imported files."""
        return self._server.seconds

    # Events

    def hang(self, what: str) -> None:
        """Make calls of Class.Method hang until released."""
        self.gate.hang(what)

    def release(self, what: str | None = None) -> None:
        """Release calls of it, or all calls."""
        self.gate.release(what)

    def quit_at(self, number: int, when: Literal["before", "after"] = "before") -> None:
        """Quit at the call with that number from now, 1 being the next: before or after it takes effect."""
        self.gate.quit_at(number, when)

    def quit_on(self, what: str, when: Literal["before", "after"] = "before") -> None:
        """Quit at the next call of Class.Method: before or after it takes effect."""
        self.gate.quit_on(what, when)

    def set_quirks(self, quirks: Quirks) -> None:
        """Use these quirks from now on."""
        self.world.quirks = quirks

    def answer_windows(self, *people: Steps) -> None:
        """The user's actions in each window that a menu script opens, in turn; without them there are no windows."""
        self.world.people = list(people)

    def save(self) -> None:
        """Save the project."""
        with self.world.lock:
            self._saved = Snapshot(self.project)

    def quit(self) -> None:
        """Quit Resolve; objects that scripts hold are lost."""
        self.world.running = False
        self.world.session += 1
        self._stop_rendering()
        self.gate.wake()

    def restart(self) -> None:
        """Start Resolve again with the project as saved, or as before the first call."""
        if self.world.running:
            self.quit()
        with self.world.lock:
            if self._saved is not None and self.world.quirks.restart_loses_unsaved:
                self._saved.restore()
            self.world.page, self.world.modal = "edit", False
            self.world.attempts.clear()
            self.world.running = True

    def close_dialog(self) -> None:
        """Close the open dialog."""
        self.world.modal = False

    def pause_rendering(self) -> None:
        """Pause renders after their next frame."""
        self.world.render_goes.clear()

    def resume_rendering(self) -> None:
        """Resume renders."""
        self.world.render_goes.set()

    def fail_rendering(self, error: str) -> None:
        """Make render jobs fail with this text; "" makes them work again."""
        self.world.render_failure = error

    def wait_for_rendering(self, seconds: float = 60.0) -> None:
        """Wait until no render is running."""
        for thread in self._threads:
            thread.join(seconds)

    # How it is reached

    @contextmanager
    def serving(self) -> Iterator[dict[str, str]]:
        """Accept other processes; yields the environment variables that they need."""
        yield {
            "RESOLVE_SCRIPT_API": str(_HERE / "api"),
            "RESOLVE_SCRIPT_LIB": str(_HERE / "api" / "none.so"),
            "FAKE_RESOLVE": self._server.start(),
        }

    def bridge(self) -> Bridge:
        """A bridge in this process: the bridge's program in a thread, with the objects that other processes see."""
        made = InProcessBridge(self._server)
        self._ends.append(made.close)
        return made.bridge

    def start_script(self, path: Path | str, environ: dict[str, str] | None = None, python: str = "") -> Script:
        """Start a menu script as Resolve does."""
        with self.serving() as variables:
            script = Script(
                self.world, path, variables | {"FAKE_RESOLVE_INSIDE": self._server.password}, environ, python
            )
        self._ends.append(script.close)
        return script

    def run_script(
        self, path: Path | str, timeout: float = 60.0, environ: dict[str, str] | None = None, python: str = ""
    ) -> Run:
        """Run a menu script as Resolve does; returns its exit code and output. Raises TimeoutExpired."""
        return self.start_script(path, environ, python).wait(timeout)

    def _gated(self, when: str, what: str) -> None:
        if self._saved is None and self.world.project is not None:
            self.save()
        self.gate(when, what)

    def _stop_rendering(self) -> None:
        for job in self.world.project.jobs if self.world.project else []:
            job.stop.set()

    def _render(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="rendering", daemon=True)
        self._threads.append(thread)
        thread.start()
