"""What the user of Resolve does and sees: builders of projects, timelines and clips, and the frames shown."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from fakes.resolve.api_values import PAGES
from fakes.resolve.clip import Clip
from fakes.resolve.importing import clip_type
from fakes.resolve.item import Item
from fakes.resolve.media import Media, look_at
from fakes.resolve.pool import Folder
from fakes.resolve.project import Project
from fakes.resolve.shown_frames import Shown
from fakes.resolve.timeline import Timeline
from fakes.resolve.times import rate_of
from fakes.resolve.world import World

__all__ = ["UserActions"]


class UserActions:
    """Builders return the fake's own objects, which survive a restart."""

    world: World

    @property
    def project(self) -> Project:
        """The open project."""
        assert self.world.project is not None, "no project is open"
        return self.world.project

    def open_project(self, name: str) -> Project:
        """Open a new, empty project."""
        self.world.project = Project(self.world, name)
        return self.world.project

    def close_project(self) -> None:
        """Close the project, as in the project manager."""
        self.world.project = None

    @property
    def project_id(self) -> str:
        """The unique id of the open project."""
        return self.project.id

    @property
    def page(self) -> str:
        """The open page."""
        return self.world.page

    def open_page(self, name: str) -> None:
        """Open a page."""
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
        """Create and open a timeline. rate: as 25, "23.976" or "29.97 DF"."""
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
        """Add a clip of a real file or sequence to the media pool. frames, size: used if the file is not readable.

        subclip: its frames of the file, stop exclusive. start_tc: of frame 0 of the file. attributes: clip attributes
        by Resolve's names, with _ for a space.
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
        """Add a clip that holds a timeline. kind: Timeline, Compound, Multicam or Fusion."""
        made = Clip(self.world, None, timeline.rate, name=name or timeline.name, type=kind, timeline=timeline)
        self.project.pool.root.clips.append(made)
        return made

    def add_folder(self, name: str, parent: Folder | None = None) -> Folder:
        """Add a bin."""
        made = Folder(self.world, name)
        (parent or self.project.pool.root).folders.append(made)
        return made

    def timeline(self, name: str) -> Timeline:
        """A timeline by its name or id."""
        return next(each for each in self.project.timelines if name in (each.name, each.id))

    @property
    def opened(self) -> Timeline | None:
        """The open timeline."""
        return self.project.current

    def timelines(self) -> list[Timeline]:
        """All timelines of the project, oldest first."""
        return list(self.project.timelines)

    def queue(self) -> list[str]:
        """The ids of the jobs in the render queue."""
        return [job.id for job in self.project.jobs]

    def items(self, timeline: Timeline, track: int = 1, kind: str = "video") -> list[Item]:
        """The items of a track; none if there is no such track."""
        found = timeline.track(kind, track)
        return list(found.items) if found else []

    def clips(self) -> list[Clip]:
        """All clips of the media pool that have media."""
        return [each for each in self.project.pool.clips() if each.media is not None]

    def shown(self, timeline: Timeline, record: int) -> Shown | None:
        """The frame shown at a record frame, None if there is none: of the top item, without its effects."""
        item = timeline.top(record)
        return None if item is None else item.shown_at(record)
