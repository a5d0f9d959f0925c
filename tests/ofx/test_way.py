"""The whole way: a clip restored by the daemon, and the plugin in a host that shows it, frame by frame."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from answerprint.ofx.curves import Values
from answerprint.ofx.layout import layouts, rendered_in
from ofx.clips import SIZE, make_clip, make_sequence, pictures_of
from ofx.compiling import compiler
from ofx.host import NATRON, RESOLVE, Node, Ways, open_host
from ofx.pictures import CONVERSIONS, Conversion
from ofx.studio import Studio
from server.harness import await_until

pytestmark = [
    pytest.mark.skipif(compiler() is None, reason="needs a C compiler, or the package ziglang"),
    pytest.mark.skipif(os.name == "nt", reason="the daemon of these tests listens at a Unix socket"),
]

PATIENCE_SECONDS = 120.0
RESOLVE_OPAQUE = replace(RESOLVE, premultiplication="OfxImageOpaque")
_UNTOUCHED = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a person does with a clip. size: of the timeline. frames: of the file that the node shows, from 0.

    origin: what the host counts frame 0 as. conversion: of colours, before the node.
    """

    name: str
    suffix: str = ".mkv"
    rate: Fraction = Fraction(25)
    timecode: str | None = None
    range: str | None = None
    frames: tuple[int, int] = (0, 4)
    origin: int = 0
    scale: str = "1"
    size: tuple[int, int] = SIZE
    conversion: str = _UNTOUCHED
    sequence: bool = False
    wait: bool = True
    ways: Ways = RESOLVE_OPAQUE


SITUATIONS = [
    Situation(name="the whole clip"),
    Situation(name="a trimmed clip", range="1:3", frames=(1, 3)),
    Situation(
        name="a subclip that counts on", range="2:4", frames=(2, 4), suffix=".mov", timecode="00:00:10:00", origin=250
    ),
    Situation(name="a sequence by its numbers", sequence=True, origin=1001),
    Situation(name="23.976", rate=Fraction(24000, 1001), suffix=".mov", timecode="01:00:00:00", origin=86400),
    Situation(name="drop frame", rate=Fraction(30000, 1001), suffix=".mov", timecode="01:00:00;00", origin=107892),
    Situation(name="a start at 01:00:00:00", suffix=".mov", timecode="01:00:00:00", origin=90000),
    Situation(name="twice its size in a larger timeline", scale="2", size=(192, 108)),
    Situation(name="four times its size in a smaller timeline", scale="4", size=(192, 108)),
    Situation(name="half a proxy", size=(48, 27)),
    Situation(name="bars at the sides", size=(128, 54)),
    Situation(name="a running job", wait=False),
    Situation(name="ACEScct", conversion="ACEScct"),
    Situation(name="halves, with a file named in the node", ways=NATRON),
]


def shown_by_host(picture: Values, size: tuple[int, int], convert: Conversion) -> NDArray[np.float32]:
    """The picture of the host [H, W, 4], as it lays a source or a restored frame into its own."""
    across, down = picture.shape[1], picture.shape[0]
    layout = layouts((across, down), Fraction(1), size)[0]
    whole = np.zeros((size[1], size[0], 4), np.float32)
    whole[..., 3] = 1
    rectangle = convert(rendered_in(picture.astype(np.float32), layout).astype(np.float64))
    whole[layout.y : layout.y + layout.height, layout.x : layout.x + layout.width, :3] = rectangle
    return whole


def render_until_shown(node: Node, frame: int, source: NDArray[np.float32]) -> NDArray[np.float32]:
    """Render as a host plays, until the node shows something else than its source."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    node.give(frame, source)
    while True:
        shown = node.render(frame)
        assert shown.status == 0
        if not shown.identity and not np.array_equal(shown.picture, source):
            return shown.picture
        assert time.monotonic() < deadline, node.text("status")
        time.sleep(0.05)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
def test_every_frame_of_the_node_is_that_of_the_deliverable(
    studio: Studio, plugin: Path, monkeypatch: pytest.MonkeyPatch, situation: Situation
) -> None:
    source, restored = _restored(studio, situation)
    convert = CONVERSIONS.get(situation.conversion, lambda values: values)
    monkeypatch.setenv("ANSWERPRINT_HOME", str(studio.home))
    parameters: dict[str, float | str] = {"badge": 0.0}
    if not situation.ways.source_extras:
        parameters |= {"file": str(source)}
    pictures = pictures_of(source)
    with (
        open_host(plugin, situation.ways) as host,
        Node(host, situation.size, path=str(source), parameters=parameters) as node,
    ):
        found = {}
        for index in range(*situation.frames):
            given = shown_by_host(pictures[index], situation.size, convert).astype(np.float16).astype(np.float32)
            given[..., :3] += np.float32(1e-5)  # no half holds it: what the node makes is never the same
            found[index] = render_until_shown(node, index + situation.origin, given)
    await_until(restored.exists)
    deliverable = pictures_of(restored)
    exact = situation.scale == "2" or (situation.scale == "1" and situation.size == SIZE)
    for place, picture in enumerate(found.values()):
        wanted = shown_by_host(deliverable[place], situation.size, convert)
        assert float(np.abs(picture - wanted).max()) <= (1e-3 if exact else 0.02)
    assert len(found) == len(deliverable)


def _restored(studio: Studio, situation: Situation) -> tuple[Path, Path]:
    """The source and its deliverable."""
    folder = studio.folder / f"way {situation.name}"
    if situation.sequence:
        source = make_sequence(folder, 1001)
    else:
        folder.mkdir()
        source = make_clip(folder / f"clip{situation.suffix}", 4, rate=situation.rate, timecode=situation.timecode)
    more = {} if situation.range is None else {"range": situation.range}
    _, output = studio.restore(source, wait=situation.wait, scale=situation.scale, **more)
    return source, output
