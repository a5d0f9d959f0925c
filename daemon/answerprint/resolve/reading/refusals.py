"""Why something on a timeline is not restored, as data: one refusal does not end the others' work."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """code: for programs. reason, remedy: a line each, for people.

    renderable: whether what is seen could be restored after all once Resolve has rendered it to a file.

    Codes: no_clip, transition, compound, offline, audio, unreadable (of the medium); hollow, unknown, disagree, outside
    (of where the item lies in it); frames, attribute (of what Resolve and the file say of one another); restored (it is
    our own work).
    """

    code: str
    reason: str
    remedy: str = ""
    renderable: bool = False

    def __str__(self) -> str:
        return f"{self.reason} {self.remedy}".strip()
