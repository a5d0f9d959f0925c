"""After any crash the clip is in the project once, and a clip that the user removed stays away.

The program, or Resolve, ends at its Nth call, for N = 1, 2, 3... until a put-back gets through; each time it is run
again.
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
from resolve.put_back.put_back_case import JOB, PutBackCase, make_case, put_back

When = Literal["before", "after"]


class Killed(BaseException):
    """The program was killed."""


def dying(case: PutBackCase, calls: int, when: When) -> Resolve:
    """A Resolve whose client is killed at a call: before it takes effect, or before its answer is read."""
    bridge = case.fake.bridge()
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


def assert_once(case: PutBackCase, mode: str) -> None:
    """Check: one clip, one use of it, every frame in its place, and at most one track, bin and take."""
    assert len(case.restored_clips()) == 1
    assert len(case.restored_items()) == (1 if mode in ("track", "replace") else 0)
    names = [folder.name for folder in case.fake.project.pool.root.walk()]
    assert sorted(names) == sorted(set(names))
    assert len(case.timeline.tracks["video"]) == (2 if mode == "track" else 1)
    assert len(case.item.takes) == (2 if mode == "take" else 0)
    if mode == "pool":
        assert tuple(case.sees_source()) == case.before
    else:
        assert tuple(case.sees_restored()) == case.before


CASES = [("pool", False), ("track", False), ("take", False), ("replace", False), ("track", True)]
STRIDES = [pytest.param(13, id="some calls"), pytest.param(1, id="every call", marks=pytest.mark.slow)]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}{', pictures' if case[1] else ''}")
def case(request: pytest.FixtureRequest, make_fake: MakeFake, tmp_path: Path) -> PutBackCase:
    mode, pictures = request.param
    options: dict[str, Any] = {"whole": mode == "replace", "restored_sequence": pictures}
    found = make_case(make_fake(quirks=Quirks(import_dict_fails=pictures)), tmp_path, mode=mode, **options)
    found.fake.save()
    return found


def from_the_start(case: PutBackCase, folder: Path, stride: int) -> Iterator[tuple[int, Ledger]]:
    """The project as it was at first with an empty ledger, again and again."""
    first = case.fake._saved
    for calls in range(1, 5000, stride):
        case.fake._saved = first
        case.fake.restart()
        yield calls, Ledger(folder / f"ledger-{calls}", 0.0)
    pytest.fail("it never got through")


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_call_leaves_one_clip(when: When, stride: int, case: PutBackCase, tmp_path: Path) -> None:
    for calls, ledger in from_the_start(case, tmp_path, stride):
        try:
            put_back(dying(case, calls, when), case.place, JOB, case.path, ledger)
        except Killed:
            outcome = put_back(case.resolve, case.place, JOB, case.path, ledger)
            assert outcome.did == case.place.mode, (calls, outcome)
            assert_once(case, case.place.mode)
        else:
            assert_once(case, case.place.mode)
            return


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_of_resolve_at_any_call_leaves_one_clip(
    when: When, stride: int, case: PutBackCase, tmp_path: Path
) -> None:
    for calls, ledger in from_the_start(case, tmp_path, stride):
        resolve = case.resolve
        case.fake.quit_at(calls, when)
        try:
            put_back(resolve, case.place, JOB, case.path, ledger)
        except ResolveError as error:
            assert error.remedy
        if case.fake.world.running:
            assert_once(case, case.place.mode)
            return
        case.fake.restart()
        outcome = put_back(case.resolve, case.place, JOB, case.path, ledger)
        assert outcome.did == case.place.mode, (calls, outcome)
        assert_once(case, case.place.mode)


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_resolve_saved_before_a_crash_can_be_undone(
    when: When, stride: int, case: PutBackCase, tmp_path: Path
) -> None:
    """Live Save, on by default, keeps what was done before the crash."""
    for calls, ledger in from_the_start(case, tmp_path, stride):
        case.fake.quit_at(calls, when)
        with contextlib.suppress(ResolveError):
            put_back(case.resolve, case.place, JOB, case.path, ledger)
        if case.fake.world.running:
            return
        case.fake.save()
        case.fake.restart()
        put_back(case.resolve, case.place, JOB, case.path, ledger)
        assert_once(case, case.place.mode)
        assert undo(case.resolve, JOB, ledger).state == "undone", calls
        assert tuple(case.sees_source()) == case.before, calls


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("mode", MODES)
def test_a_resolve_that_quit_is_not_mistaken_for_one_without_the_clip(
    mode: str, when: When, make_fake: MakeFake, tmp_path: Path
) -> None:
    """It answers None to every call, as if nothing were there; but nobody removed anything."""
    case = make_case(make_fake(), tmp_path, mode=mode, whole=True)
    assert case.put().saved
    for calls in range(1, 200):
        resolve = case.resolve
        case.fake.quit_at(calls, when)
        try:
            outcome = put_back(resolve, case.place, JOB, case.path, case.ledger)
        except ResolveError as error:
            assert error.remedy
        else:
            assert outcome.state == "already", calls
        if case.fake.world.running:
            return
        case.fake.restart()
        assert case.put().state == "already", calls
    pytest.fail("it never got through")
