"""What the node shows: restored frames where they are right, and the host's own picture everywhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from answerprint.ofx.protocol import AskFlag, AskKind, ShownState, StatusFlag
from ofx.answers import Answers
from ofx.compiling import compiler
from ofx.host import FUSION, NATRON, NUKE, RESOLVE, STANDARD, Node, Ways, open_host

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler, or the package ziglang")

Picture = NDArray[np.float32]
FILM = "/films/a.mov"
SIZE = (96, 54)
SMALL = np.float32(1 / 2048)


def noise(seed: int, size: tuple[int, int] = SIZE, alpha: float | None = 1) -> Picture:
    """A picture of half floats. alpha: of all pixels; None: any."""
    values = np.random.default_rng(seed).random((size[1], size[0], 4)).astype(np.float16).astype(np.float32)
    if alpha is not None:
        values[..., 3] = alpha
    return values


RESOLVE_OPAQUE = replace(RESOLVE, premultiplication="OfxImageOpaque")


@contextmanager
def opened(
    plugin: Path, ways: Ways = RESOLVE_OPAQUE, size: tuple[int, int] = SIZE, *, path: str | bytes | Path = FILM,
    thumbnail: bool = False, interactive: bool = True, **parameters: float | str,
) -> Iterator[Node]:  # fmt: skip
    told = os.fsdecode(path)
    if not ways.source_extras:
        parameters.setdefault("file", told)
    with (
        open_host(plugin, ways) as host,
        Node(host, size, path=told, thumbnail=thumbnail, interactive=interactive, parameters=parameters) as node,
    ):
        yield node


@pytest.mark.parametrize("ways", [RESOLVE_OPAQUE, STANDARD, NUKE, NATRON, FUSION], ids=lambda ways: ways.name)
def test_a_hit_is_the_restored_frame(plugin: Path, answers: Answers, ways: Ways) -> None:
    source, restored = noise(1), noise(2)
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, source, restored)
    with opened(plugin, ways) as node:
        node.give(7, source)
        shown = node.render(7)
    assert shown.status == 0 and np.array_equal(shown.picture, restored)


@pytest.mark.parametrize("ways", [RESOLVE, NUKE], ids=lambda ways: ways.name)
def test_alpha_of_the_source_stays_where_hosts_premultiply(plugin: Path, answers: Answers, ways: Ways) -> None:
    source, restored = noise(1, alpha=0.5), noise(2)
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, source, restored)
    with opened(plugin, ways) as node:
        node.give(7, source)
        picture = node.render(7).picture
    assert np.array_equal(picture[..., 3], source[..., 3])
    assert np.abs(picture[..., :3] - restored[..., :3] / 2).max() <= SMALL


def test_a_restored_alpha_is_shown(plugin: Path, answers: Answers) -> None:
    source, restored = noise(1, alpha=None), noise(2, alpha=None)
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, source, restored, has_alpha=True)
    for ways, factor in ((NATRON, 1), (RESOLVE, restored[..., 3:])):
        with opened(plugin, ways) as node:
            node.give(7, source)
            picture = node.render(7).picture
        assert np.abs(picture[..., :3] - restored[..., :3] * factor).max() <= SMALL
        assert np.array_equal(picture[..., 3], restored[..., 3])


def test_a_clip_that_covers_a_part_leaves_the_rest_alone(plugin: Path, answers: Answers) -> None:
    source, restored = noise(1), noise(2, (60, 40))
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, source, restored, at=(10, 3))
    expected = source.copy()
    expected[54 - 3 - 40 : 54 - 3, 10:70] = restored
    with opened(plugin) as node:
        node.give(7, source)
        assert np.array_equal(node.render(7).picture, expected)
        part = node.render(7, window=(5, 2, 33, 30)).picture
        assert np.array_equal(part[24:52, 5:33], expected[24:52, 5:33])


def test_strength_wipe_and_difference(plugin: Path, answers: Answers) -> None:
    source, restored = noise(1), noise(2)
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, source, restored)
    with opened(plugin) as node:
        node.give(7, source)
        node.edit("strength", 0.25)
        assert np.abs(node.render(7).picture - (source * 0.75 + restored * 0.25)).max() <= SMALL
        node.edit("strength", 0.0)
        assert np.array_equal(node.render(7).picture, source)
        node.edit("strength", 1.0)
        node.edit("show", 3)
        assert np.abs(node.render(7).picture[..., :3] - np.abs(restored - source)[..., :3]).max() <= SMALL
        node.edit("show", 2)
        assert node.number("wipePosition") == 0.5 or node.number("wipePosition") == 48
        node.edit("wipePosition", 30.0, 20.0)
        wiped = node.render(7).picture
        assert np.array_equal(wiped[:, :29], source[:, :29]) and np.array_equal(wiped[:, 31:], restored[:, 31:])
        node.edit("wipeAngle", 90.0)
        wiped = node.render(7).picture
        assert np.array_equal(wiped[54 - 19 :], source[54 - 19 :]) and np.array_equal(
            wiped[: 54 - 21], restored[: 54 - 21]
        )
        node.edit("show", 1)
        assert node.render(7).identity


def graded(picture: Picture) -> Picture:
    return np.concatenate([picture[..., :3] * np.float32(1.02), picture[..., 3:]], axis=2)


OTHER_PICTURES: dict[str, Callable[[Picture], Picture]] = {
    "graded": graded,
    "shifted": lambda picture: np.roll(picture, 1, axis=1),
    "cropped": lambda picture: np.roll(picture, -5, axis=0),
    "another frame": lambda _: noise(99),
    "black": np.zeros_like,
    "not a number": lambda picture: np.full_like(picture, np.nan),
}


@pytest.mark.parametrize("other", OTHER_PICTURES)
def test_another_picture_passes_through_and_is_sampled(plugin: Path, answers: Answers, other: str) -> None:
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, noise(1), noise(2))
    source = OTHER_PICTURES[other](noise(1))
    with opened(plugin, badge=0) as node:
        node.give(7, source)
        assert np.array_equal(node.render(7).picture, source, equal_nan=True)
    asked = answers.questions()
    assert [each.kind for each in asked] == [AskKind.FRAME] and AskFlag.SAMPLES in asked[0].flags
    samples = np.frombuffer(asked[0].samples, "<f2").reshape(asked[0].rows, asked[0].columns, 3)
    columns = (np.arange(asked[0].columns) * 2 + 1) * SIZE[0] // (2 * asked[0].columns)
    rows = (np.arange(asked[0].rows) * 2 + 1) * SIZE[1] // (2 * asked[0].rows)
    assert np.array_equal(samples, source[::-1][rows][:, columns, :3].astype(np.float16), equal_nan=True)


def test_a_few_wrong_patches_do_not_matter(plugin: Path, answers: Answers) -> None:
    source, restored = noise(1), noise(2)
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, source, restored)
    drawn = source.copy()
    drawn[:10, :12] = 0.5  # a title
    with opened(plugin) as node:
        node.give(7, drawn)
        assert np.array_equal(node.render(7).picture, restored)


def test_several_fits_are_tried_and_the_last_match_first(plugin: Path, answers: Answers) -> None:
    sources = [noise(seed) for seed in (1, 2, 3)]
    answers.put_status(FILM, SIZE, fits=3)
    for fit, source in enumerate(sources):
        answers.put_frame(FILM, 7, source, noise(10 + fit), fit=fit)
    with opened(plugin) as node:
        for fit in (2, 0, 1, 1, 2):
            node.give(7, sources[fit])
            assert np.array_equal(node.render(7).picture, noise(10 + fit))


def test_a_restoration_can_be_chosen(plugin: Path, answers: Answers) -> None:
    source = noise(1)
    for asked, job in ((0, 9), (4, 4)):
        answers.put_status(FILM, SIZE, job=asked, shown=job)
        answers.put_frame(FILM, 7, source, noise(job), job=job, asked=asked)
    with opened(plugin, badge=0) as node:
        node.give(7, source)
        assert np.array_equal(node.render(7).picture, noise(9))
        node.edit("restoration", 4)
        assert np.array_equal(node.render(7).picture, noise(4))
        node.edit("restoration", 5)
        assert np.array_equal(node.render(7).picture, source)
    assert answers.questions()[-1].job == 5


def test_frames_of_another_job_are_not_shown(plugin: Path, answers: Answers) -> None:
    answers.put_status(FILM, SIZE, shown=3)
    answers.put_frame(FILM, 7, noise(1), noise(2), job=2)
    with opened(plugin, badge=0) as node:
        node.give(7, noise(1))
        assert np.array_equal(node.render(7).picture, noise(1))


STATES = {
    ShownState.NOTHING: "Nothing restores this file.",
    ShownState.QUEUED: "Queued.",
    ShownState.RUNNING: "43 % done.",
    ShownState.FAILED: "Failed.",
    ShownState.PAUSED: "Paused.",
    ShownState.REFUSED: "Refused.",
}


@pytest.mark.parametrize("state", STATES)
def test_a_badge_says_why_and_never_in_a_final_render(plugin: Path, answers: Answers, state: ShownState) -> None:
    size, source = (480, 270), noise(1, (480, 270))
    answers.put_status(FILM, size, state, permyriad=4321, text="No space: free 2 GB.")
    with opened(plugin, size=size) as node:
        node.give(7, source)
        shown = node.render(7).picture
        changed = np.flatnonzero((shown != source).any(axis=(1, 2)))
        assert changed.size and changed.min() > 200  # in the lower left corner
        node.edit("refresh")
        assert node.text("status").startswith(STATES[state]) and "No space" in node.text("status")
        node.edit("badge", 0)
        assert np.array_equal(node.render(7).picture, source)
    with opened(plugin, size=size, interactive=False) as node:
        node.give(7, source)
        assert np.array_equal(node.render(7).picture, source)
        node.edit("badgeInFinal", 1)
        assert np.array_equal(node.render(7).picture, shown)


def test_thumbnails_never_ask(plugin: Path, answers: Answers) -> None:
    answers.put_status(FILM, SIZE, ShownState.RUNNING, flags=StatusFlag.SAMPLES_WANTED)
    with opened(plugin, thumbnail=True) as node:
        node.give(7, noise(1))
        assert np.array_equal(node.render(7).picture, noise(1))
    assert answers.questions() == []


def test_what_is_asked(plugin: Path, answers: Answers) -> None:
    with opened(plugin) as node:
        for time in (7, 8):
            node.give(time, noise(1))
            node.render(time, source_frame=time + 1000)
    asked = answers.questions()
    assert [(each.kind, each.frame, each.path, each.flags) for each in asked] == [
        (AskKind.FRAME, 1007, FILM.encode(), AskFlag(0)),
        (AskKind.FRAME, 1008, FILM.encode(), AskFlag(0)),
    ]
    assert (asked[0].width, asked[0].height, asked[0].token) == (*SIZE, b"Z" * 32)


def test_a_hit_tells_where_the_playhead_is(plugin: Path, answers: Answers) -> None:
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, noise(1), noise(2))
    with opened(plugin) as node:
        node.give(7, noise(1))
        for _ in range(5):
            node.render(7)
    asked = answers.questions()
    assert {each.kind for each in asked} == {AskKind.HERE} and 1 <= len(asked) <= 3


def test_the_button_asks_for_the_range_of_the_clip(plugin: Path, answers: Answers) -> None:
    with opened(plugin) as node:
        clip = node.host.library.clip_properties(node.effect, b"Source")
        for i, time in enumerate((20.0, 29.0)):
            node.host.library.host_property_double(clip, b"OfxImageEffectPropFrameRange", i, time)
        node.give(25, noise(1))
        node.render(25, source_frame=125)
        answers.questions()
        node.edit("restore")
        (asked,) = answers.questions()
    assert (asked.kind, asked.first, asked.stop, asked.path) == (AskKind.RESTORE, 120, 130, FILM.encode())


def test_a_named_file_counts_from_its_start(plugin: Path, answers: Answers) -> None:
    source, restored = noise(1), noise(2)
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 12, source, restored)
    with opened(plugin, NUKE, offset=2) as node:
        node.give(10, source)
        opaque = node.render(10).picture
        node.edit("offset", 3)
        node.render(10)
    assert np.array_equal(opaque, restored)
    asked = answers.questions()
    assert asked[-1].frame == 13 and AskFlag.OFFSET in asked[-1].flags


def test_final_renders_that_are_not_ready(plugin: Path, answers: Answers) -> None:
    answers.put_status(FILM, SIZE, ShownState.RUNNING, frames=(0, 20))
    with opened(plugin, interactive=False) as node:
        for time in (7, 30):
            node.give(time, noise(1))
        assert np.array_equal(node.render(7).picture, noise(1))
        node.edit("notReady", 2)
        assert node.render(7).status == 1  # failed, which stops the host's render
        node.edit("notReady", 1)
        assert np.array_equal(node.render(30).picture, noise(1))  # outside of what is restored: no wait
        answers.put_frame(FILM, 7, noise(1), noise(2))
        assert np.array_equal(node.render(7).picture, noise(2))
        assert AskFlag.FINAL in answers.questions()[-1].flags


def test_other_sizes_are_other_questions(plugin: Path, answers: Answers) -> None:
    full, half = noise(1), noise(3, (48, 27))
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, full, noise(2))
    answers.put_status(FILM, (48, 27))
    answers.put_frame(FILM, 7, half, noise(4, (48, 27)))
    with open_host(plugin, RESOLVE_OPAQUE) as host, Node(host, (48, 27), path=FILM, scale=0.5) as node:
        node.give(7, half)
        assert np.array_equal(node.render(7).picture, noise(4, (48, 27)))


@pytest.mark.parametrize("field", ["OfxFieldLower", "OfxFieldUpper"])
def test_single_fields_pass_through(plugin: Path, answers: Answers, field: str) -> None:
    answers.put_status(FILM, SIZE)
    answers.put_frame(FILM, 7, noise(1), noise(2))
    with opened(plugin, replace(RESOLVE_OPAQUE, field=field), badge=0) as node:
        node.give(7, noise(1))
        assert np.array_equal(node.render(7).picture, noise(1))


@pytest.mark.parametrize(
    "path", [b"/films/\xff\xfe \x01;'\"%s%n.mov", "/films/\u00e9\u4e2d.mov".encode(), b"relative.mov"]
)
def test_paths_of_any_bytes(plugin: Path, answers: Answers, path: bytes) -> None:
    answers.put_status(path, SIZE)
    answers.put_frame(path, 7, noise(1), noise(2))
    with opened(plugin, path=path) as node:
        node.give(7, noise(1))
        assert np.array_equal(node.render(7).picture, noise(2))
        node.edit("restore")
    assert answers.questions()[-1].path == path


@pytest.mark.parametrize("length", [0, 16000, 17000, 100_000])
def test_paths_of_any_length(plugin: Path, answers: Answers, length: int) -> None:
    path = "/" + "a" * (length - 1) if length else ""
    with opened(plugin, path=path, badge=0) as node:
        node.give(7, noise(1))
        assert np.array_equal(node.render(7).picture, noise(1))
        node.edit("restore")
    assert {each.path for each in answers.questions()} == ({path.encode()} if 0 < length < 16384 else set())


@pytest.mark.parametrize("frame", [-(2**31), -1, 0, 2**31 - 1])
def test_frames_of_any_number(plugin: Path, answers: Answers, frame: int) -> None:
    answers.put_status(FILM, SIZE, frames=(-(2**40), 2**40))
    answers.put_frame(FILM, frame, noise(1), noise(2))
    with opened(plugin) as node:
        node.give(7, noise(1))
        assert np.array_equal(node.render(7, source_frame=frame).picture, noise(2))


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (8, 8), (16384, 9), (9, 16384)])
def test_pictures_of_any_size(plugin: Path, answers: Answers, size: tuple[int, int]) -> None:
    source, restored = noise(1, size), noise(2, size)
    answers.put_status(FILM, size)
    answers.put_frame(FILM, 7, source, restored)
    with opened(plugin, size=size, badge=0) as node:
        node.give(7, source)
        comparable = min(size) >= 8
        assert np.array_equal(node.render(7).picture, restored if comparable else source)
        assert node.render(7, window=(0, 0, 0, 0)).status == 0


def test_no_source_is_no_fault(plugin: Path, answers: Answers) -> None:
    with opened(plugin) as node:
        assert node.render(7).status == 0
    assert answers.questions() == []


def test_the_wipe_is_dragged(plugin: Path, answers: Answers) -> None:
    with opened(plugin, STANDARD, show=2, wipePosition=40) as node:
        node.edit("wipePosition", 40.0, 20.0)
        overlay = node.interact()
        assert overlay
        overlay.act("GainFocus")
        assert overlay.act("Draw") == 0 and overlay.drawn >= 2
        assert overlay.act("PenDown", at=(90, 50)) == 14  # nowhere near
        assert overlay.act("PenMotion", at=(70, 30)) == 14
        assert overlay.act("PenDown", at=(41, 21)) == 0
        assert overlay.act("PenMotion", at=(60, 30)) == 0
        assert overlay.act("PenUp", at=(61, 31)) == 0
        overlay.act("KeyDown")
        overlay.act("LoseFocus")
        overlay.close()
        assert (node.number("wipePosition", 0), node.number("wipePosition", 1)) == (61, 31)
