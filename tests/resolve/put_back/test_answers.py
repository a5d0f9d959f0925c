"""Resolve's answer to an import or an append does not matter: what is in the project counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.resolve import FakeResolve
from fakes.resolve.item import Item
from fakes.resolve.pool import MediaPool
from resolve.put_back.put_back_case import make_case

Answer = Callable[[MediaPool, list[Any]], object]
ANSWERS: dict[str, Answer] = {
    "nothing": lambda pool, made: None,
    "no list": lambda pool, made: [],
    "all twice": lambda pool, made: [*made, *made],
}


def answering(monkeypatch: pytest.MonkeyPatch, method: str, answer: Answer) -> None:
    """Make a call of the media pool work as usual but return something else."""
    real = getattr(MediaPool, method)

    def call(self: MediaPool, *arguments: Any) -> object:  # noqa: ANN401 - those of the call
        return answer(self, real(self, *arguments) or [])

    call.__api__ = real.__api__  # type: ignore[attr-defined]
    monkeypatch.setattr(MediaPool, method, call)


@pytest.mark.parametrize("method", ["ImportMedia", "AppendToTimeline"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_wrong_answer_changes_nothing(
    answer: str, method: str, fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(fake, tmp_path)
    answering(monkeypatch, method, ANSWERS[answer])
    outcome = case.put()
    assert (outcome.did, outcome.warnings, outcome.saved) == ("track", (), True)
    assert (len(case.restored_clips()), len(case.restored_items())) == (1, 1)
    assert tuple(case.sees_restored()) == case.before


def test_a_hollow_item_is_not_mistaken_for_the_appended_one(
    fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(fake, tmp_path)
    answering(monkeypatch, "AppendToTimeline", lambda pool, made: [Item(pool.world, "hollow", 0, 0)])
    assert case.put().did == "track"
    assert tuple(case.sees_restored()) == case.before


def test_a_clip_imported_into_another_bin_is_moved(
    fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(fake, tmp_path, mode="pool")
    mine = fake.add_folder("Mine")

    def astray(pool: MediaPool, made: list[Any]) -> object:
        pool.MoveClips(made, mine)
        return made

    answering(monkeypatch, "ImportMedia", astray)
    assert case.put().saved
    assert (len(case.restored_clips()), mine.clips) == (1, [])
