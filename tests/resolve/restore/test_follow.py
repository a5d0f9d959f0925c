"""Clips wait for a Resolve that is away, so long and no longer, and that is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from answerprint.api.job import JobRecord
from answerprint.client.client import Client
from answerprint.resolve.api import Resolve
from answerprint.resolve.errors import HangingError, NoResolveError
from answerprint.resolve.put_back import Outcome
from answerprint.resolve.restore.finish import follow_jobs
from answerprint.resolve.restore.settings import RestoreSettings
from fakes.resolve import FakeResolve
from resolve.restore.test_finish import finished_units


class Evening:
    """A Resolve that answers, then does not, and a clock that goes as long as things take."""

    def __init__(self, fake: FakeResolve, absent: range, takes: float, error: type[Exception]) -> None:
        """absent: which visits find nobody, of which each takes so many seconds."""
        self.fake, self.absent, self.takes, self.error = fake, absent, takes, error
        self.now, self.visits = 0.0, 0
        self.waits: list[tuple[float, float]] = []
        self.put: list[Outcome] = []

    @contextmanager
    def attach(self) -> Iterator[Resolve]:
        """A visit."""
        self.visits += 1
        if self.visits in self.absent:
            self.now += self.takes
            raise self.error("away", "wait")
        yield Resolve(self.fake.bridge().root)

    def sleep(self, seconds: float) -> None:
        """A pause."""
        self.now += seconds

    def follow(self, jobs: list[JobRecord]) -> Any:  # noqa: ANN401 - a Finished
        """Follow these jobs."""

        class Daemon:
            def all_jobs(self) -> list[JobRecord]:
                return jobs

        return follow_jobs(
            cast(Client, Daemon()), (), self.attach, self.put.append,
            on_away=lambda seconds: self.waits.append((self.now, seconds)),
            patience_seconds=600, pause=self.sleep, clock=lambda: self.now,
        )  # fmt: skip


@pytest.fixture
def jobs(fake: FakeResolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[JobRecord]:
    """Two clips that are restored."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "h"))
    return [job for unit in finished_units(fake, tmp_path, RestoreSettings(handles=2)) for job in unit.jobs]


@pytest.mark.parametrize(("takes", "error"), [(0.0, NoResolveError), (120.0, HangingError)])
def test_a_resolve_that_stays_away_is_waited_for_by_the_clock_and_told_once(
    takes: float, error: type[Exception], fake: FakeResolve, jobs: list[JobRecord]
) -> None:
    evening = Evening(fake, range(2, 1000), takes, error)
    finished = evening.follow(jobs)
    assert [unit.id for unit in finished.waiting] == [job.id for job in jobs]
    assert 600 < evening.now <= 600 + takes + 30
    assert [seconds for _, seconds in evening.waits] == [600]
    assert evening.put == []


def test_a_resolve_that_comes_back_gets_its_clips(fake: FakeResolve, jobs: list[JobRecord]) -> None:
    evening = Evening(fake, range(2, 5), 1.0, NoResolveError)
    finished = evening.follow(jobs)
    assert [outcome.state for outcome in evening.put] == ["put", "put"]
    assert finished.waiting == []
    assert len(evening.waits) == 1
