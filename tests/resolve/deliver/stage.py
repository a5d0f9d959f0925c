"""A user at work in Resolve, with a clip that only Resolve can read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np

from answerprint.api.types import MediaInfo
from answerprint.media.probe import probe
from answerprint.resolve.api import Resolve, Timeline, TimelineItem
from answerprint.resolve.bridge.bridge import Bridge, BridgeValue
from answerprint.resolve.deliver import RenderedFile, RenderOrder, Steering, render_through
from answerprint.resolve.errors import HangingError, ResolveError
from fakes.resolve import FakeResolve
from fakes.resolve.clip import Clip
from fakes.resolve.item import Item as FakeItem
from fakes.resolve.timeline import Timeline as FakeTimeline
from media.makers import number_in

__all__ = ["SIZE", "Fault", "Stage", "break_at", "facts_of", "numbers", "set_stage"]

T = TypeVar("T")
SIZE = (96, 64)


def facts_of(path: Path) -> MediaInfo:
    """What the media child would say."""
    found = probe(path)
    return MediaInfo(
        str(path),
        found.kind == "sequence",
        found.width,
        found.height,
        found.rate,
        found.frames,
        start_timecode=found.start_timecode or "",
        start_number=found.start_number,
        rate_is_assumed=found.rate_is_assumed,
    )


def numbers(path: Path) -> list[int]:
    """The source frame that each frame of a file shows."""
    files = sorted(path.parent.glob(f"*{path.suffix}")) if "%" in path.name else [path]
    found = []
    for file in files:
        with av.open(str(file)) as container:
            grey = [each.to_ndarray(format="gray").astype(np.float32) / 255 for each in container.decode(video=0)]
            found += [number_in(each.astype(np.float32)) for each in grey]
    return found


@dataclass(slots=True)
class Stage:
    """fake: what the user sees. folder: where renders go."""

    fake: FakeResolve
    timeline: FakeTimeline
    clip: Clip
    item: FakeItem
    folder: Path

    def resolve(self) -> Resolve:
        """A new attachment."""
        return Resolve(self.fake.bridge().root)

    def steering(self, **options: Any) -> Steering:  # noqa: ANN401 - those of Steering
        """Waits for the render itself, without a clock."""
        ticks = itertools.count()
        quick = Steering(wait=lambda seconds: self.fake.wait_for_rendering(), clock=lambda: float(next(ticks)))
        return replace(quick, **options)

    def order(self, **options: Any) -> RenderOrder:  # noqa: ANN401 - those of RenderOrder
        """Four frames of the clip."""
        return replace(RenderOrder("A001", self.folder, "source", 10, 14, False), **options)

    def render(
        self, resolve: Resolve | None = None, order: RenderOrder | None = None, steering: Steering | None = None
    ) -> RenderedFile:
        """Render the item."""
        resolve = resolve or self.resolve()
        timeline = only(each for each in resolve.project().timelines() if each.id() == self.timeline.id)
        return render_through(
            resolve,
            timeline,
            self.handle(timeline),
            order or self.order(),
            facts_of,
            steering or self.steering(),
        )

    def handle(self, timeline: Timeline) -> TimelineItem:
        """The item, as the API gives it."""
        found = (each for track in range(1, timeline.tracks() + 1) for each in timeline.items(track))
        return only(each for each in found if each.id() == self.item.id)

    def state(self) -> dict[str, object]:
        """All that is the user's."""
        project, world = self.fake.project, self.fake.world
        return {
            "page": world.page,
            "timeline": None if project.current is None else project.current.name,
            "timelines": [each.name for each in project.timelines],
            "tracks": [[track.enabled for track in each.tracks["video"]] for each in project.timelines],
            "items": [[item.id for item in each.all_items()] for each in project.timelines],
            "bin": project.pool.current.name,
            "clips": [each.name for each in project.pool.clips()],
            "presets": sorted(world.presets),
            "format": (project.form, project.codec, project.mode),
            "settings": dict(project.render_settings),
            "queue": [each.id for each in project.jobs],
        }


def only(found: Iterable[T]) -> T:
    """The first; a call that went wrong may have hidden it."""
    for each in found:
        return each
    raise ResolveError("Resolve does not show it.")


def set_stage(fake: FakeResolve, tmp_path: Path, **options: Any) -> Stage:  # noqa: ANN401 - those of add_clip and place
    """A camera file in its bin, a timeline with it, a preset and a job in the queue; the colour page is open."""
    file = tmp_path / "A001.braw"
    file.write_bytes(b"of a camera")
    place: dict[str, Any] = {"source": (10, 30)}
    place |= {name: options.pop(name) for name in ("source", "speed", "track", "record") if name in options}
    rate = options.pop("rate", 24)
    timeline_options = {name: options.pop(name) for name in ("timeline_rate",) if name in options}
    camera = fake.add_folder("Camera")
    values: dict[str, Any] = {"fps": rate, "start_tc": "10:00:00:00", "size": SIZE, "frames": 60, "folder": camera}
    clip = fake.add_clip(file, **(values | options))
    timeline = fake.add_timeline("Reel 1", rate=timeline_options.get("timeline_rate", rate), size=SIZE)
    item = timeline.place(clip, **place)
    fake.project.pool.current = camera
    fake.world.presets["Mine"] = {"format": "mov", "codec": "H264", "mode": 1, "settings": {"TargetDir": str(tmp_path)}}
    fake.project.render_settings |= {"TargetDir": str(tmp_path), "MarkIn": item.start, "MarkOut": item.stop - 1}
    fake.project.AddRenderJob()
    fake.world.page = "color"
    renders = tmp_path / "renders"
    renders.mkdir()
    return Stage(fake, timeline, clip, item, renders)


class Fault(Exception):
    """Whatever else ends a program."""


def break_at(bridge: Bridge, number: int, how: str) -> Callable[[], int]:
    """Let the call with that number, 1 being the next, go wrong; gives how many were made.

    how: `nothing` (not done, no answer), `error` (not done), `error after` (done), `lost` and `lost after` (and no call
    from then on), `ended` (something else ends the program there).
    """
    ask, counted, lost = bridge.request, [0], [False]

    def request(asked: dict[str, object], seconds: float) -> BridgeValue:
        if lost[0]:
            raise HangingError("Resolve did not answer.")
        if "call" not in asked:
            return ask(asked, seconds)
        counted[0] += 1
        if counted[0] != number:
            return ask(asked, seconds)
        if how.endswith("after"):
            ask(asked, seconds)
        if how.startswith("lost"):
            lost[0] = True
            raise HangingError("Resolve did not answer.")
        if how == "ended":
            raise Fault
        if how == "nothing":
            return None
        raise ResolveError("Resolve cannot do it.")

    bridge.request = request  # type: ignore[method-assign, assignment]
    return lambda: counted[0]
