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
from resolve.suite import START, Suite, shared_home

FRAMES = list(range(20, 24))
"""Of the film, that the item shows."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with shared_home(tmp_path_factory.mktemp("home")) as folder:
        yield folder


@pytest.fixture
def suite(tmp_path: Path, fake: FakeResolve, home: Path) -> Suite:
    return Suite(tmp_path, fake, home=home)


def queue(suite: Suite) -> str:
    """Have a short clip restored, to be laid over itself; the number of its job."""
    suite.timeline.trim(suite.item, tail=8)
    submitted, *_ = restore(suite, suite.timeline, suite.item)
    return str(submitted["number"])


def restore(suite: Suite, timeline: Timeline, item: Item) -> list[dict[str, Any]]:
    timeline.select(item)
    return suite.run("resolve", "restore", "--selected", "--put", "track", "--handles", "1", "--steps", "1")


def finish(suite: Suite, code: int = 0) -> dict[str, Any]:
    """Bring back what is done: what became of the only clip."""
    (put,) = [each for each in suite.run("resolve", "finish", code=code) if each["event"] == "put"]
    return put


def warnings(put: dict[str, Any]) -> list[str]:
    """What did not go as asked."""
    return [step["text"] for step in put["steps"] if not step["ok"]]


def test_a_resolve_that_quits_while_a_clip_is_restored_gets_it_back_once(suite: Suite) -> None:
    queue(suite)
    suite.fake.quit()
    suite.run("jobs", "watch")
    gone = suite.run("resolve", "finish", code=4)[-1]
    assert (gone["code"], gone["message"]) == (
        "no_resolve",
        "DaVinci Resolve is not running, or does not allow external scripting.",
    )
    assert "Start Resolve Studio" in gone["remedy"]
    suite.fake.restart()
    assert suite.shows_film(suite.item)
    scripts = suite.install()
    assert "1 clip put back" in suite.script(scripts / "Bring Back Finished.py")
    assert "0 clips put back, 1 already there" in suite.script(scripts / "Bring Back Finished.py")
    assert len(suite.restored()) == 1
    assert suite.shows_restored(suite.item) == FRAMES


def test_a_resolve_that_quits_while_a_clip_is_brought_back_has_it_once_after_all(suite: Suite) -> None:
    queue(suite)
    suite.run("jobs", "watch")
    suite.fake.quit_on("MediaPool.AppendToTimeline", "after")
    gone = suite.run("resolve", "finish", code=4)[-1]
    assert (gone["code"], gone["message"]) == ("no_resolve", "Lost the connection to Resolve.")
    assert "Bring Back Finished" in gone["remedy"]
    suite.fake.restart()
    assert "1 clip put back" in suite.script(suite.install() / "Bring Back Finished.py")
    assert len(suite.restored()) == 1
    assert suite.shows_restored(suite.item) == FRAMES
    assert [len(suite.fake.items(suite.timeline, track)) for track in (1, 2, 3)] == [1, 1, 0]


def test_a_clip_that_is_moved_while_it_is_restored_is_found_where_it_is(suite: Suite) -> None:
    queue(suite)
    suite.timeline.move(suite.item, suite.item.start + 30)
    suite.run("jobs", "watch")
    suite.fake.open_page("fusion")
    put = finish(suite)
    assert (put["state"], put["did"], suite.fake.page) == ("put", "track", "fusion")
    assert suite.shows_restored(suite.item) == FRAMES
    assert suite.fake.shown(suite.timeline, suite.timeline.start + 10) is None


def test_a_clip_that_is_deleted_while_it_is_restored_comes_into_the_pool_alone(suite: Suite) -> None:
    queue(suite)
    suite.timeline.remove(suite.item)
    suite.run("jobs", "watch")
    put = finish(suite)
    assert (put["state"], put["did"]) == ("put", "pool")
    assert any("no longer on the timeline Reel 1" in each for each in warnings(put))
    assert suite.timeline.all_items() == []
    (clip,) = suite.restored()
    assert suite.numbers(clip.path) == list(range(19, 25))


def test_a_project_that_cannot_be_changed_is_left_alone_and_gets_its_clip_once_it_can_be(
    tmp_path: Path, make_fake: MakeFake, home: Path
) -> None:
    suite = Suite(tmp_path, make_fake(quirks=Quirks(read_only=True)), home=home)
    queue(suite)
    suite.run("jobs", "watch")
    before = suite.fake.state()
    put = finish(suite, code=4)
    assert put["state"] == "failed"
    assert "could not create bin Restored" in warnings(put)[-1]
    assert "read-only" in warnings(put)[-1]
    assert suite.fake.state() == before
    assert "1 failed" in suite.script(suite.install() / "Bring Back Finished.py")
    assert suite.fake.state() == before
    suite.fake.set_quirks(Quirks(save_fails=True))
    put = finish(suite)
    assert (put["state"], put["saved"]) == ("put", False)
    assert "Resolve did not save the project. Save it there." in warnings(put)
    suite.fake.restart()
    assert suite.shows_film(suite.item)
    suite.fake.set_quirks(Quirks())
    assert (finish(suite)["state"], finish(suite)["state"]) == ("put", "already")
    assert suite.shows_restored(suite.item) == FRAMES


def test_a_clip_of_two_timelines_is_restored_for_each_and_the_frames_only_once(suite: Suite) -> None:
    second = suite.fake.add_timeline("Reel 2", rate="29.97 DF", start=START, size=(256, 192))
    other = second.place(suite.clip, record=second.start + 5, source=(21, 24))
    suite.fake.open_timeline(suite.timeline)
    queue(suite)
    suite.run("jobs", "watch")
    assert finish(suite)["did"] == "track"
    assert suite.shows_restored(suite.item) == FRAMES
    assert suite.shows_film(other)
    suite.fake.open_timeline(second)
    events = restore(suite, second, other)
    assert [each["event"] for each in events] == ["put", "queued", "done"]
    assert suite.shows_restored(other) == list(range(21, 24))
    assert suite.run("resolve", "undo", events[0]["job"])[0]["state"] == "undone"
    assert suite.shows_film(other)
    assert suite.shows_restored(suite.item) == FRAMES


def test_a_clip_that_one_timeline_has_twice_comes_back_to_both_of_its_places(suite: Suite) -> None:
    again = suite.timeline.place(suite.clip, record=suite.timeline.start + 60, source=(22, 25))
    suite.timeline.trim(suite.item, tail=8)
    suite.run("resolve", "restore", "--timeline", "--put", "track", "--handles", "0", "--steps", "1")
    suite.run("jobs", "watch")
    put = [each["state"] for each in suite.run("resolve", "finish") if each["event"] == "put"]
    assert put == ["put", "put"]
    assert suite.shows_restored(suite.item) == FRAMES
    assert suite.shows_restored(again) == list(range(22, 25))


def test_a_file_that_goes_offline_before_its_turn_is_named_and_restored_when_it_is_back(suite: Suite) -> None:
    suite.run("queue", "suspend")
    job = queue(suite)
    away = suite.film.rename(suite.film.with_suffix(".away"))
    suite.run("queue", "resume")
    suite.run("jobs", "watch", job, code=2)
    before = suite.fake.state()
    failed, _ = suite.run("resolve", "finish")
    assert (failed["event"], str(failed["number"])) == ("failed", job)
    assert failed["message"] == f"{suite.film} does not exist. Check the path."
    assert suite.fake.state() == before
    away.rename(suite.film)
    suite.run("jobs", "retry", job)
    suite.run("jobs", "watch", job)
    assert finish(suite)["state"] == "put"
    assert suite.shows_restored(suite.item) == FRAMES


def test_a_copy_of_a_restored_file_is_known_by_what_it_says_of_itself(suite: Suite) -> None:
    """Under another name, in a project that knows nothing of it."""
    queue(suite)
    suite.run("jobs", "watch")
    copy = suite.folder / "other.mov"
    copy.write_bytes(Path(finish(suite)["path"]).read_bytes())
    item = suite.timeline.place(suite.fake.add_clip(copy), record=suite.timeline.start + 60, source=(0, 4))
    suite.timeline.select(item)
    events = suite.run("resolve", "restore", "--selected", "--steps", "1", code=2)
    assert [each["code"] for each in events if each["event"] == "refused"] == ["restored"]
    assert [each for each in events if each["event"] == "submitted"] == []
