"""The whole way: a film with burned-in numbers, restored by the daemon, and shown by the node in the host.

The film is decoded and laid into the host's picture here, by other code than the daemon's, as a host does. The node
must then show, for every frame, what the restored file holds at that number.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from answerprint.api.job import ENDED, JobRecord, JobState
from answerprint.client.client import Client
from answerprint.media import open_reader, probe
from fault.daemon import await_value
from fault.material import new_job, small
from media.makers import make_movie, make_png, number_in
from ofx.host import RESOLVE, Node, Ways, open_host
from ofx.pictures import scene

__all__ = [
    "SITUATIONS",
    "Picture",
    "Prepared",
    "Shown",
    "Situation",
    "as_seen",
    "follow",
    "follow_all",
    "make_film",
    "opaque_resolve",
    "prepare",
]

Picture = NDArray[np.float32]
FRAMES = 5
CODE = 1 / 1023
_LONGEST_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Situation:
    """A film, what is restored of it, and how a host shows it.

    size: px of the film, its pixels `aspect` wide. number: of the first file of a sequence. part: frames that are
    restored. counts: what the host adds to the index of a frame. timeline: px of the host's picture; None: the film's.
    convert: what the host does to colours. running: look before the job has ended. tolerance: largest mean difference
    from the restored file, which is 0 where nothing is scaled or converted.
    """

    name: str
    size: tuple[int, int] = (96, 54)
    aspect: Fraction = Fraction(1)
    rate: Fraction = Fraction(25)
    timecode: str | None = None
    number: int | None = None
    part: tuple[int, int] | None = None
    scale: str = "1"
    counts: int = 0
    timeline: tuple[int, int] | None = None
    convert: Callable[[Picture], Picture] | None = None
    running: bool = False
    frames: int = FRAMES
    tolerance: float = 0.6 * CODE


def _to_light(picture: Picture) -> Picture:
    return np.asarray(np.maximum(picture, 0) ** np.float32(2.4), np.float32)


NTSC = Fraction(30000, 1001)
FILM = Fraction(24000, 1001)
SITUATIONS: tuple[Situation, ...] = (
    Situation("the whole file"),
    Situation("a trim", part=(1, 4)),
    Situation("a subclip with a timecode of its own", part=(2, 5), timecode="10:00:00:00", counts=10 * 90000),
    Situation("a sequence by its numbers", number=101, counts=101),
    Situation("a sequence from 0", number=1001),
    Situation("23.976", rate=FILM, timecode="01:00:00:00"),
    Situation("drop frame, counted from its timecode", rate=NTSC, timecode="01:00:00;00", counts=107892),
    Situation("source start 01:00:00:00", timecode="01:00:00:00", counts=90000),
    Situation("restored x4 in a larger timeline", size=(64, 36), scale="4", timeline=(256, 144)),
    Situation("a half-resolution proxy", timeline=(48, 27), tolerance=2 * CODE),
    # Its frames still have all their colour, of which the file then keeps half.
    Situation("a job that is running", running=True, frames=12, tolerance=4 * CODE),
    Situation("letterbox", size=(96, 40), timeline=(96, 54)),
    Situation("another colour in the host", convert=_to_light, tolerance=2 * CODE),
    Situation("anamorphic", size=(48, 54), aspect=Fraction(2), timeline=(96, 54), tolerance=4 * CODE),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the node showed in a situation. wrong: frames with another number, or too far from the restored file.

    difference: the largest mean difference from the restored file, where 1 is white. seconds: until the first frame.
    """

    situation: Situation
    frames: int
    wrong: int
    difference: float
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A film and its job."""

    situation: Situation
    path: Path
    output: Path
    job: JobRecord


def _numbered_scene(index: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A moving scene whose upper quarter carries the number."""
    width, height = size
    picture = scene(width, height, at=3 * index, seed=7, grain=0)
    band = height // 4
    stripes = np.repeat([0.8 if index >> bit & 1 else 0.2 for bit in range(8)], width // 8)
    picture[:band] = stripes[None, :, None]
    return np.asarray(np.rint(picture * 255), np.uint8)


def make_film(situation: Situation, folder: Path) -> tuple[Path, str]:
    """The file, as the host names it, and as a job names it."""
    pictures = [_numbered_scene(index, situation.size) for index in range(situation.frames)]
    if situation.number is not None:
        for index, picture in enumerate(pictures):
            make_png(folder / f"plate.{situation.number + index:06}.png", picture.astype(np.uint16) * 257)
        return folder / f"plate.{situation.number:06}.png", str(folder / "plate.%06d.png")
    frames = [
        VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p", dst_colorspace="ITU709")
        for picture in pictures
    ]
    film = make_movie(
        folder / "film.mov", frames, rate=situation.rate, aspect=situation.aspect, timecode=situation.timecode,
        tags=(1, 1, 1, 1), options={"g": "1", "preset": "ultrafast", "qp": "4"},
    )  # fmt: skip
    return film, str(film)


def prepare(situations: Sequence[Situation], folder: Path, client: Client) -> list[Prepared]:
    """Make the films and queue their jobs."""
    prepared = []
    for number, situation in enumerate(situations):
        place = folder / f"s{number}"
        place.mkdir()
        path, name = make_film(situation, place)
        more: dict[str, object] = {"scale": situation.scale, "codec": "ffv1"}
        if situation.part:
            more["range"] = "{}:{}".format(*situation.part)
        if situation.running:
            more["steps"] = 4
        job, _ = client.submit(new_job(small(Path(name), place / "restored.mkv", **more)))
        prepared.append(Prepared(situation, path, place / "restored.mkv", job))
    return prepared


def _full(chroma: Picture) -> Picture:
    """Twice as large, linear: samples lie at every second pixel of a row, and in the middle between two rows."""
    beside = np.concatenate([chroma[:, 1:], chroma[:, -1:]], 1)
    wide = np.stack([chroma, (chroma + beside) / 2], 2).reshape(chroma.shape[0], -1)
    above, below = np.concatenate([wide[:1], wide[:-1]]), np.concatenate([wide[1:], wide[-1:]])
    full = np.stack([wide * 0.75 + above * 0.25, wide * 0.75 + below * 0.25], 1).reshape(-1, wide.shape[1])
    return np.asarray(full, np.float32)


def _to_rgb(frame: VideoFrame) -> Picture:
    """BT.709, in video levels of 8 bits, chroma halved both ways."""
    planes = np.asarray(frame.to_ndarray(), np.float32)
    height, width = frame.height, frame.width
    luma = (planes[:height] - 16) / 219
    halves = planes[height:].reshape(2, height // 2, width // 2)
    blue, red = (_full(np.asarray((half - 128) / 224, np.float32)) for half in halves)
    green = luma - 0.187324 * blue - 0.468124 * red
    return np.asarray(np.dstack([luma + 1.5748 * red, green, luma + 1.8556 * blue]), np.float32)


def _decoded(path: Path) -> list[Picture]:
    """What a host sees: the frames in RGB."""
    if path.suffix == ".png":
        files = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in sorted(path.parent.glob("*.png"))]
        return [np.asarray(each[..., ::-1] / 65535, np.float32) for each in files if each is not None]
    with av.open(str(path)) as container:
        return [_to_rgb(frame) for frame in container.decode(video=0)]


def _restored(path: Path) -> list[Picture]:
    with open_reader(probe(str(path))) as reader:
        return [np.asarray(frame.picture[..., :3], np.float32) for frame in reader]


def _laid(picture: Picture, situation: Situation) -> Picture:
    """In the host's picture: as large as fits, in the middle, the rest black; then in the host's colours; RGBA."""
    width, height = situation.timeline or situation.size
    across, down = picture.shape[1] * float(situation.aspect), float(picture.shape[0])
    scale = min(width / across, height / down)
    size = (round(across * scale), round(down * scale))
    if size != (picture.shape[1], picture.shape[0]):
        smaller = size[0] < picture.shape[1]
        method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        picture = cv2.resize(picture, size, interpolation=method)
    laid = np.zeros((height, width, 3), np.float32)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    laid[top : top + size[1], left : left + size[0]] = picture
    if situation.convert:
        laid = situation.convert(laid)
    return np.dstack([laid, np.ones((height, width), np.float32)])


def _number_of(picture: Picture, situation: Situation) -> int:
    height, width = picture.shape[:2]
    across, down = situation.size[0] * float(situation.aspect), float(situation.size[1])
    clip = round(down * min(width / across, height / down))
    top = (height - clip) // 2
    band = picture[top + 1 : top + clip // 4 - 1, :, :3]
    return number_in(band ** np.float32(1 / 2.4) if situation.convert else band)


def _await_restored(node: Node, at: int, number: int, source: Picture) -> Picture:
    """The picture, once it is another one than the source."""
    pause, deadline = threading.Event(), time.monotonic() + _LONGEST_SECONDS
    while True:
        picture = node.render(at, source_frame=number).picture
        if not np.array_equal(picture, source.astype(np.float32)):
            return picture
        if time.monotonic() > deadline:
            node.edit("refresh")
            raise AssertionError(f"frame {number} did not come: {node.text('status')}")
        pause.wait(0.05)


def as_seen(case: Prepared) -> list[Picture]:
    """The host's picture at every frame of the film."""
    return [_laid(picture, case.situation) for picture in _decoded(case.path)]


def opaque_resolve() -> Ways:
    """Resolve with clips that have no alpha."""
    return replace(RESOLVE, premultiplication="OfxImageOpaque")


def follow(case: Prepared, plugin: Path, client: Client) -> Shown:
    """Show every restored frame of a situation, and compare it with the restored file."""
    situation = case.situation
    sources = as_seen(case)
    first, stop = situation.part or (0, situation.frames)
    started = time.monotonic()
    if not situation.running:
        done = await_value(lambda: client.get(case.job.id) if client.get(case.job.id).state in ENDED else None)
        assert done.state is JobState.DONE, done.problem
    height, width = sources[0].shape[:2]
    shown: dict[int, Picture] = {}
    with (
        open_host(plugin, opaque_resolve()) as host,
        Node(host, (width, height), path=case.path, parameters={"badge": 0}) as node,
    ):
        started = time.monotonic()
        for index in range(first, stop):
            node.give(index, sources[index])
            shown[index] = _await_restored(node, index, index + situation.counts, sources[index])
            if index == first:
                seconds = time.monotonic() - started
                early = client.get(case.job.id).state
    note = f"the job was {early.name.lower()}" if situation.running else ""
    assert not situation.running or early is JobState.RUNNING, early
    await_value(lambda: client.get(case.job.id).state in ENDED)
    restored = _restored(case.output)
    wrong, most = 0, 0.0
    for index, picture in shown.items():
        expected = _laid(restored[index - first], replace(situation, aspect=_left_aspect(situation, restored[0])))
        difference = float(np.abs(picture - expected).mean())
        most = max(most, difference)
        wrong += _number_of(picture, situation) != index or difference > situation.tolerance
    return Shown(situation, len(shown), wrong, most, seconds, note)


def _left_aspect(situation: Situation, restored: Picture) -> Fraction:
    """The aspect of the restored pixels: that of the film, whose shape it keeps."""
    return situation.aspect * Fraction(situation.size[0] * restored.shape[0], situation.size[1] * restored.shape[1])


def follow_all(situations: Sequence[Situation], folder: Path, plugin: Path, client: Client) -> Iterator[Shown]:
    """Every situation, one after the other, through one daemon."""
    for number, situation in enumerate(situations):
        place = folder / f"w{number}"
        place.mkdir()
        (case,) = prepare([situation], place, client)
        yield follow(case, plugin, client)
