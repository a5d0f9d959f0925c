"""What Resolve renders for us is exactly what was asked for, and nobody notices afterwards."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from answerprint.errors import CancelledError, InputError
from answerprint.resolve.api import Resolve
from answerprint.resolve.deliver import clear_up
from answerprint.resolve.deliver.render import WrongFileError
from answerprint.resolve.errors import EditionError, HangingError, ResolveError
from fakes.resolve import FakeResolve
from fakes.resolve.quirks import Quirks
from resolve.conftest import MakeFake
from resolve.deliver.render_fixture import SIZE, Fault, RenderFixture, break_at, make_render_fixture, numbers

HOWS = ("nothing", "error", "error after", "lost", "lost after", "ended")


def test_source_frames_are_rendered_one_for_one(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path)
    before = fixture.state()
    made = fixture.render()
    assert numbers(made.path) == [10, 11, 12, 13]
    assert (made.first, made.frames, made.rate, made.start_timecode) == (10, 4, Fraction(24), "10:00:00:10")
    assert made.facts.start_timecode == "10:00:00:10"
    assert made.path.name == "A001.mov"
    assert made.left == ()
    assert fixture.state() == before


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(append_end="exclusive"),
        Quirks(append_moves_start=1),
        Quirks(user_render_settings=False),
        Quirks(render_range="relative"),
        Quirks(source_frames_unknown=True),
    ],
)
def test_versions_that_count_differently_give_the_same_file(
    make_fake: MakeFake, tmp_path: Path, quirks: Quirks
) -> None:
    fixture = make_render_fixture(make_fake(quirks=quirks), tmp_path)
    before = fixture.state()
    assert numbers(fixture.render().path) == [10, 11, 12, 13]
    assert fixture.state() == before


@pytest.mark.parametrize(
    ("first", "stop", "options"),
    [
        (0, 3, {}),
        (57, 60, {}),
        (0, 60, {}),
        (25, 26, {}),
        (20, 23, {"subclip": (20, 40)}),
        (37, 40, {"subclip": (20, 40)}),
    ],
)
def test_first_and_last_frames_can_be_had(
    fake: FakeResolve, tmp_path: Path, first: int, stop: int, options: dict[str, Any]
) -> None:
    fixture = make_render_fixture(fake, tmp_path, **({"source": (20, 30)} | options))
    made = fixture.render(order=fixture.order(first=first, stop=stop))
    assert numbers(made.path) == list(range(first, stop))


@pytest.mark.parametrize("speed", [2, Fraction(1, 2), -1, 0])
def test_source_form_knows_nothing_of_a_retime(fake: FakeResolve, tmp_path: Path, speed: Fraction) -> None:
    fixture = make_render_fixture(fake, tmp_path, speed=speed)
    assert numbers(fixture.render().path) == [10, 11, 12, 13]


def test_what_is_seen_is_the_item_alone(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path, record=86500, source=(10, 14))
    fixture.timeline.place_generator(track=2, record=86400, duration=200)
    fake.project.current = fixture.timeline
    before = fixture.state()
    made = fixture.render(order=fixture.order(form="seen"))
    assert numbers(made.path) == [10, 11, 12, 13]
    assert (made.first, made.start_timecode) == (86500, "01:00:04:04")
    assert fixture.state() == before


def test_what_is_seen_is_found_whatever_a_range_counts_from(make_fake: MakeFake, tmp_path: Path) -> None:
    fixture = make_render_fixture(
        make_fake(quirks=Quirks(render_range="relative")), tmp_path, record=86500, source=(10, 14)
    )
    before = fixture.state()
    assert numbers(fixture.render(order=fixture.order(form="seen")).path) == [10, 11, 12, 13]
    assert fixture.state() == before


def test_drop_frame_labels_are_kept(fake: FakeResolve, tmp_path: Path) -> None:
    fake.project.rate, fake.project.drop = Fraction(30000, 1001), True
    fixture = make_render_fixture(fake, tmp_path, rate="29.97 DF", start_tc="00:59:59;28", Drop_frame="1")
    made = fixture.render(order=fixture.order(first=0, stop=4))
    assert made.start_timecode == made.facts.start_timecode == "00:59:59;28"


def test_newest_version_is_served_through_its_new_calls(make_fake: MakeFake, tmp_path: Path) -> None:
    fake = make_fake(version=(21, 1, 0), quirks=Quirks(singular_forms_gone=True))
    fixture = make_render_fixture(fake, tmp_path)
    before = fixture.state()
    assert numbers(fixture.render().path) == [10, 11, 12, 13]
    assert fixture.state() == before


def test_free_edition_that_takes_no_name_gives_the_named_file(make_fake: MakeFake, tmp_path: Path) -> None:
    fixture = make_render_fixture(make_fake(edition="free", version=(21, 1, 0)), tmp_path)
    made = fixture.render()
    assert made.path.name == "A001.mov"
    assert numbers(made.path) == [10, 11, 12, 13]


def test_free_edition_refuses_what_it_would_scale(make_fake: MakeFake, tmp_path: Path) -> None:
    fixture = make_render_fixture(make_fake(edition="free"), tmp_path, size=(6144, 3456))
    before = fixture.state()
    with pytest.raises(EditionError, match="3840x2160"):
        fixture.render()
    assert fixture.state() == before


def test_compound_clip_is_rendered_with_what_it_holds(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path)
    inner = fake.add_timeline("Inner", size=SIZE)
    inner.place(fixture.clip, source=(40, 50))
    outer = fake.add_timeline("Outer", size=SIZE)
    fixture.timeline, fixture.item = outer, outer.place(fake.add_nested(inner))
    before = fixture.state()
    assert numbers(fixture.render(order=fixture.order(first=2, stop=5)).path) == [42, 43, 44]
    assert fixture.state() == before


def test_rate_that_resolve_does_not_give_a_timeline_is_refused_or_exact(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path, rate=50, timeline_rate=24)
    before = fixture.state()
    try:
        made = fixture.render()
    except ResolveError as error:
        assert "at 50 frames per second" in error.message
    else:
        assert (numbers(made.path), made.rate) == ([10, 11, 12, 13], Fraction(50))
    assert fixture.state() == before


def test_titles_have_no_source(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path)
    fixture.item = fixture.timeline.place_generator("Text+", track=2)
    before = fixture.state()
    with pytest.raises(InputError, match=r"Text\+ has no source"):
        fixture.render()
    assert fixture.state() == before


def test_pixels_that_are_not_square_are_refused(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path, PAR="Cinemascope")
    with pytest.raises(InputError, match="non-square"):
        fixture.render()


def test_render_of_the_user_is_not_disturbed(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path)
    fake.pause_rendering()
    assert fake.project.StartRendering([fake.project.jobs[0].id])
    before = fixture.state()
    with pytest.raises(ResolveError, match="Resolve is rendering"):
        fixture.render()
    assert fixture.state() == before
    fake.resume_rendering()
    fake.wait_for_rendering()
    assert numbers(fixture.render().path) == [10, 11, 12, 13]


def test_failed_render_says_why_and_the_next_one_works(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path)
    before = fixture.state()
    fake.fail_rendering("The media is offline.")
    with pytest.raises(ResolveError, match=r"The media is offline\."):
        fixture.render()
    assert fixture.state() == before
    assert list(fixture.folder.iterdir()) == []
    fake.fail_rendering("")
    assert numbers(fixture.render().path) == [10, 11, 12, 13]


def test_render_of_the_wrong_length_is_kept_aside(make_fake: MakeFake, tmp_path: Path) -> None:
    fixture = make_render_fixture(make_fake(), tmp_path)
    before = fixture.state()
    bridge = fixture.fake.bridge()
    ask = bridge.request

    def request(asked: dict[str, Any], seconds: float) -> object:
        if asked.get("call", ["", ""])[1] == "SetRenderSettings":
            keys = asked["call"][2][0]["map"]
            keys += [["SelectAllFrames", False], ["MarkOut", dict(keys)["MarkIn"] + 1], ["FormatWidth", 32]]
        return ask(asked, seconds)

    bridge.request = request  # type: ignore[method-assign, assignment]

    with pytest.raises(WrongFileError, match="2 frames instead of 4, 32x64 instead of 96x64") as caught:
        fixture.render(Resolve(bridge.root))
    assert fixture.state() == before
    kept = list(fixture.folder.rglob("*.mov"))
    assert len(kept) == 1
    assert str(kept[0]) in caught.value.message


def test_cancelling_stops_the_render_and_leaves_nothing(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path)
    before = fixture.state()
    fake.pause_rendering()

    def wait(seconds: float) -> None:
        if any(each.stop.is_set() for each in fake.project.jobs):
            fake.resume_rendering()
            fake.wait_for_rendering()

    cancelled = lambda: fake.project.IsRenderingInProgress()  # noqa: E731
    with pytest.raises(CancelledError):
        fixture.render(steering=fixture.steering(cancelled=cancelled, wait=wait))
    assert fixture.state() == before
    assert list(fixture.folder.iterdir()) == []
    fake.resume_rendering()
    assert numbers(fixture.render().path) == [10, 11, 12, 13]


def test_render_that_stands_still_is_given_up(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path)
    before = fixture.state()
    fake.pause_rendering()

    def wait(seconds: float) -> None:
        if any(each.stop.is_set() for each in fake.project.jobs):
            fake.resume_rendering()
            fake.wait_for_rendering()

    with pytest.raises(ResolveError, match="made no progress for"):
        fixture.render(steering=fixture.steering(wait=wait, stall_seconds=20.0))
    assert fixture.state() == before


def _calls(fixture: RenderFixture) -> int:
    bridge = fixture.fake.bridge()

    made = break_at(bridge, 0, "")
    fixture.render(Resolve(bridge.root))
    return made()


@pytest.mark.parametrize("how", HOWS)
def test_all_is_as_it_was_whichever_call_goes_wrong(make_fake: MakeFake, tmp_path: Path, how: str) -> None:
    """Fails at call 1, 2, ... until a render passes untouched: in between, nothing of the user's may change."""

    fixture = make_render_fixture(make_fake(), tmp_path)
    before = fixture.state()
    number = 0
    while True:
        number += 1
        bridge = fixture.fake.bridge()
        made = break_at(bridge, number, how)
        made_file = None
        with contextlib.suppress(ResolveError, InputError, Fault, CancelledError):
            made_file = fixture.render(Resolve(bridge.root))
        passed = made() < number
        # An attachment that still works finishes what is left; so does the next session.
        fixture.fake.wait_for_rendering()
        left = clear_up(fixture.resolve(), fixture.folder, fixture.steering())
        assert left == (), f"call {number}"
        assert fixture.state() == before, f"call {number}"
        if made_file is not None:
            assert numbers(made_file.path) == [10, 11, 12, 13], f"call {number}"
        if passed:
            break
    assert number > 50


def test_hang_is_told_and_the_next_session_clears_up(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path)
    before = fixture.state()
    bridge = fake.bridge()

    break_at(bridge, _calls(fixture) - 30, "lost")
    with pytest.raises(HangingError):
        fixture.render(Resolve(bridge.root))
    assert fixture.state() != before
    fake.wait_for_rendering()
    made = fixture.render()  # clears up first
    assert fixture.state() == before
    assert numbers(made.path) == [10, 11, 12, 13]


def test_leftovers_in_another_project_wait_for_it(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path)
    before = fixture.state()
    bridge = fake.bridge()
    break_at(bridge, _calls(fixture) - 30, "lost")
    with pytest.raises(HangingError):
        fixture.render(Resolve(bridge.root))
    fake.wait_for_rendering()
    mine, fake.project.id = fake.project.id, "another"
    (problem,) = clear_up(fixture.resolve(), fixture.folder, fixture.steering())
    assert "Open the project Film" in problem
    fake.project.id = mine
    assert clear_up(fixture.resolve(), fixture.folder, fixture.steering()) == ()
    assert fixture.state() == before


def test_size_is_that_of_the_clip_not_of_the_timeline(fake: FakeResolve, tmp_path: Path) -> None:
    fixture = make_render_fixture(fake, tmp_path, size=(96, 64))
    made = fixture.render()
    assert (made.facts.width, made.facts.height) == (96, 64)
    assert fixture.timeline.size == SIZE
