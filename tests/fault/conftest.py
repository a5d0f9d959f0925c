"""What the tests of faults share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fault.crashes import few_frames
from fault.daemon import DaemonProcess
from fault.material import Decoded, decode, make_clip, new_job, small
from fault.promise import Watch


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own, of a short name: it has a socket in it."""
    return tmp_path_factory.mktemp("h") / "h"


@pytest.fixture
def daemon(home: Path) -> Iterator[DaemonProcess]:
    """A daemon that is not started yet; the test may still give it variables."""
    with DaemonProcess(home) as process:
        yield process


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `pan.mkv`, 14 frames, and `few.mkv`, 6 frames."""
    folder = tmp_path_factory.mktemp("clips")
    make_clip(folder / "pan.mkv")
    few_frames(folder, folder)
    return folder


class Truth:
    """What the two clips give when nothing goes wrong."""

    def __init__(self, clips: Path, folder: Path) -> None:
        requests = [small(clips / f"{name}.mkv", folder / f"{name}.mkv", codec="ffv1") for name in ("pan", "few")]
        with DaemonProcess(folder / "h").start() as process, process.client() as client:
            watches = [Watch(process, client.submit(new_job(request))[0].id) for request in requests]
            for watch in watches:
                watch.until("done")
        self.pan, self.few = (decode(request.output) for request in requests)


@pytest.fixture(scope="session")
def truth(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """What the clips give when nothing goes wrong."""
    return Truth(clips, tmp_path_factory.mktemp("t"))


@pytest.fixture
def expected(truth: Truth) -> Decoded:
    """What `few.mkv` gives when nothing goes wrong."""
    return truth.few
