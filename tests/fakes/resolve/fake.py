"""A Resolve for tests, which other processes reach as they would a real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Literal, Self

from answerprint.resolve.bridge.bridge import Bridge
from fakes.resolve.app import Resolve
from fakes.resolve.desk import Desk
from fakes.resolve.gate import Gate
from fakes.resolve.inside import InProcess
from fakes.resolve.project import Project
from fakes.resolve.quirks import Quirks
from fakes.resolve.scripts import Run, Script
from fakes.resolve.server import Server
from fakes.resolve.snapshot import Snapshot
from fakes.resolve.times import rate_of
from fakes.resolve.toolkit import Steps
from fakes.resolve.world import Edition, World

__all__ = ["FakeResolve"]

_HERE = Path(__file__).resolve().parent


class FakeResolve(Desk):
    """edition, version: what it claims to be, which decides what it offers. project: name of the open project.

    Builders (`add_...`, `Timeline.place`...) are the user's hands; `shown` is the oracle; `violations` must stay empty.
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
        """Calls that the documentation does not allow."""
        return self.world.violations

    @property
    def dialog(self) -> bool:
        """Whether a dialog is open that keeps scripts out until somebody clicks."""
        return self.world.modal

    def state(self) -> Snapshot:
        """All that the project is now: equal to another one as long as nothing was changed, or all of it back."""
        with self.world.lock:
            return Snapshot(self.world.project)

    @property
    def calls(self) -> list[str]:
        """Class.Method of every call so far."""
        return self.world.calls

    @property
    def seconds(self) -> float:
        """Processor time that it took for these calls itself, such as to look at the files that it imports."""
        return self._server.seconds

    # What happens to it

    def hang(self, what: str) -> None:
        """Let no call of Class.Method come back until it is released."""
        self.gate.hang(what)

    def release(self, what: str | None = None) -> None:
        """Let calls of it, or of everything, go on."""
        self.gate.release(what)

    def quit_at(self, number: int, when: Literal["before", "after"] = "before") -> None:
        """Quit at the call with that number from now, 1 being the next: before or after it takes effect."""
        self.gate.quit_at(number, when)

    def quit_on(self, what: str, when: Literal["before", "after"] = "before") -> None:
        """Quit at the next call of Class.Method: before or after it takes effect."""
        self.gate.quit_on(what, when)

    def behave(self, quirks: Quirks) -> None:
        """Misbehave like this from now on."""
        self.world.quirks = quirks

    def answer_windows(self, *people: Steps) -> None:
        """What is done in each window that a script of the menu opens, in turn; without, there are no windows."""
        self.world.people = list(people)

    def save(self) -> None:
        """Save the project."""
        with self.world.lock:
            self._saved = Snapshot(self.project)

    def quit(self) -> None:
        """End it; objects that scripts hold are lost."""
        self.world.running = False
        self.world.session += 1
        self._stop_rendering()
        self.gate.wake()

    def restart(self) -> None:
        """Start it again with the project as it was saved, or as it was before the first call."""
        if self.world.running:
            self.quit()
        with self.world.lock:
            if self._saved is not None and self.world.quirks.restart_loses_unsaved:
                self._saved.restore()
            self.world.page, self.world.modal = "edit", False
            self.world.attempts.clear()
            self.world.running = True

    def click(self) -> None:
        """Close the dialog that is open."""
        self.world.modal = False

    def hold_rendering(self) -> None:
        """Let renders stand still after their next frame."""
        self.world.render_goes.clear()

    def go_on_rendering(self) -> None:
        """Let them go on."""
        self.world.render_goes.set()

    def fail_rendering(self, error: str) -> None:
        """Let jobs fail with this text from now on; "" lets them work again."""
        self.world.render_failure = error

    def wait_for_rendering(self, seconds: float = 60.0) -> None:
        """Return when nothing is rendered."""
        for thread in self._threads:
            thread.join(seconds)

    # How it is reached

    @contextmanager
    def serving(self) -> Iterator[dict[str, str]]:
        """Let other processes in; gives the variables that they need."""
        yield {
            "RESOLVE_SCRIPT_API": str(_HERE / "api"),
            "RESOLVE_SCRIPT_LIB": str(_HERE / "api" / "none.so"),
            "FAKE_RESOLVE": self._server.start(),
        }

    def bridge(self) -> Bridge:
        """A bridge in this process: the bridge's own program in a thread, on the same objects as other processes."""
        made = InProcess(self._server)
        self._ends.append(made.close)
        return made.bridge

    def start_script(self, path: Path | str, environ: dict[str, str] | None = None, python: str = "") -> Script:
        """Run a menu script as Resolve does, and do not wait for it."""
        with self.serving() as variables:
            script = Script(
                self.world, path, variables | {"FAKE_RESOLVE_INSIDE": self._server.password}, environ, python
            )
        self._ends.append(script.close)
        return script

    def run_script(
        self, path: Path | str, timeout: float = 60.0, environ: dict[str, str] | None = None, python: str = ""
    ) -> Run:
        """Run a menu script as Resolve does; its exit code and all it printed. Raises TimeoutExpired."""
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
