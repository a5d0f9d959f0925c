"""The host for the tests: it serves an independent plugin, and notices every breach that this plugin commits."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ofx.compiling import compile_c, compiler
from ofx.host import FUSION, NATRON, NUKE, RESOLVE, STANDARD, BreachError, Host, Node, Ways, open_host

pytestmark = pytest.mark.skipif(compiler() is None, reason="needs a C compiler, or the package ziglang")

SAMPLE = Path(__file__).parent / "host" / "sample.c"
BREACHES = [
    name.strip()
    for name in re.search(r"enum \{(.*?)\}", SAMPLE.read_text("utf-8"), re.DOTALL)[1].split(",")  # type: ignore[index]
    if name.strip()
]
NOTICED = {
    "UNKNOWN_PROPERTY": "no such property",
    "WRONG_TYPE": "it holds a double",
    "WRONG_INDEX": "it has 1 values",
    "WRONG_COUNT": "3 values",
    "READ_ONLY_PROPERTY": "read only",
    "SET_PARAMETER_IN_RENDER": "not allowed in this action",
    "SECRET_IN_RENDER": "set in an action of render threads",
    "KEEP_IMAGE": "was not released",
    "RELEASE_TWICE": "released before",
    "WRITE_SOURCE": "was written to",
    "WRITE_OUTSIDE": "outside of the render window",
    "LEAVE_PIXELS": "were not written",
    "TIME_NOT_ASKED": "frames needed were",
    "KEEP_MEMORY": "left 1 blocks",
    "KEEP_IMAGE_MEMORY": "not freed",
    "KEEP_MUTEX": "left 1 mutexes",
    "CHANGE_LOOP": "a loop",
    "UNKNOWN_CLIP": "no such clip",
    "UNKNOWN_PARAMETER": "no such parameter",
    "DESCRIBE_LATE": "only a describe action",
    "IMAGE_IN_IDENTITY": "no images in this action",
    "STALE_HANDLE": "not, or no longer, a property set",
    "FOREIGN_MEMORY": "no block of the host's memory",
    "QUESTION_IN_RENDER": "a question in a render thread",
}
SIZE = (24, 10)


@pytest.fixture(scope="module")
def sample() -> Path:
    return compile_c("sample.ofx", [SAMPLE])


def picture(seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    values = np.random.default_rng(seed).random((SIZE[1], SIZE[0], 4), np.float32)
    values[..., 3] = 1
    return values.astype(np.float16).astype(np.float32)


@pytest.fixture
def node(sample: Path) -> Iterator[Node]:
    with open_host(sample) as host, Node(host, SIZE) as made:
        for time in range(20):
            made.give(time, picture(time))
        yield made


@pytest.mark.parametrize("ways", [STANDARD, NUKE, FUSION, replace(RESOLVE, origin=(2, -1))], ids=lambda ways: ways.name)
def test_every_kind_of_host_serves_a_plugin(sample: Path, ways: Ways) -> None:
    with open_host(sample, ways) as host, Node(host, SIZE, path="/films/a.mov") as node:
        node.give(3, picture())
        expected = picture()
        expected[..., :3] *= 2
        assert np.array_equal(node.render(3).picture, expected)
        node.edit("gain", 1.0)
        shown = node.render(3)
        assert shown.identity and np.array_equal(shown.picture, picture())
        assert node.text("note") == "changed"


def test_the_table_names_every_breach() -> None:
    assert set(NOTICED) == set(BREACHES) - {"NONE"}


@pytest.mark.parametrize("breach", NOTICED)
def test_the_host_notices(sample: Path, breach: str) -> None:
    with pytest.raises(BreachError, match=NOTICED[breach]), open_host(sample) as host, Node(host, SIZE) as node:
        for time in (5, 12):
            node.give(time, picture())
        node.edit("breach", BREACHES.index(breach))
        node.render(5)


def test_a_plugin_may_ask_for_frames_around_only_if_the_host_has_them(sample: Path) -> None:
    with open_host(sample, replace(STANDARD, temporal=False, skip=4)) as host, Node(host, SIZE) as node:
        for time in (5, 12):
            node.give(time, picture())
        with pytest.raises(BreachError, match="temporal access"):
            node.edit("breach", BREACHES.index("TIME_NOT_ASKED"))
            node.render(5)
        node.edit("breach", 0)


def test_half_images_are_no_business_of_a_plugin_for_floats(sample: Path) -> None:
    with open_host(sample) as host:
        assert host.described("OfxImageEffectPropSupportedPixelDepths") == ["OfxBitDepthFloat"]
    assert NATRON.half


def test_threads_render_at_once(node: Node) -> None:
    wrong: list[int] = []

    def work(slot: int) -> None:
        for time in range(slot, slot + 12):
            expected = picture(time)
            expected[..., :3] *= 2
            if not np.array_equal(node.render_unchecked(time, slot=slot).picture, expected):
                wrong.append(time)

    threads = [threading.Thread(target=work, args=(slot,)) for slot in range(8)]
    for slot in range(8):
        node.render(0, slot=slot)  # so that each has its output
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong
    node.host.check()


def test_a_window_within_the_frame(node: Node) -> None:
    shown = node.render(1, window=(3, 2, 20, 8)).picture
    assert np.array_equal(shown[2:8, 3:20, :3], picture(1)[2:8, 3:20, :3] * 2)


def test_overlays_are_drawn_where_the_host_has_them(node: Node, sample: Path) -> None:
    overlay = node.interact()
    assert overlay and overlay.act("Draw") == 0 and overlay.drawn == 1
    overlay.close()
    with open_host(sample, RESOLVE) as host, Node(host, SIZE) as other:
        assert other.interact() is None


def test_a_file_that_is_no_plugin(tmp_path: Path) -> None:
    path = tmp_path / "nothing.ofx"
    path.write_bytes(b"no library")
    with pytest.raises(BreachError, match=r"nothing\.ofx"):
        Host(path)


def test_loading_many_times_leaves_nothing(sample: Path) -> None:
    for _ in range(50):
        with open_host(sample):
            pass
    assert str(sample) not in Path("/proc/self/maps").read_text()
