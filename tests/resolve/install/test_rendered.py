"""The file of a render job is found, or it is said why there is none."""

from __future__ import annotations

import os
import runpy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from answerprint.resolve.api.project import Project
from answerprint.resolve.bridge.attach import bridge_file
from answerprint.resolve.bridge.bridge import Bridge, Remote
from answerprint.resolve.errors import SelectionError
from answerprint.resolve.restore.render_job import rendered_file


class Queue:
    """A project as far as its render queue goes: jobs by id, with the status of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs: dict[str, tuple[str, dict[str, object]]] = {}

    def add(self, job: str, file: str, *, status: str = "Complete", percent: int = 100, there: bool = True) -> None:
        self.jobs[job] = (file, {"JobStatus": status, "CompletionPercentage": percent})
        if there:
            (self.folder / file).touch()

    def GetRenderJobList(self) -> list[dict[str, object]]:
        names = ((job, file) for job, (file, _) in self.jobs.items())
        return [
            {"JobId": job, "RenderJobName": f"Job {job}", "TargetDir": str(self.folder), "OutputFilename": file}
            for job, file in names
        ]

    def GetRenderJobStatus(self, job: str) -> dict[str, object]:
        return self.jobs[job][1]


@contextmanager
def bridged(root: object) -> Iterator[Remote]:
    """The object through a real bridge, whose process is a thread."""
    (ours, theirs), (in_, out) = os.pipe(), os.pipe()
    with os.fdopen(ours, "rb") as answers, os.fdopen(out, "wb") as requests:
        serving = (root, os.fdopen(in_, "rb"), os.fdopen(theirs, "wb"))
        thread = threading.Thread(target=runpy.run_path(str(bridge_file()))["serve"], args=serving)
        thread.start()
        bridge = Bridge(answers, requests)
        bridge.hello()
        yield bridge.root
        requests.close()
        thread.join()
        for each in serving[1:]:
            each.close()


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path)


@pytest.fixture
def project(queue: Queue) -> Iterator[Project]:
    with bridged(queue) as remote:
        yield Project(remote)


def test_the_job_that_triggered_the_script_names_the_file(queue: Queue, project: Project) -> None:
    queue.add("a", "reel 1.mov")
    queue.add("b", "reel 2.mov")
    assert rendered_file(project, "a") == queue.folder / "reel 1.mov"


def test_without_a_job_it_is_the_last_that_is_done(queue: Queue, project: Project) -> None:
    queue.add("a", "reel 1.mov")
    queue.add("b", "reel 2.mov")
    queue.add("c", "reel 3.mov", status="Ready", percent=0)
    assert rendered_file(project) == queue.folder / "reel 2.mov"


def test_a_job_that_is_done_is_known_in_every_language(queue: Queue, project: Project) -> None:
    queue.add("a", "reel.mov", status="完了")
    assert rendered_file(project, "a") == queue.folder / "reel.mov"


def test_the_first_picture_of_a_sequence_stands_for_all(queue: Queue, project: Project) -> None:
    queue.add("a", "reel_50%_00086400.exr")
    queue.add("b", "Scene 12.mov")
    assert rendered_file(project, "a").name == "reel_50%%_%08d.exr"
    assert rendered_file(project, "b").name == "Scene 12.mov"


def test_a_queue_without_such_a_job_is_said(queue: Queue, project: Project) -> None:
    with pytest.raises(SelectionError, match="no finished job"):
        rendered_file(project)
    with pytest.raises(SelectionError, match="no such job"):
        rendered_file(project, "gone")
    queue.add("gone", "reel.mov")
    assert rendered_file(project, "gone")


@pytest.mark.parametrize(("status", "percent"), [("Rendering", 12), ("Failed", 40), ("Cancelled", 99), ("Ready", 0)])
def test_a_job_that_is_not_done_is_refused_until_it_is(
    queue: Queue, project: Project, status: str, percent: int
) -> None:
    queue.add("a", "reel.mov", status=status, percent=percent)
    with pytest.raises(SelectionError, match=f"not finished \\({status}\\)"):
        rendered_file(project, "a")
    queue.add("a", "reel.mov")
    assert rendered_file(project, "a")


def test_a_job_of_several_files_is_refused_with_another_way(queue: Queue, project: Project) -> None:
    queue.add("a", "clip1.mov and more", there=False)
    with pytest.raises(SelectionError) as caught:
        rendered_file(project, "a")
    assert "answerprint queue add" in caught.value.remedy
