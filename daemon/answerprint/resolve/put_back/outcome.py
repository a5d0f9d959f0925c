"""What became of a clip, step by step, for the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from answerprint.resolve.errors import ResolveError

__all__ = ["Outcome", "PlacementError", "Report", "State", "Step"]

State = Literal["put", "already", "removed", "undone", "nothing", "failed"]


class PlacementError(ResolveError):
    """A clip cannot go where it was asked to go, and nothing of it is left there; it stays in the media pool."""

    code = "not_placed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, or that failed: `ok` False is a warning."""

    what: str
    text: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job's clip was put back or undone.

    state: put (just now), already (it was in the project), removed (the user removed it, so it was left out), undone
    (removed just now), nothing (there was nothing to undo), failed (see `steps`, and try again). asked, did: names of
    modes; did is None if nothing is in the project. clip, item: Resolve's ids, "" for none. saved: Resolve confirmed
    that it saved the project. path: the restored file, which is always kept.
    """

    job: str
    path: str
    state: State
    asked: str
    did: str | None = None
    steps: tuple[Step, ...] = ()
    clip: str = ""
    item: str = ""
    saved: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for each thing that failed."""
        return tuple(step.text for step in self.steps if not step.ok)

    @classmethod
    def failure(cls, job: str, path: str, asked: str, text: str, steps: tuple[Step, ...] = ()) -> Outcome:
        """A clip that could not be put back. text: what happened, and the remedy. steps: what was done before."""
        return cls(job, path, "failed", asked, None, (*steps, Step("failed", text, ok=False)))

    def to_json(self) -> dict[str, object]:
        """Return one object of a report."""
        return {
            "job": self.job,
            "path": self.path,
            "state": self.state,
            "asked": self.asked,
            "did": self.did,
            "steps": [{"what": each.what, "text": each.text, "ok": each.ok} for each in self.steps],
            "clip": self.clip,
            "item": self.item,
            "saved": self.saved,
        }


@dataclass(slots=True)
class Report:
    """Steps in the order in which they were taken; they stay readable after an error."""

    steps: list[Step] = field(default_factory=list)

    def info(self, what: str, text: str) -> None:
        """Something was done."""
        self.steps.append(Step(what, text))

    def warn(self, what: str, text: str) -> None:
        """Something failed, or was not done as asked."""
        self.steps.append(Step(what, text, ok=False))
