"""A Resolve for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fakes.resolve import FakeResolve

MakeFake = Callable[..., FakeResolve]


@pytest.fixture
def make_fake() -> Iterator[MakeFake]:
    """Makes fakes of other versions, editions and misbehaviours; each must end without a violation."""
    made: list[FakeResolve] = []

    def make(*arguments: Any, **keywords: Any) -> FakeResolve:  # noqa: ANN401 - those of FakeResolve
        made.append(FakeResolve(*arguments, **keywords))
        return made[-1]

    yield make
    for each in made:
        each.close()
    assert [violation for each in made for violation in each.violations] == []


@pytest.fixture
def fake(make_fake: MakeFake) -> FakeResolve:
    """Resolve Studio 21.0.4 with all its misbehaviours."""
    return make_fake()
