"""The plugin in a strict host: what it shows, what it asks, and what it says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from answerprint.ofx.protocol import PATCH_SIDE, AskFlag, AskKind, HostQuestion, Patch, ShownState, StatusFlag
from ofx.answers import TOKEN, Answers, Picture
from ofx.compiling import OFX_SOURCES, compile_c, compiler
from ofx.host.node import Node
from ofx.host.session import Host, open_host
from ofx.host.ways import FUSION, NATRON, NUKE, RESOLVE, STANDARD, Ways

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the host is built for Linux"),
    pytest.mark.skipif(compiler() is None, reason="no C compiler; the package ziglang is one"),
]

CLIP = b"/clips/reel \xff.mov"
WIDTH, HEIGHT, FRAME = 64, 48, 5
PLACES = [(0, 0), (20, 5), (40, 30), (56, 40), (8, 33)]
RESTORED, SOURCE_SHOWN, WIPE, DIFFERENCE = range(4)


def picture(seed: int, alpha: float = 1.0) -> Picture:
    values = np.random.default_rng(seed).random((HEIGHT, WIDTH, 4)).astype(np.float16).astype(np.float32)
    values[..., 3] = alpha
    return values


SOURCE, BETTER = picture(1), picture(2)


def patches_of(source: Picture, places: Sequence[tuple[int, int]], tolerance: float = 0.002) -> tuple[Patch, ...]:
    """Patches of a picture [H, W, 4], the top row first, at places from its lower left corner."""
    flipped = source[::-1].astype("<f2")
    return tuple(
        Patch(x, y, tolerance, np.ascontiguousarray(flipped[y : y + PATCH_SIDE, x : x + PATCH_SIDE, :3]).tobytes())
        for x, y in places
    )


class AnswerFolder:
    """What is answered about one clip at one size."""

    def __init__(self, answers: Answers, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
        self.answers, self.size = answers, size

    @property
    def home(self) -> Path:
        return self.answers.home

    @property
    def folder(self) -> Path:
        return self.answers.folder(CLIP, self.size)

    def say(self, *, width: int = WIDTH, height: int = HEIGHT, **changes: object) -> AnswerFolder:
        """Write the state, changed, for a size."""
        now = AnswerFolder(self.answers, (width, height))
        self.answers.put_status(CLIP, now.size, **{"text": "Restored.", **changes})  # type: ignore[arg-type]
        return now

    def put(self, frame: int, restored: Picture, patches: tuple[Patch, ...], *, at: tuple[int, int] = (0, 0),
            fit: int = 0, alpha: bool = False) -> Path:  # fmt: skip
        """Write a restored frame [H, W, 4], the top row first. Returns its file."""
        host = np.empty((*self.size[::-1], 4), np.float32)
        return self.answers.put_frame(CLIP, frame, host, restored, at=at, fit=fit, has_alpha=alpha, patches=patches)


class Listener:
    """Takes what the plugin sends, one message after the other."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._waiting: list[HostQuestion] = []

    def next(self) -> HostQuestion:
        assert not self.is_quiet(), "nothing was asked"
        return self._waiting.pop(0)

    def is_quiet(self) -> bool:
        self._waiting += self._answers.questions()
        return not self._waiting


@pytest.fixture(scope="module")
def library() -> Path:
    return compile_c("Answerprint.ofx", OFX_SOURCES)


@pytest.fixture
def answers(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnswerFolder]:
    home = tmp_path_factory.mktemp("h")  # short: it has a socket in it
    monkeypatch.setenv("ANSWERPRINT_HOME", str(home))
    with Answers(home, listen=False) as made:
        yield AnswerFolder(made).say()


@pytest.fixture
def listener(answers: AnswerFolder) -> Listener:
    answers.answers.listen()
    return Listener(answers.answers)


def node_in(host: Host, **more: object) -> Node:
    """A node with a source frame, which knows its file as this host lets it."""
    node = Node(host, (WIDTH, HEIGHT), path=CLIP.decode("utf-8", "surrogateescape"), **more)  # type: ignore[arg-type]
    node.give(FRAME, SOURCE)
    if not host.ways.source_extras:
        node.edit("file", CLIP.decode("utf-8", "surrogateescape"))
    return node


@pytest.fixture
def node(library: Path, answers: AnswerFolder) -> Iterator[Node]:
    with open_host(library, RESOLVE) as host, node_in(host) as made:
        yield made


def shown(node: Node) -> Picture:
    rendered = node.render(FRAME, source_frame=FRAME)
    assert rendered.status == 0
    return rendered.picture


@pytest.mark.parametrize("ways", [STANDARD, RESOLVE, NUKE, NATRON, FUSION], ids=lambda ways: ways.name)
def test_every_kind_of_host_shows_the_restored_frame(library: Path, answers: AnswerFolder, ways: Ways) -> None:
    answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    with open_host(library, ways) as host, node_in(host) as node:
        assert np.array_equal(shown(node), BETTER)
        assert node.act("OfxActionBeginInstanceEdit") == 14
        node.ask_preferences()
        node.edit("refresh")
        assert node.text("status") == "Done. Restored. Colours match within 0.5 of 1023 codes."


@pytest.mark.parametrize("size", [(40, 20), (64, 48), (1, 48), (64, 1)])
def test_only_what_the_clip_covers_is_replaced(node: Node, answers: AnswerFolder, size: tuple[int, int]) -> None:
    width, height = size
    x, y = (WIDTH - width) // 2, (HEIGHT - height) // 3
    answers.put(FRAME, BETTER[:height, :width], patches_of(SOURCE, PLACES), at=(x, y))
    expected = SOURCE.copy()
    expected[HEIGHT - y - height : HEIGHT - y, x : x + width] = BETTER[:height, :width]
    assert np.array_equal(shown(node), expected)


def test_the_ways_to_show_it(node: Node, answers: AnswerFolder) -> None:
    answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    node.edit("strength", 0.25)
    assert np.allclose(shown(node), SOURCE + 0.25 * (BETTER - SOURCE), atol=1e-6)
    node.edit("strength", 1)
    node.edit("show", DIFFERENCE)
    assert np.allclose(shown(node)[..., :3], np.abs(BETTER - SOURCE)[..., :3], atol=1e-6)
    node.edit("show", WIPE)
    assert node.of_parameter("wipeAngle", "OfxParamPropEnabled") == 1
    assert np.array_equal(shown(node), np.concatenate([SOURCE[:, :32], BETTER[:, 32:]], axis=1))
    node.edit("wipePosition", 10, 12)
    node.edit("wipeAngle", 90)
    assert np.allclose(shown(node), np.concatenate([BETTER[:36], SOURCE[36:]]), atol=1e-6)
    node.edit("show", SOURCE_SHOWN)
    rendered = node.render(FRAME, source_frame=FRAME)
    assert rendered.identity and np.array_equal(rendered.picture, SOURCE)


@pytest.mark.parametrize("field", ["OfxFieldLower", "OfxFieldUpper"])
def test_single_fields_are_passed_through(library: Path, answers: AnswerFolder, field: str) -> None:
    answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    with open_host(library, replace(STANDARD, field=field)) as host, node_in(host) as node:
        node.edit("badge", 0)
        assert np.array_equal(shown(node), SOURCE)


@pytest.mark.parametrize("scale, aspect", [(0.5, 1.0), (1.0, 2.0), (0.25, 0.5)])
def test_the_wipe_is_where_the_host_draws_it(library: Path, answers: AnswerFolder, scale: float, aspect: float) -> None:
    answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    with open_host(library, STANDARD) as host, node_in(host, scale=scale, aspect=aspect) as node:
        node.edit("show", WIPE)
        node.edit("wipePosition", 16 * aspect / scale, 12 / scale)
        assert np.array_equal(shown(node), np.concatenate([SOURCE[:, :16], BETTER[:, 16:]], axis=1))


def test_only_the_window_is_written(node: Node, answers: AnswerFolder) -> None:
    """The host fails a plugin that writes elsewhere."""
    answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    for window in ((10, 20, 30, 25), (5, 5, 5, 40), (0, 0, 0, 0), (63, 47, 64, 48)):
        assert node.render(FRAME, source_frame=FRAME, window=window).status == 0


@pytest.mark.parametrize("width", [16383, 16384, 16385, 40000])
def test_wide_pictures(library: Path, answers: AnswerFolder, width: int) -> None:
    wide = np.random.default_rng(3).random((8, width, 4)).astype(np.float16).astype(np.float32)
    wide[..., 3] = 1
    now = answers.say(width=width, height=8)
    now.put(FRAME, 1 - wide[:7, 3:], patches_of(wide, [(0, 0), (width - 8, 0)]), at=(3, 0))
    expected = wide.copy()
    expected[1:, 3:] = (1 - wide[:7, 3:]).astype(np.float16)
    expected[1:, 3:, 3] = 1  # the host's, as the frame has none
    with open_host(library, STANDARD) as host, Node(host, (width, 8)) as node:
        node.edit("file", CLIP.decode("utf-8", "surrogateescape"))
        node.give(FRAME, wide)
        assert np.array_equal(node.render(FRAME).picture, expected)


@pytest.mark.parametrize("frame_has_alpha", [False, True])
def test_colours_are_multiplied_where_the_host_has_them_so(
    node: Node, answers: AnswerFolder, frame_has_alpha: bool
) -> None:
    source, better = picture(1, 0.5), picture(2, 0.25)
    node.give(FRAME, source)
    answers.put(FRAME, better, patches_of(source, PLACES), alpha=frame_has_alpha)
    expected = better.copy()
    expected[..., 3] = 0.25 if frame_has_alpha else 0.5
    expected[..., :3] *= expected[..., 3:]
    assert np.array_equal(shown(node), expected)


def test_every_half_is_converted_exactly(library: Path, answers: AnswerFolder) -> None:
    """All 65,536 values, also those that are no numbers, with and without wide vectors."""
    halves = np.arange(65536, dtype=np.uint16).view(np.float16).reshape(128, 128, 4)
    source = np.zeros((128, 128, 4), np.float32)
    now = answers.say(width=128, height=128)
    now.put(FRAME, halves, patches_of(source, [(0, 0)]), alpha=True)  # type: ignore[arg-type]
    with open_host(library, STANDARD) as host, Node(host, (128, 128)) as node:
        node.edit("file", CLIP.decode("utf-8", "surrogateescape"))
        node.give(FRAME, source)
        found = node.render(FRAME).picture
    assert np.array_equal(found, halves.astype(np.float32), equal_nan=True)


def test_another_picture_is_passed_through_and_shown_to_the_daemon(
    node: Node, answers: AnswerFolder, listener: Listener
) -> None:
    answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    graded = SOURCE * np.float32(1.1)
    node.edit("badge", 0)
    node.give(FRAME, graded)
    assert np.array_equal(shown(node), graded)
    question = listener.next()
    assert (question.token, question.kind, question.frame, question.path) == (
        bytes.fromhex(TOKEN),
        AskKind.FRAME,
        FRAME,
        CLIP,
    )
    assert (question.columns, question.rows, question.flags) == (WIDTH, HEIGHT, AskFlag.SAMPLES)
    samples = np.frombuffer(question.samples, "<f2").reshape(HEIGHT, WIDTH, 3)
    assert np.array_equal(samples[::-1], graded[..., :3].astype(np.float16))
    shown(node)
    assert listener.next().samples == b""  # at most twice a second


def test_a_few_patches_may_disagree_but_not_more(node: Node, answers: AnswerFolder) -> None:
    places = [(x, y) for x in (0, 14, 28, 42) for y in (0, 20)]
    node.edit("badge", 0)
    for wrong, expected in ((1, BETTER), (2, SOURCE)):
        others = patches_of(BETTER, places[:wrong]) + patches_of(SOURCE, places[wrong:])
        answers.put(FRAME, BETTER, others)
        assert np.array_equal(shown(node), expected)


def test_the_colours_that_match_are_taken(node: Node, answers: AnswerFolder) -> None:
    now = answers.say(fits=3)
    for fit in range(3):
        now.put(FRAME, picture(10 + fit), patches_of(SOURCE if fit == 1 else BETTER, PLACES), fit=fit)
    for _ in range(2):
        assert np.array_equal(shown(node), picture(11))


def test_a_hit_tells_where_the_playhead_is(node: Node, answers: AnswerFolder, listener: Listener) -> None:
    answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    shown(node)
    assert (found := listener.next()).kind is AskKind.HERE and found.samples == b""


def test_samples_are_sent_when_the_daemon_wants_them(node: Node, answers: AnswerFolder, listener: Listener) -> None:
    answers.say(flags=StatusFlag.SAMPLES_WANTED, fits=0)
    shown(node)
    assert listener.next().columns == WIDTH


def test_thumbnails_never_ask(library: Path, answers: AnswerFolder, listener: Listener) -> None:
    with open_host(library, RESOLVE) as host, node_in(host, thumbnail=True) as node:
        assert np.array_equal(shown(node), SOURCE)  # and no badge
        assert listener.is_quiet()
        answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
        assert np.array_equal(shown(node), BETTER)
        assert listener.is_quiet()


@pytest.mark.parametrize("state", list(ShownState))
def test_the_badge_is_for_the_screen_alone(library: Path, answers: AnswerFolder, state: ShownState) -> None:
    answers.say(state=state, permyriad=4300, text="Why it is so.")
    for interactive, in_final, drawn in ((True, 0, True), (False, 0, False), (False, 1, True)):
        with open_host(library, RESOLVE) as host, node_in(host, interactive=interactive) as node:
            node.edit("badgeInFinal", in_final)
            found = shown(node)
            assert np.array_equal(found, SOURCE) is not drawn
            changed = np.argwhere((found != SOURCE).any(axis=2))
            assert not drawn or (changed[:, 0].min() > HEIGHT // 2 and len(changed) < WIDTH * HEIGHT / 3)
            node.edit("badge", 0)
            assert np.array_equal(shown(node), SOURCE)


def test_a_final_render_may_fail_on_a_frame_that_is_not_ready(library: Path, answers: AnswerFolder) -> None:
    with open_host(library, RESOLVE) as host, node_in(host, interactive=False) as node:
        node.edit("notReady", 2)
        assert node.render(FRAME, source_frame=FRAME).status == 1
        answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
        assert np.array_equal(shown(node), BETTER)


def test_a_final_render_waits_for_no_dead_daemon(library: Path, answers: AnswerFolder) -> None:
    answers.say(state=ShownState.RUNNING)
    with open_host(library, RESOLVE) as host, node_in(host, interactive=False) as node:
        node.edit("notReady", 1)
        rendered = node.render(FRAME, source_frame=FRAME)
        assert np.array_equal(rendered.picture, SOURCE) and rendered.milliseconds < 1000


def test_restore_this_clip(node: Node, answers: AnswerFolder, listener: Listener) -> None:
    shown(node)
    assert listener.next().kind is AskKind.FRAME
    node.edit("restore")
    question = listener.next()
    assert (question.kind, question.path, question.width) == (AskKind.RESTORE, CLIP, WIDTH)
    assert (question.first, question.stop) == (0, 0)  # the host's range does not hold what it shows: the whole file
    assert "was asked to restore" in node.text("status")


def test_restore_the_range_that_the_host_says(node: Node, answers: AnswerFolder, listener: Listener) -> None:
    properties = node.host.library.clip_properties(node.effect, b"Source")
    for i, value in enumerate((0, 9)):
        node.host.library.host_property_double(properties, b"OfxImageEffectPropFrameRange", i, value)
    node.render(FRAME, source_frame=86405)
    assert listener.next().frame == 86405
    node.edit("restore")
    question = listener.next()
    assert (question.first, question.stop) == (86400, 86410)


@pytest.mark.parametrize("part", ["run", "run/ofx", "cache/frames"])
def test_nothing_is_taken_from_a_folder_that_others_can_reach(
    node: Node, answers: AnswerFolder, listener: Listener, part: str
) -> None:
    answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    place = answers.home / part
    mode = place.stat().st_mode & 0o777
    node.edit("badge", 0)
    place.chmod(mode | 0o004)
    assert np.array_equal(shown(node), SOURCE)
    assert listener.is_quiet()
    node.edit("refresh")
    assert "others can reach it" in node.text("status")
    place.chmod(mode)
    assert np.array_equal(shown(node), BETTER)


@pytest.mark.parametrize("cut", [1, 8, 64 * 48 * 4, 64 * 48 * 8, 64 * 48 * 8 + 4000])
def test_a_frame_that_is_cut_off_is_not_shown(node: Node, answers: AnswerFolder, cut: int) -> None:
    file = answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    node.edit("badge", 0)
    file.write_bytes(file.read_bytes()[:-cut])
    assert np.array_equal(shown(node), SOURCE)


def test_a_pipe_in_place_of_a_file_holds_nobody_up(node: Node, answers: AnswerFolder) -> None:
    node.edit("badge", 0)
    file = answers.put(FRAME, BETTER, patches_of(SOURCE, PLACES))
    file.unlink()
    os.mkfifo(file)
    assert np.array_equal(shown(node), SOURCE)
    (answers.folder / "status").unlink()
    os.mkfifo(answers.folder / "status")
    assert np.array_equal(shown(node), SOURCE)


def test_text_of_the_daemon_is_cleaned(node: Node, answers: AnswerFolder) -> None:
    shown(node)
    answers.say(state=ShownState.FAILED, text="Caf\u00e9 \x1b[31m\u20ac", fits=0)
    node.edit("refresh")
    assert node.text("status") == "Failed. Caf\u00e9 ?[31m\u20ac"
    status = answers.folder / "status"
    status.write_bytes(status.read_bytes().replace(b"\xc3\xa9", b"\xff\xfe"))
    node.edit("refresh")
    assert node.text("status").startswith("Failed. Caf?? ")
