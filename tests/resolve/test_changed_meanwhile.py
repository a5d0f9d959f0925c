"""What happens in Resolve between the queue and the way back: each clip comes back once, where it belongs by then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.resolve import FakeResolve, Quirks
from fakes.resolve.item import Item
from fakes.resolve.timeline import Timeline
from resolve.conftest import MakeFake
from resolve.workstation import START, Workstation, shared_home

FRAMES = list(range(20, 24))
"""Of the film, that the item shows."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with shared_home(tmp_path_factory.mktemp("home")) as folder:
        yield folder


@pytest.fixture
def workstation(tmp_path: Path, fake: FakeResolve, home: Path) -> Workstation:
    return Workstation(tmp_path, fake, home=home)


def queue(workstation: Workstation) -> str:
    """Have a short clip restored, to be laid over itself; the number of its job."""
    workstation.timeline.trim(workstation.item, tail=8)
    submitted, *_ = restore(workstation, workstation.timeline, workstation.item)
    return str(submitted["number"])


def restore(workstation: Workstation, timeline: Timeline, item: Item) -> list[dict[str, Any]]:
    timeline.select(item)
    return workstation.run("resolve", "restore", "--selected", "--put", "track", "--handles", "1", "--steps", "1")


def finish(workstation: Workstation, code: int = 0) -> dict[str, Any]:
    """Bring back what is done: what became of the only clip."""
    (put,) = [each for each in workstation.run("resolve", "finish", code=code) if each["event"] == "put"]
    return put


def warnings(put: dict[str, Any]) -> list[str]:
    """What did not go as asked."""
    return [step["text"] for step in put["steps"] if not step["ok"]]


def test_a_resolve_that_quits_while_a_clip_is_restored_gets_it_back_once(workstation: Workstation) -> None:
    queue(workstation)
    workstation.fake.quit()
    workstation.run("jobs", "watch")
    gone = workstation.run("resolve", "finish", code=4)[-1]
    assert (gone["code"], gone["message"]) == (
        "no_resolve",
        "DaVinci Resolve is not running, or does not allow external scripting.",
    )
    assert "Start Resolve Studio" in gone["remedy"]
    workstation.fake.restart()
    assert workstation.shows_film(workstation.item)
    scripts = workstation.install()
    assert "1 clip put back" in workstation.script(scripts / "Bring Back Finished.py")
    assert "0 clips put back, 1 already there" in workstation.script(scripts / "Bring Back Finished.py")
    assert len(workstation.restored()) == 1
    assert workstation.shows_restored(workstation.item) == FRAMES


def test_a_resolve_that_quits_while_a_clip_is_brought_back_has_it_once_after_all(workstation: Workstation) -> None:
    queue(workstation)
    workstation.run("jobs", "watch")
    workstation.fake.quit_on("MediaPool.AppendToTimeline", "after")
    gone = workstation.run("resolve", "finish", code=4)[-1]
    assert (gone["code"], gone["message"]) == ("no_resolve", "Lost the connection to Resolve.")
    assert "Bring Back Finished" in gone["remedy"]
    workstation.fake.restart()
    assert "1 clip put back" in workstation.script(workstation.install() / "Bring Back Finished.py")
    assert len(workstation.restored()) == 1
    assert workstation.shows_restored(workstation.item) == FRAMES
    assert [len(workstation.fake.items(workstation.timeline, track)) for track in (1, 2, 3)] == [1, 1, 0]


def test_a_clip_that_is_moved_while_it_is_restored_is_found_where_it_is(workstation: Workstation) -> None:
    queue(workstation)
    workstation.timeline.move(workstation.item, workstation.item.start + 30)
    workstation.run("jobs", "watch")
    workstation.fake.open_page("fusion")
    put = finish(workstation)
    assert (put["state"], put["did"], workstation.fake.page) == ("put", "track", "fusion")
    assert workstation.shows_restored(workstation.item) == FRAMES
    assert workstation.fake.shown(workstation.timeline, workstation.timeline.start + 10) is None


def test_a_clip_that_is_deleted_while_it_is_restored_comes_into_the_pool_alone(workstation: Workstation) -> None:
    queue(workstation)
    workstation.timeline.remove(workstation.item)
    workstation.run("jobs", "watch")
    put = finish(workstation)
    assert (put["state"], put["did"]) == ("put", "pool")
    assert any("no longer on the timeline Reel 1" in each for each in warnings(put))
    assert workstation.timeline.all_items() == []
    (clip,) = workstation.restored()
    assert workstation.numbers(clip.path) == list(range(19, 25))


def test_a_project_that_cannot_be_changed_is_left_alone_and_gets_its_clip_once_it_can_be(
    tmp_path: Path, make_fake: MakeFake, home: Path
) -> None:
    workstation = Workstation(tmp_path, make_fake(quirks=Quirks(read_only=True)), home=home)
    queue(workstation)
    workstation.run("jobs", "watch")
    before = workstation.fake.state()
    put = finish(workstation, code=4)
    assert put["state"] == "failed"
    assert "could not create bin Restored" in warnings(put)[-1]
    assert "read-only" in warnings(put)[-1]
    assert workstation.fake.state() == before
    assert "1 failed" in workstation.script(workstation.install() / "Bring Back Finished.py")
    assert workstation.fake.state() == before
    workstation.fake.set_quirks(Quirks(save_fails=True))
    put = finish(workstation)
    assert (put["state"], put["saved"]) == ("put", False)
    assert "Resolve did not save the project. Save it there." in warnings(put)
    workstation.fake.restart()
    assert workstation.shows_film(workstation.item)
    workstation.fake.set_quirks(Quirks())
    assert (finish(workstation)["state"], finish(workstation)["state"]) == ("put", "already")
    assert workstation.shows_restored(workstation.item) == FRAMES


def test_a_clip_of_two_timelines_is_restored_for_each_and_the_frames_only_once(workstation: Workstation) -> None:
    second = workstation.fake.add_timeline("Reel 2", rate="29.97 DF", start=START, size=(256, 192))
    other = second.place(workstation.clip, record=second.start + 5, source=(21, 24))
    workstation.fake.open_timeline(workstation.timeline)
    queue(workstation)
    workstation.run("jobs", "watch")
    assert finish(workstation)["did"] == "track"
    assert workstation.shows_restored(workstation.item) == FRAMES
    assert workstation.shows_film(other)
    workstation.fake.open_timeline(second)
    events = restore(workstation, second, other)
    assert [each["event"] for each in events] == ["put", "queued", "done"]
    assert workstation.shows_restored(other) == list(range(21, 24))
    assert workstation.run("resolve", "undo", events[0]["job"])[0]["state"] == "undone"
    assert workstation.shows_film(other)
    assert workstation.shows_restored(workstation.item) == FRAMES


def test_a_clip_that_one_timeline_has_twice_comes_back_to_both_of_its_places(workstation: Workstation) -> None:
    again = workstation.timeline.place(workstation.clip, record=workstation.timeline.start + 60, source=(22, 25))
    workstation.timeline.trim(workstation.item, tail=8)
    workstation.run("resolve", "restore", "--timeline", "--put", "track", "--handles", "0", "--steps", "1")
    workstation.run("jobs", "watch")
    put = [each["state"] for each in workstation.run("resolve", "finish") if each["event"] == "put"]
    assert put == ["put", "put"]
    assert workstation.shows_restored(workstation.item) == FRAMES
    assert workstation.shows_restored(again) == list(range(22, 25))


def test_a_file_that_goes_offline_before_its_turn_is_named_and_restored_when_it_is_back(
    workstation: Workstation,
) -> None:
    workstation.run("queue", "suspend")
    job = queue(workstation)
    away = workstation.film.rename(workstation.film.with_suffix(".away"))
    workstation.run("queue", "resume")
    workstation.run("jobs", "watch", job, code=2)
    before = workstation.fake.state()
    failed, _ = workstation.run("resolve", "finish")
    assert (failed["event"], str(failed["number"])) == ("failed", job)
    assert failed["message"] == f"{workstation.film} does not exist. Check the path."
    assert workstation.fake.state() == before
    away.rename(workstation.film)
    workstation.run("jobs", "retry", job)
    workstation.run("jobs", "watch", job)
    assert finish(workstation)["state"] == "put"
    assert workstation.shows_restored(workstation.item) == FRAMES


def test_a_copy_of_a_restored_file_is_known_by_what_it_says_of_itself(workstation: Workstation) -> None:
    """Under another name, in a project that knows nothing of it."""
    queue(workstation)
    workstation.run("jobs", "watch")
    copy = workstation.folder / "other.mov"
    copy.write_bytes(Path(finish(workstation)["path"]).read_bytes())
    item = workstation.timeline.place(
        workstation.fake.add_clip(copy), record=workstation.timeline.start + 60, source=(0, 4)
    )
    workstation.timeline.select(item)
    events = workstation.run("resolve", "restore", "--selected", "--steps", "1", code=2)
    assert [each["code"] for each in events if each["event"] == "refused"] == ["restored"]
    assert [each for each in events if each["event"] == "submitted"] == []
