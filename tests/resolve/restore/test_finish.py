"""What is done goes back, and says so clip by clip."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.client.client import Client
from answerprint.resolve.api import Resolve
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.restore.clip_jobs import ClipJobs
from answerprint.resolve.restore.finish import put_clips
from answerprint.resolve.restore.job import make_job
from answerprint.resolve.restore.settings import RestoreSettings
from fakes.resolve import FakeResolve
from media.makers import make_movie
from resolve.restore.test_plan import planned

NO_CLIENT = cast(Client, None)
"""Only parts that are to be joined need one."""


def finished_units(fake: FakeResolve, folder: Path, wishes: RestoreSettings) -> list[ClipJobs]:
    """Two clips whose restored files are there."""
    film = make_movie(folder / "film.mov", 60, rate=Fraction(25), timecode="10:00:00:00")
    timeline, clip = fake.add_timeline("Reel 1", 25), fake.add_clip(film)
    for source in ((10, 20), (30, 40)):
        timeline.place(clip, source=source)
    units = []
    for number, each in enumerate(planned(fake, wishes).planned, 1):
        job = make_job(each, wishes)
        make_movie(Path(each.output), each.place.restored_stop - each.place.restored_first, rate=Fraction(25))
        record = JobRecord(job.id, number, "restore", "clip", JobState.DONE, job.request, clip=job.clip)
        units.append(ClipJobs(job.id, each.place, each.output, (record,)))
    return units


@pytest.mark.parametrize("hide", [True, False])
def test_the_original_is_hidden_only_where_that_was_wished(fake: FakeResolve, tmp_path: Path, hide: bool) -> None:
    units = finished_units(fake, tmp_path, RestoreSettings(put="track", handles=2, disable=hide))
    outcomes = put_clips(Resolve(fake.bridge().root), NO_CLIENT, units, Ledger(tmp_path / "ledger"))
    assert [(outcome.state, outcome.did) for outcome in outcomes] == [("put", "track")] * 2
    assert [item.enabled for item in fake.items(fake.timeline("Reel 1"))] == [not hide] * 2


def test_a_file_that_is_gone_keeps_no_other_from_going_back(fake: FakeResolve, tmp_path: Path) -> None:
    units = finished_units(fake, tmp_path, RestoreSettings(handles=2))
    gone = replace(units[0], path=str(tmp_path / "gone.mov"))
    outcomes = put_clips(Resolve(fake.bridge().root), NO_CLIENT, [gone, units[1]], Ledger(tmp_path / "ledger"))
    assert [outcome.state for outcome in outcomes] == ["failed", "put"]
    assert "not there any more" in outcomes[0].warnings[0]
    again = put_clips(Resolve(fake.bridge().root), NO_CLIENT, units, Ledger(tmp_path / "ledger"))
    assert [outcome.state for outcome in again] == ["put", "already"]
