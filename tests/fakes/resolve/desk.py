"""The user at the desk: what is built in the project before anything is called, and what is seen afterwards."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from fakes.resolve.clip import Clip
from fakes.resolve.importing import clip_type
from fakes.resolve.item import Item
from fakes.resolve.media import Media, look_at
from fakes.resolve.pool import Folder
from fakes.resolve.project import Project
from fakes.resolve.timeline import Timeline
from fakes.resolve.times import rate_of
from fakes.resolve.truth import Shown
from fakes.resolve.words import PAGES
from fakes.resolve.world import World

__all__ = ["Desk"]


class Desk:
    """Builders return the model's own objects, which stay the same over a restart."""

    world: World

    @property
    def project(self) -> Project:
        """The open project."""
        assert self.world.project is not None, "no project is open"
        return self.world.project

    def open_project(self, name: str) -> Project:
        """Open another one, new and empty."""
        self.world.project = Project(self.world, name)
        return self.world.project

    def close_project(self) -> None:
        """Back to the project manager: none is open."""
        self.world.project = None

    @property
    def project_id(self) -> str:
        """The unique id of the open project."""
        return self.project.id

    @property
    def page(self) -> str:
        """The page that is open."""
        return self.world.page

    def open_page(self, name: str) -> None:
        """Go to a page."""
        assert name in PAGES
        self.world.page = name

    def open_timeline(self, timeline: Timeline) -> None:
        """Open one of the project's timelines."""
        assert timeline in self.project.timelines
        self.project.current = timeline

    def add_timeline(
        self,
        name: str = "Timeline 1",
        rate: str | float | Fraction = 24,
        start: str = "",
        size: tuple[int, int] = (1920, 1080),
    ) -> Timeline:
        """A new timeline, which is then the open one. rate: as 25, "23.976" or "29.97 DF"."""
        drop = "DF" in str(rate) or ";" in start
        with self.world.lock:
            made = self.project.new_timeline(name, rate_of(rate), drop, start)
            assert made is not None, f"there is a timeline {name}"
            made.size = size
            return made

    def add_clip(
        self,
        path: Path | str,
        *,
        fps: str | float | Fraction | None = None,
        start_tc: str = "",
        subclip: tuple[int, int] | None = None,
        name: str = "",
        folder: Folder | None = None,
        frames: int = 100,
        size: tuple[int, int] = (1920, 1080),
        **attributes: str,
    ) -> Clip:
        """A clip of a real file or sequence in the media pool. frames, size: of a file that cannot be read.

        subclip: its frames of the file, stop exclusive. start_tc: of frame 0 of the file. attributes: properties in
        Resolve's writing, with _ for a space.
        """
        media = look_at(path)
        if media is None:
            media = Media(str(path), "file", *size, rate_of(fps or self.project.rate), frames)
        rate = rate_of(fps) if fps is not None else media.rate or self.project.rate
        properties = {key.replace("_", " "): value for key, value in attributes.items()}
        made = Clip(
            self.world,
            media,
            rate,
            name=name,
            type=properties.pop("Type", clip_type(media)),
            part=subclip,
            start_tc=properties.pop("Start TC", start_tc),
            attributes=properties,
        )
        (folder or self.project.pool.root).clips.append(made)
        return made

    def add_nested(self, timeline: Timeline, kind: str = "Compound", name: str = "") -> Clip:
        """A clip that stands for a timeline. kind: Timeline, Compound, Multicam or Fusion."""
        made = Clip(self.world, None, timeline.rate, name=name or timeline.name, type=kind, timeline=timeline)
        self.project.pool.root.clips.append(made)
        return made

    def add_folder(self, name: str, parent: Folder | None = None) -> Folder:
        """A bin."""
        made = Folder(self.world, name)
        (parent or self.project.pool.root).folders.append(made)
        return made

    def timeline(self, name: str) -> Timeline:
        """A timeline by its name or id."""
        return next(each for each in self.project.timelines if name in (each.name, each.id))

    @property
    def opened(self) -> Timeline | None:
        """The timeline that is open."""
        return self.project.current

    def timelines(self) -> list[Timeline]:
        """All timelines of the project, oldest first."""
        return list(self.project.timelines)

    def queue(self) -> list[str]:
        """The ids of the jobs in the render queue."""
        return [job.id for job in self.project.jobs]

    def items(self, timeline: Timeline, track: int = 1, kind: str = "video") -> list[Item]:
        """What lies on a track, which need not exist."""
        found = timeline.track(kind, track)
        return list(found.items) if found else []

    def clips(self) -> list[Clip]:
        """All of the media pool that is media."""
        return [each for each in self.project.pool.clips() if each.media is not None]

    def shown(self, timeline: Timeline, record: int) -> Shown | None:
        """The picture that is seen at a record frame, None for none: of the topmost item, without its effects."""
        item = timeline.top(record)
        return None if item is None else item.shown_at(record)
