"""What is known of one key of the OpenFX node: the last questions, where the playhead goes, and what was answered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from answerprint.ofx.protocol import AskFlag, AskKind, HostQuestion, StatusFile

__all__ = ["NodeKey"]

_FARTHEST = 48
"""Frames ahead of the playhead that are made."""
_BATCH_PIXELS = 16 << 20
_FASTEST = 4


@dataclass(slots=True)
class NodeKey:
    """Only the newest question of each kind counts.

    question, restore: not answered yet. last: the latest about a frame. samples: the latest with samples that no fit
    has been tried on. step: frames from question to question, 0 while the playhead jumps. fits, residual, origin: what
    the media child found. refused: why the host's picture is not the frame. failed: why frames could not be made, or a
    restoration was refused. shown: the job that answered last. asked: when, by the loop's clock.
    """

    question: HostQuestion | None = None
    restore: HostQuestion | None = None
    last: HostQuestion | None = None
    samples: HostQuestion | None = None
    tried: str = ""
    step: int = 1
    fits: int = 0
    place: int = 0
    residual: float = 0.0
    origin: int | None = None
    refused: str = ""
    failed: str = ""
    denied: str = ""
    missed_there: bool = False
    shown: str = ""
    asked: float = 0.0
    busy: bool = False
    written: StatusFile | None = None

    def take(self, question: HostQuestion, now: float) -> None:
        """Note a question."""
        self.asked = now
        if question.kind is AskKind.RESTORE:
            self.restore = question
            return
        if self.last is not None and question.frame != self.last.frame:
            distance = question.frame - self.last.frame
            self.step = (1 if distance > 0 else -1) if abs(distance) <= _FASTEST else 0
        self.last = self.question = question
        if question.flags & AskFlag.SAMPLES:
            self.samples = question

    @property
    def waiting(self) -> bool:
        """Whether there is something to answer that nobody answers yet."""
        return not self.busy and (self.question is not None or self.restore is not None)

    def new_samples(self) -> HostQuestion | None:
        """The samples that have not been tried, once."""
        question, self.samples = self.samples, None
        if question is None:
            return None
        digest = hashlib.sha256(b"%d " % question.frame + question.samples).hexdigest()
        if digest == self.tried:
            return None
        self.tried = digest
        return question

    def wanted(self, frame: int) -> list[int]:
        """Frames to have, the most urgent first: this one, and those that come next."""
        ahead = range(1, _FARTHEST + 1)
        if self.step:
            return [frame, *(frame + self.step * each for each in ahead)]
        return [frame, *(frame + each for each in range(1, 5))]

    def batch(self, pixels: int) -> int:
        """How many frames to make at a time, of pictures of so many pixels."""
        return max(1, min(8, _BATCH_PIXELS // max(pixels, 1)))
