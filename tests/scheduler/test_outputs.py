"""No two jobs write one file, by whatever name; and nothing is written where the program keeps its own files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from answerprint.api.job import JobRecord, JobState
from answerprint.errors import OutputError
from answerprint.home import flow_cache_folder, logs_folder, models_folder, run_folder, scratch_folder, state_folder
from answerprint.scheduler.outputs import Outputs, folds_case
from scheduler.daemon_fixture import DaemonFixture
from store.builders import job

pytestmark = pytest.mark.skipif(os.name == "nt", reason="makes links and files of other cases")


async def stand_still(daemon_fixture: DaemonFixture) -> None:
    """Have a job that is to write out/a.mov, and does not begin."""
    await daemon_fixture.open(work=False)
    await daemon_fixture.submit("a")


@pytest.fixture
def link(daemon_fixture: DaemonFixture) -> str:
    """Another name of the folder of outputs."""
    (daemon_fixture.folder / "link").symlink_to(daemon_fixture.folder / "out")
    return "../link"


async def test_a_link_to_the_folder_is_the_same_folder(daemon_fixture: DaemonFixture, link: str) -> None:
    await stand_still(daemon_fixture)
    with pytest.raises(OutputError, match=r"Job 1 already writes .*/out/a.mov, which is the same file") as refused:
        await daemon_fixture.submit("b", output=f"{link}/a.mov")
    assert refused.value.remedy
    assert (await daemon_fixture.submit("b", output=f"{link}/b.mov")).number == 2, "only the names differ"


async def test_it_holds_for_jobs_of_an_earlier_start(daemon_fixture: DaemonFixture, link: str) -> None:
    await stand_still(daemon_fixture)
    await daemon_fixture.close()
    await daemon_fixture.open(work=False)
    with pytest.raises(OutputError, match="Job 1 already writes"):
        await daemon_fixture.submit("b", output=f"{link}/a.mov")


async def test_it_holds_for_a_retry_and_ends_with_the_job(daemon_fixture: DaemonFixture, link: str) -> None:
    await stand_still(daemon_fixture)
    first = (await daemon_fixture.service.list([], 1, "")).jobs[0]
    await daemon_fixture.service.cancel(first.id)
    other = await daemon_fixture.submit("b", output=f"{link}/a.mov")
    with pytest.raises(OutputError, match=f"Job {other.number} already writes"):
        await daemon_fixture.service.retry(first.id)
    await daemon_fixture.service.cancel(other.id)
    assert (await daemon_fixture.service.retry(first.id)).state is JobState.QUEUED


async def test_parts_of_a_sequence_must_not_overlap(daemon_fixture: DaemonFixture, link: str) -> None:
    await stand_still(daemon_fixture)
    await daemon_fixture.submit("s", output="f.%04d.png", request={"range": "0:10"})
    await daemon_fixture.submit("s", output=f"{link}/f.%04d.png", request={"range": "10:20"})
    for span in ("5:12", "19:", None, "00:10"):
        with pytest.raises(OutputError, match="is the same file"):
            await daemon_fixture.submit("s", output=f"{link}/f.%d.png", request={"range": span})


async def test_a_preview_and_a_sequence_share_no_file(daemon_fixture: DaemonFixture) -> None:
    await stand_still(daemon_fixture)
    preview = daemon_fixture.new_preview("p")
    folder = Path(str(preview.request["output"]))
    folder.mkdir()
    await daemon_fixture.submit("p", output=f"{folder.name}/p-%06d.png")
    with pytest.raises(OutputError, match="is the same file"):
        await daemon_fixture.service.submit(preview)
    assert (await daemon_fixture.preview("q")).state is JobState.QUEUED


def unfinished(*jobs: JobRecord) -> Callable[[str], JobRecord | None]:
    return {each.id: each for each in jobs}.get


@pytest.mark.parametrize("other", ["FILM.mov", "film.MOV", "Film.mov"])
@pytest.mark.parametrize("folds", [True, False])
def test_another_case_is_the_same_name_where_the_disk_says_so(tmp_path: Path, other: str, folds: bool) -> None:
    outputs = Outputs(lambda folder: folds)
    first, second = (job(request={"input": "/c.mov", "output": str(tmp_path / name)}) for name in ("film.mov", other))
    find = unfinished(first, second)
    outputs.take(first, outputs.resolve(first.kind, first.request), find)
    claim = outputs.resolve(second.kind, second.request)
    if not folds:
        outputs.take(second, claim, find)
        return
    with pytest.raises(OutputError, match="same file"):
        outputs.take(second, claim, find)
    outputs.take(second, claim, unfinished(second))


def test_how_a_disk_takes_cases_is_seen_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert folds_case(tmp_path) == (tmp_path / "A").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


OWN = {
    "state": state_folder,
    "run": run_folder,
    "models": models_folder,
    "cache": flow_cache_folder,
    "logs": logs_folder,
    "scratch": scratch_folder,
}


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("through_link", [False, True])
async def test_an_output_in_a_folder_of_the_program_is_refused(
    daemon_fixture: DaemonFixture, name: str, through_link: bool
) -> None:
    await daemon_fixture.open(work=False)
    inner = OWN[name]() / "inner"
    inner.mkdir(parents=True, exist_ok=True)
    if through_link:
        (daemon_fixture.folder / "link").symlink_to(inner)
        inner = daemon_fixture.folder / "link"
    wanted = (
        daemon_fixture.new("a", output=str(inner / "a.mov")),
        daemon_fixture.new("a", output=str(inner / "a.%04d.png")),
        replace(
            preview := daemon_fixture.new_preview("a"), request={**preview.request, "output": str(inner / "preview")}
        ),
    )
    for new in wanted:
        with pytest.raises(OutputError, match="folder of Answerprint's own files") as refused:
            await daemon_fixture.service.submit(new)
        assert refused.value.remedy
    assert (await daemon_fixture.submit("a")).number == 1


async def test_an_output_over_the_chunks_of_a_job_is_refused_in_every_scratch_folder(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.set(scratch=str(daemon_fixture.folder / "fast disk"))
    daemon_fixture.clip("a", faults={"chunk-1": ["hold"]})
    job = await daemon_fixture.submit("a")
    await daemon_fixture.at(job, "chunk-1")
    chunks = daemon_fixture.scratch(job)
    for output in (chunks / "chunk-000000.mkv", chunks / "b.mov"):
        with pytest.raises(OutputError, match="folder of Answerprint's own files"):
            await daemon_fixture.submit("b", output=str(output), request={"overwrite": True})
    other = await daemon_fixture.submit("c", output=str(daemon_fixture.config.scratch_folder / "c.mov"))
    daemon_fixture.go(job, "chunk-1")
    await daemon_fixture.done(job)
    await daemon_fixture.done(other)
    assert (daemon_fixture.config.scratch_folder / "c.mov").exists(), "a fast disk may hold films as well"
