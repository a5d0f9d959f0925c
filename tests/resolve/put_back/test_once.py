"""Whatever ends before the last step, the clip is in the project once, and is not brought back against the user's will.

The helper, or Resolve, ends at its Nth call, for N = 1, 2, 3... until one put-back gets through; each time it is asked
for again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest

from answerprint.resolve.api import Resolve
from answerprint.resolve.bridge.bridge import BridgeValue
from answerprint.resolve.errors import ResolveError
from answerprint.resolve.put_back import undo
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.put_back.modes import MODES
from fakes.resolve.quirks import Quirks
from resolve.conftest import MakeFake
from resolve.put_back.stage import JOB, Stage, put_back, set_stage

When = Literal["before", "after"]


class Killed(BaseException):
    """The helper's process ended."""


def dying(stage: Stage, calls: int, when: When) -> Resolve:
    """An attachment whose user ends at a call: before it takes effect, or after that and before the answer is read."""
    bridge = stage.fake.bridge()
    ask, left = bridge.request, [calls]

    def request(question: Mapping[str, object], seconds: float) -> BridgeValue:
        left[0] -= 1
        # A process that ended asks nothing more, not even to clean up.
        if left[0] < 0 or (left[0] == 0 and when == "before"):
            raise Killed
        answer = ask(question, seconds)
        if left[0] == 0:
            raise Killed
        return answer

    bridge.request = request  # type: ignore[method-assign, assignment]
    return Resolve(bridge.root)


def assert_once(stage: Stage, mode: str) -> None:
    """One clip, one use of it, every frame in its place, and one track, bin and take at most."""
    assert len(stage.restored_clips()) == 1
    assert len(stage.restored_items()) == (1 if mode in ("track", "replace") else 0)
    names = [folder.name for folder in stage.fake.project.pool.root.walk()]
    assert sorted(names) == sorted(set(names))
    assert len(stage.timeline.tracks["video"]) == (2 if mode == "track" else 1)
    assert len(stage.item.takes) == (2 if mode == "take" else 0)
    if mode == "pool":
        assert tuple(stage.sees_source()) == stage.before
    else:
        assert tuple(stage.sees_restored()) == stage.before


CASES = [("pool", False), ("track", False), ("take", False), ("replace", False), ("track", True)]
STRIDES = [pytest.param(13, id="some calls"), pytest.param(1, id="every call", marks=pytest.mark.slow)]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}{', pictures' if case[1] else ''}")
def stage(request: pytest.FixtureRequest, make_fake: MakeFake, tmp_path: Path) -> Stage:
    mode, pictures = request.param
    options: dict[str, Any] = {"whole": mode == "replace", "restored_sequence": pictures}
    found = set_stage(make_fake(quirks=Quirks(import_dict_fails=pictures)), tmp_path, mode=mode, **options)
    found.fake.save()
    return found


def from_the_start(stage: Stage, folder: Path, stride: int) -> Iterator[tuple[int, Ledger]]:
    """The project as it was at first with an empty ledger, again and again."""
    first = stage.fake._saved
    for calls in range(1, 5000, stride):
        stage.fake._saved = first
        stage.fake.restart()
        yield calls, Ledger(folder / f"ledger-{calls}", 0.0)
    pytest.fail("it never got through")


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_helper_that_ends_at_any_call_leaves_one_clip(when: When, stride: int, stage: Stage, tmp_path: Path) -> None:
    for calls, ledger in from_the_start(stage, tmp_path, stride):
        try:
            put_back(dying(stage, calls, when), stage.place, JOB, stage.path, ledger)
        except Killed:
            outcome = put_back(stage.resolve, stage.place, JOB, stage.path, ledger)
            assert outcome.did == stage.place.mode, (calls, outcome)
            assert_once(stage, stage.place.mode)
        else:
            assert_once(stage, stage.place.mode)
            return


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_resolve_that_ends_at_any_call_leaves_one_clip(when: When, stride: int, stage: Stage, tmp_path: Path) -> None:
    for calls, ledger in from_the_start(stage, tmp_path, stride):
        resolve = stage.resolve
        stage.fake.quit_at(calls, when)
        try:
            put_back(resolve, stage.place, JOB, stage.path, ledger)
        except ResolveError as error:
            assert error.remedy
        if stage.fake.world.running:
            assert_once(stage, stage.place.mode)
            return
        stage.fake.restart()
        outcome = put_back(stage.resolve, stage.place, JOB, stage.path, ledger)
        assert outcome.did == stage.place.mode, (calls, outcome)
        assert_once(stage, stage.place.mode)


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_a_resolve_that_ends_had_saved_can_be_undone(
    when: When, stride: int, stage: Stage, tmp_path: Path
) -> None:
    """With its Live Save, on by default, nothing is lost of what was done before it ended."""
    for calls, ledger in from_the_start(stage, tmp_path, stride):
        stage.fake.quit_at(calls, when)
        with contextlib.suppress(ResolveError):
            put_back(stage.resolve, stage.place, JOB, stage.path, ledger)
        if stage.fake.world.running:
            return
        stage.fake.save()
        stage.fake.restart()
        put_back(stage.resolve, stage.place, JOB, stage.path, ledger)
        assert_once(stage, stage.place.mode)
        assert undo(stage.resolve, JOB, ledger).state == "undone", calls
        assert tuple(stage.sees_source()) == stage.before, calls


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("mode", MODES)
def test_a_resolve_that_ends_is_not_taken_for_one_without_the_clip(
    mode: str, when: When, make_fake: MakeFake, tmp_path: Path
) -> None:
    """It then answers None to everything, as if nothing were there; nobody removed anything."""
    stage = set_stage(make_fake(), tmp_path, mode=mode, whole=True)
    assert stage.put().saved
    for calls in range(1, 200):
        resolve = stage.resolve
        stage.fake.quit_at(calls, when)
        try:
            outcome = put_back(resolve, stage.place, JOB, stage.path, stage.ledger)
        except ResolveError as error:
            assert error.remedy
        else:
            assert outcome.state == "already", calls
        if stage.fake.world.running:
            return
        stage.fake.restart()
        assert stage.put().state == "already", calls
    pytest.fail("it never got through")
