"""What goes wrong between an editor and Resolve is said in a line with its remedy, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import MakeFake
from .suite import Suite


@pytest.fixture
def suite(tmp_path: Path, make_fake: MakeFake) -> Iterator[Suite]:
    made = Suite(tmp_path, make_fake())
    yield made
    made.close()


def _no_project(suite: Suite) -> None:
    suite.fake.world.project = None


def _no_timeline(suite: Suite) -> None:
    suite.fake.open_project("Empty")


def _nothing_selected(suite: Suite) -> None:
    suite.timeline.select()


def _closed(suite: Suite) -> None:
    suite.fake.quit()


@pytest.mark.parametrize(
    ("before", "by", "code", "name", "said"),
    [
        (_no_project, "--selected", 4, "resolve", "No project is open"),
        (_no_timeline, "--selected", 4, "resolve", "No timeline is open"),
        (_nothing_selected, "--selected", 2, "nothing_selected", "No video clip is selected"),
        (_nothing_selected, "--inout", 2, "nothing_selected", "no In and Out"),
        (_nothing_selected, "--flag=Blue", 2, "nothing_selected", "flag Blue"),
        (_nothing_selected, "--track=7", 2, "nothing_selected", "no video track '7'"),
        (_nothing_selected, "--bin=Nowhere", 2, "nothing_selected", "no bin 'Nowhere'"),
        (_closed, "--selected", 4, "no_resolve", "No DaVinci Resolve answers"),
    ],
)
def test_what_is_missing_is_said_with_its_remedy(
    suite: Suite, before: Callable[[Suite], None], by: str, code: int, name: str, said: str
) -> None:
    before(suite)
    final = suite.run("resolve", "restore", by, code=code)[-1]
    assert (final["event"], final["code"]) == ("error", name)
    assert said in final["message"]
    assert final["remedy"]


def test_a_resolve_that_hangs_is_given_up_and_works_again_when_it_answers(suite: Suite) -> None:
    suite.timeline.select(suite.item)
    suite.fake.hang("Timeline.GetSelectedClips")
    final = suite.run("resolve", "restore", "--selected", code=4)[-1]
    assert final["code"] == "resolve_hangs"
    assert "GetSelectedClips" in final["message"]
    suite.fake.release()
    events = suite.run("resolve", "restore", "--selected", "--steps", "1")
    assert events[-1]["submitted"] == 1


def test_the_free_edition_lets_no_program_in_and_says_what_to_do(tmp_path: Path, make_fake: MakeFake) -> None:
    suite = Suite(tmp_path, make_fake("free", (21, 1)))
    final = suite.run("resolve", "restore", "--selected", code=4)[-1]
    assert final["code"] == "no_resolve"
    assert "Workspace > Scripts" in final["remedy"]


def test_the_same_clip_twice_is_two_restorations_of_their_own_parts(suite: Suite) -> None:
    suite.timeline.place(suite.clip, record=suite.timeline.start + 60, source=(40, 45))
    events = suite.run("resolve", "restore", "--timeline", "--handles", "0", "--steps", "1")
    submitted = [each for each in events if each["event"] == "submitted"]
    assert [each["range"] for each in submitted] == [[20, 32], [40, 45]]
    assert len({each["output"] for each in submitted}) == 2
