"""What became of a clip, step by step, for the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back.placement import Mode

__all__ = ["Outcome", "PlacementError", "Report", "State", "Step"]

State = Literal["put", "already", "removed", "undone", "nothing", "failed"]


class PlacementError(ResolveError):
    """A clip cannot be put where it was asked for, and nothing is left there; the media pool is what remains."""

    code = "not_placed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, or could not be: `ok` False is a warning."""

    what: str
    text: str
    ok: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job's clip was put back or taken out.

    state: put (done now), already (found in the project as it should be), removed (the user took it out, so it was left
    out), undone (taken out now), nothing (there was nothing to take out), failed (see `steps`, and try again).
    asked, did: modes; did is None where nothing is in the project. clip, item: Resolve's ids, "" for none. saved:
    whether Resolve confirmed that the project with it is on disk. path: the restored file, which always stays.
    """

    job: str
    path: str
    state: State
    asked: Mode
    did: Mode | None = None
    steps: tuple[Step, ...] = ()
    clip: str = ""
    item: str = ""
    saved: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What did not go as asked, a sentence each."""
        return tuple(step.text for step in self.steps if not step.ok)

    @classmethod
    def failure(cls, job: str, path: str, asked: Mode, text: str, steps: tuple[Step, ...] = ()) -> Outcome:
        """For a clip that could not be put back. text: what happened, and the remedy. steps: what was done before."""
        return cls(job, path, "failed", asked, None, (*steps, Step("failed", text, ok=False)))

    def to_json(self) -> dict[str, object]:
        """As one object of a report."""
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
    """Steps as they are taken; what was done before an error stays readable."""

    taken: list[Step] = field(default_factory=list)

    def say(self, what: str, text: str) -> None:
        """Something was done."""
        self.taken.append(Step(what, text))

    def warn(self, what: str, text: str) -> None:
        """Something could not be done, or not as asked."""
        self.taken.append(Step(what, text, ok=False))
