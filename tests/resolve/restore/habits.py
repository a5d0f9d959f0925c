"""An editor's habits: any steps in any order, against a model of what must be there.

`python -m resolve.restoring.habits --sequences 300` tries so many sequences of 8 steps; so does a row of
`make report-reliability`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from answerprint.resolve.conform.selection import SelectionRule
from answerprint.resolve.errors import SelectionError
from answerprint.resolve.put_back import Outcome
from answerprint.resolve.restore.submit import Queued
from fakes.resolve import FakeResolve
from fakes.resolve.item import Item
from media.makers import make_movie
from resolve.restore.editor import FRAMES, Editor, Seen

__all__ = ["STEPS", "Desk", "Step", "steps", "try_sequences"]

Step = tuple[int, int, int, int]
"""Which kind of step, and three numbers that say how, whatever is there by then."""

STEPS = 8
_REGIONS = (0, 60, 120)
"""Where an item of the editor's has its room, from the timeline's start."""
_ROOM = 40
_CUTS = ((20, 32), (40, 50), (20, 32))
"""What they show of the film; the last is a copy of the first."""
_PUT: tuple[str, ...] = ("track", "pool", "track", "take", "track", "pool", "track")
_HANDLES = (0, 2, 2, 4)


@dataclass(slots=True)
class Original:
    """An item of the editor's: record frames from the timeline's start, and the film's frame that the first shows."""

    item: Item
    start: int
    stop: int
    first: int

    def frame(self, record: int) -> int:
        """What is shown there."""
        return self.first + record - self.start

    def overlaps(self, first: int, stop: int) -> bool:
        """Whether any of it lies there."""
        return self.start < stop and first < self.stop


@dataclass(frozen=True, slots=True)
class Placed:
    """What was put back. id: to undo it alone, or all of its job's. original: its number, of an item or a take.

    records: of an item, none for what is in the pool, or a take. first: the film's frame at the first of them.
    """

    id: str
    path: str
    mode: str
    original: int
    records: range = range(0)
    first: int = 0


@dataclass(slots=True)
class Desk:
    """The editor, and the model: what was put back, the last one above all others."""

    editor: Editor
    originals: list[Original]
    placed: list[Placed] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """The steps so far, for the report of a surprise."""

    @classmethod
    def at(cls, editor: Editor) -> Desk:
        """Three items on one track."""
        originals = []
        for at, (first, stop) in zip(_REGIONS, _CUTS, strict=True):
            record = at + _ROOM // 3
            item = editor.place((first, stop), record=record)
            originals.append(Original(item, record, record + stop - first, first))
        return cls(editor, originals)

    def do(self, step: Step) -> None:
        """One step; fails for whatever surprises."""
        kind, a, b, c = step
        _KINDS[kind % len(_KINDS)](self, a, b, c)
        self.check()

    # Steps

    def restore_all(self, a: int, b: int, c: int) -> None:
        """All of the timeline."""
        self._restore(SelectionRule("timeline"), a, b, {n: self._whole(n) for n in range(len(self.originals))})

    def restore_all_anew(self, a: int, b: int, c: int) -> None:
        """Once more, with other pictures."""
        wanted = {n: self._whole(n) for n in range(len(self.originals))}
        self._restore(SelectionRule("timeline"), a, b, wanted, again=True)

    def restore_track(self, a: int, b: int, c: int) -> None:
        """All of a video track: the editor's, or one of ours, for which its originals stand."""
        track = 1 + c % len(self.editor.tracks())
        wanted = range(len(self.originals)) if track == 1 else self._below(track)
        self._restore(SelectionRule("track", str(track)), a, b, {n: self._whole(n) for n in wanted})

    def restore_playhead(self, a: int, b: int, c: int) -> None:
        """What is seen under the playhead, or the original of that."""
        n = a % len(self.originals)
        original = self.originals[n]
        record = original.start + c % (original.stop - original.start)
        self.editor.timeline.playhead(self.editor.timeline.start + record)
        self._restore(SelectionRule("playhead"), a, b, {n: self._whole(n)})

    def restore_part(self, a: int, b: int, c: int) -> None:
        """What lies between In and Out: the first half of an item, the second one, or something of several."""
        original = self.originals[a % len(self.originals)]
        middle = (original.start + original.stop) // 2
        first, last = (
            (original.start, middle - 1),
            (middle, original.stop - 1),
            (original.start + 1, original.stop - 2),
            (original.start + 2, self.originals[-1].stop),
        )[c % 4]
        if last < first:
            return
        self.editor.timeline.marks(first, last)
        wanted = {
            n: range(max(each.start, first), min(each.stop, last + 1))
            for n, each in enumerate(self.originals)
            if each.overlaps(first, last + 1)
        }
        self._restore(SelectionRule("inout"), a, b, wanted)

    def trim(self, a: int, b: int, c: int) -> None:
        """Shorter or longer, at either end."""
        n = a % len(self.originals)
        original, by = self.originals[n], b % 9 - 4
        if any(each.mode == "take" and each.original == n for each in self.placed):
            return  # how a take is trimmed is Resolve's affair
        at_head = bool(c % 2)
        start = original.start + by * at_head
        stop = original.stop + by * (not at_head)
        first = original.frame(start)
        region = _REGIONS[n]
        fits = region <= start and stop <= region + _ROOM and first >= 0 and first + stop - start <= FRAMES
        if stop - start < 4 or not fits:
            return
        self._tell(f"trim {n} by {by} at the {'head' if at_head else 'tail'}")
        self.editor.timeline.trim(original.item, head=start - original.start, tail=original.stop - stop)
        original.start, original.stop, original.first = start, stop, first

    def undo_job(self, a: int, b: int, c: int) -> None:
        """Take out a job's clip, wherever it is."""
        units = self.editor.units()
        if not units:
            return
        if c % 4:  # mostly one of which something is there
            there = [unit for unit in units if any(unit in self.editor.owners[each.path] for each in self.placed)]
            units = there or units
        job = units[a % len(units)]
        self._undo(job, [each for each in self.placed if job in self.editor.owners[each.path]])

    def undo_place(self, a: int, b: int, c: int) -> None:
        """Take out what was put back once more, without a job of its own, and nothing else."""
        own = set(self.editor.units())
        alone = [each for each in self.placed if each.id not in own]
        if alone:
            placed = alone[a % len(alone)]
            self._undo(placed.id, [placed])

    # What must be there

    def check(self) -> None:
        """Everything that is seen, and everything in the pool and on the tracks, is what was asked for."""
        editor, story = self.editor, "\n".join(self.told)
        for n, region in enumerate(_REGIONS):
            for record in range(region, region + _ROOM):
                assert editor.seen(record) == self._expected(n, record), f"at {record} after\n{story}"
        items = sum(1 for each in self.placed if each.mode == "track")
        assert sum(editor.tracks()[1:]) == items, f"items after\n{story}"
        assert all(editor.tracks()), f"an empty track after\n{story}"
        assert editor.pool() == sorted({each.path for each in self.placed}), f"the pool after\n{story}"
        bins = [folder.name for folder in editor.fake.project.pool.root.walk()]
        assert bins == (["Master", "Restored", "Reel 1"] if self.placed else ["Master"]), f"bins after\n{story}"
        inputs = {job.request["input"] for job in editor.jobs.values()}
        assert inputs <= {str(editor.film)}, f"something of ours was restored after\n{story}"
        assert editor.fake.violations == [], story

    def _expected(self, n: int, record: int) -> Seen | None:
        for placed in reversed(self.placed):
            if record in placed.records:
                return Seen(placed.first + record - placed.records.start, placed.path)
        original = self.originals[n]
        if not original.start <= record < original.stop:
            return None
        take = self._take(n)
        return Seen(original.frame(record), "" if take is None else take.path)

    def _take(self, n: int) -> Placed | None:
        return next((each for each in self.placed if each.mode == "take" and each.original == n), None)

    def _whole(self, n: int) -> range:
        return range(self.originals[n].start, self.originals[n].stop)

    def _below(self, track: int) -> set[int]:
        """The originals of what lies on a track of ours, as far as they still lie below it."""
        found = set()
        for item in self.editor.fake.items(self.editor.timeline, track):
            start = item.start - self.editor.timeline.start
            stop = start + item.duration
            found |= {n for n, each in enumerate(self.originals) if each.overlaps(start, stop)}
        return found

    def _restore(self, choice: SelectionRule, a: int, b: int, wanted: dict[int, range], *, again: bool = False) -> None:
        put, handles = _PUT[b % len(_PUT)], _HANDLES[a % len(_HANDLES)]
        wanted = {n: records for n, records in wanted.items() if self._take(n) is None}  # these are left as they are
        self._tell(f"{choice.by} {choice.value} --put {put} --handles {handles}{' --again' if again else ''} {wanted}")
        before = set(self.editor.jobs)
        try:
            queued = self.editor.restore(choice, put, again=again, handles=handles)
        except SelectionError as error:
            raise AssertionError(f"{error} after\n" + "\n".join(self.told)) from error
        self._learn(queued, put, wanted)
        self.check()
        if not again and put != "take":
            self._same_again(choice, put, handles, before=len(self.editor.jobs))
        assert set(self.editor.jobs) >= before

    def _same_again(self, choice: SelectionRule, put: str, handles: int, before: int) -> None:
        state = self.editor.fake.state()
        self.editor.restore(choice, put, handles=handles)
        assert [each.state for each in self.editor.outcomes if each.state != "already"] == [], self.told
        assert len(self.editor.jobs) == before, f"restored twice after {self.told}"
        assert self.editor.fake.state() == state, f"not the same a second time after {self.told}"

    def _learn(self, queued: Queued, put: str, wanted: dict[int, range]) -> None:
        """Each item that was meant has an outcome, and each outcome is of one that was meant."""
        story = "\n".join(self.told)
        for refused in queued.refused:
            assert refused.refusal.code == "restored", f"{refused} after\n{story}"
        outcomes = list(self.editor.outcomes)
        assert len(outcomes) == len(wanted), f"{len(outcomes)} clips came back instead of {len(wanted)} after\n{story}"
        for outcome in outcomes:
            assert outcome.warnings == (), f"{outcome.warnings} after\n{story}"
            assert outcome.state in ("put", "already")
            self._place(outcome, put, wanted)
        assert wanted == {} or put == "pool", f"{wanted} was not put back after\n{story}"

    def _place(self, outcome: Outcome, put: str, wanted: dict[int, range]) -> None:
        editor = self.editor
        if put == "pool":
            if outcome.state == "put":
                self.placed.append(Placed(outcome.job, outcome.path, "pool", -1))
            return
        n = next(n for n, each in self._meant(outcome) if n in wanted)
        records = wanted.pop(n)
        mode: str = "track" if put == "track" or records != self._whole(n) else "take"
        assert outcome.did == mode, f"{outcome.did} after {self.told}"
        first = self.originals[n].frame(records.start)
        if outcome.state == "put":
            at = records if mode == "track" else range(0)
            self.placed.append(Placed(outcome.job, outcome.path, mode, n, at, first))
        for record in records:
            seen = editor.seen(record)
            assert seen is not None
            assert seen.file, f"{record} shows its source after {self.told}"
            assert seen.frame == self.originals[n].frame(record), f"{record} shows {seen} after {self.told}"

    def _meant(self, outcome: Outcome) -> list[tuple[int, Original]]:
        """Over which original the item of an outcome lies."""
        for item in self.editor.timeline.all_items():
            if item.id == outcome.item:
                start = item.start - self.editor.timeline.start
                return [(n, o) for n, o in enumerate(self.originals) if o.overlaps(start, start + item.duration)]
        raise AssertionError(f"{outcome} is not on the timeline after {self.told}")

    def _undo(self, job: str, gone: list[Placed]) -> None:
        self._tell(f"undo {job[:8]} ({len(gone)} places)")
        outcome = self.editor.undo(job)
        assert outcome.state == ("undone" if gone else "nothing"), self.told
        self.placed = [each for each in self.placed if each not in gone]
        self.check()
        assert self.editor.undo(job).state == "nothing", self.told

    def _tell(self, text: str) -> None:
        self.told.append(f"{len(self.told) + 1}. {text}")


_KINDS: tuple[Callable[[Desk, int, int, int], None], ...] = (
    Desk.restore_all,
    Desk.restore_part,
    Desk.restore_part,
    Desk.restore_playhead,
    Desk.restore_track,
    Desk.trim,
    Desk.trim,
    Desk.undo_job,
    Desk.undo_job,
    Desk.undo_place,
    Desk.undo_place,
    Desk.restore_all_anew,
)

_NUMBER = st.integers(0, 9999)
steps = st.lists(st.tuples(_NUMBER, _NUMBER, _NUMBER, _NUMBER), min_size=STEPS, max_size=STEPS)
"""A sequence."""


def follow(sequence: Sequence[Step], film: Path) -> None:
    """Do all of a sequence at a desk of its own. film: to be used by many."""
    with (
        tempfile.TemporaryDirectory(prefix="h") as folder,
        FakeResolve() as fake,
        pytest.MonkeyPatch.context() as patch,
    ):
        desk = Desk.at(Editor(fake, Path(folder), patch, film))
        for step in sequence:
            desk.do(step)


def try_sequences(number: int, *, phases: Sequence[Phase] = (Phase.generate,)) -> None:
    """Try so many; raises AssertionError with the shortest one that surprises."""
    with tempfile.TemporaryDirectory(prefix="h") as folder:
        film = make_movie(Path(folder) / "film.mov", FRAMES, rate=Fraction(25), timecode="10:00:00:00")

        @settings(
            max_examples=number,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            phases=phases,
        )
        @given(steps)
        def sequences(sequence: list[Step]) -> None:
            follow(sequence, film)

        sequences()


def main(argv: Sequence[str] | None = None) -> int:
    """Try sequences; returns 0 where none surprises."""
    parser = argparse.ArgumentParser(prog="habits", description=__doc__)
    parser.add_argument("--sequences", type=int, default=300)
    args = parser.parse_args(argv)
    try_sequences(args.sequences)
    sys.stdout.write(f"{args.sequences} sequences of {STEPS} steps: 0 surprises\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
