"""An editor's machine for tests: a film with numbers burned in, a timeline, Resolve, and the installed program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from answerprint.media import open_reader, probe
from answerprint.resolve.restore.settings import RestoreSettings, remember_settings
from fakes.resolve import FakeResolve
from fakes.resolve.clip import Clip
from fakes.resolve.item import Item
from fakes.resolve.timeline import Timeline
from media.makers import make_movie, number_in

__all__ = ["RATE", "START", "Workstation", "shared_home"]

RATE = Fraction(30000, 1001)
START = "01:00:00;00"


@contextmanager
def shared_home(folder: Path, *, held: bool = False) -> Iterator[Path]:
    """The home of one daemon for several suites, whose models stay warm. held: it begins no job."""
    _answerprint(folder, "daemon", "start").check_returncode()
    if held:
        _answerprint(folder, "queue", "suspend").check_returncode()
    yield folder
    _answerprint(folder, "daemon", "stop")


def _answerprint(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "answerprint", *arguments],
        env={**os.environ, **variables, "ANSWERPRINT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


class Workstation:
    """An editor's machine: a film, a timeline with some of it, and the installed program."""

    def __init__(self, folder: Path, fake: FakeResolve, put: str = "pool", home: Path | None = None) -> None:
        """put: as the project was last restored. home: of a daemon that others use as well, see `shared_home`."""
        self.folder, self.fake = folder, fake
        self.film = make_movie(
            folder / "film.mov", 60, codec="mpeg4", options={"g": "1"}, rate=RATE, timecode="10:00:00;00"
        )
        self.timeline: Timeline = fake.add_timeline("Reel 1", rate="29.97 DF", start=START, size=(256, 192))
        self.clip = fake.add_clip(self.film)
        self.item: Item = self.timeline.place(self.clip, track=1, record=self.timeline.start + 10, source=(20, 32))
        self.home = home or folder / "h"
        settings = RestoreSettings(put=put, handles=2, settings={"steps": 1})
        remember_settings(self.home / "state" / "resolve" / "wishes", fake.project_id, settings)

    def run(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """Run the program; its events."""
        with self.fake.serving() as variables:
            done = _answerprint(self.home, *arguments, "--json", **variables, HOME=str(self.folder))
        assert done.returncode == code, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def close(self) -> None:
        """End Resolve and the daemon: what still begins to follow jobs finds the one gone, and starts no other."""
        self.fake.quit()
        _answerprint(self.home, "daemon", "stop")

    def install(self) -> Path:
        """Put the scripts into Resolve's menu; returns their folder."""
        root = Path(self.run("resolve", "install")[0]["folder"])
        assert root.is_relative_to(self.folder)
        return root / "Utility" / "Answerprint"

    def script(self, path: Path, **environ: str) -> str:
        """Run a script as Resolve's menu does, where no window but Resolve's own can be opened; what it says."""
        done = self.fake.run_script(path, timeout=240, environ={"HOME": str(self.folder), "DISPLAY": "", **environ})
        assert done.code == 0, done.output
        assert "Traceback" not in done.output
        return done.output

    def restored(self) -> list[Clip]:
        """What is in the media pool beside the film."""
        return [clip for clip in self.fake.clips() if clip is not self.clip]

    def numbers(self, path: str) -> list[int]:
        """The numbers that are burned into a file's frames."""
        with open_reader(probe(path)) as reader:
            return [number_in(frame.picture) for frame in reader]

    def seen(self, record: int, timeline: Timeline | None = None) -> int:
        """The number that is burned into the picture at a record frame."""
        shown = self.fake.shown(timeline or self.timeline, record)
        assert shown is not None
        return self.numbers(shown.path)[shown.frame]

    def shows_restored(self, item: Item) -> list[int]:
        """The numbers that are burned into what lies over all of an item; fails where that is not restored."""
        assert item.timeline is not None
        shown = [self.fake.shown(item.timeline, record) for record in range(item.start, item.stop)]
        assert all(each is not None and each.path != str(self.film) for each in shown)
        return [self.seen(record, item.timeline) for record in range(item.start, item.stop)]

    def shows_film(self, item: Item) -> bool:
        """Whether the film itself is seen over all of an item."""
        assert item.timeline is not None
        shown = [self.fake.shown(item.timeline, record) for record in range(item.start, item.stop)]
        return all(each is not None and each.path == str(self.film) for each in shown)
