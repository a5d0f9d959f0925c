"""Make the picture of the node in the README: `python -m ofx.picture`. Source, wipe and restored frame, side by side.

A part of a public clip is degraded as in the demonstration, restored by the daemon, and rendered by the node in the
host, whose timeline is as large as the restored clip. `make demo` fetches the clip.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from answerprint.api.job import ENDED, JobState
from answerprint.api.request import RestoreRequest
from answerprint.media import open_reader, probe
from answerprint.metrics.comparison import Case, read_truth
from answerprint.metrics.degradations import Degradation, degrade_clip
from answerprint.metrics.evaluation import write_clip
from answerprint.metrics.rivals.base import enlarge
from answerprint.training.fetch import clips_folder
from fault.daemon import DaemonProcess, await_value
from fault.material import new_job
from ofx.compiling import OFX_SOURCES, compile_c
from ofx.host import RESOLVE, Node, open_host

__all__ = ["main"]

_CASE = Case(
    clips_folder() / "bigbuckbunny.mp4",
    first=20,
    frames=10,
    crop=(512, 288),
    degradation=Degradation.parse("blur=1.2,noise=10,jpeg=70"),
)
_SIZE = (512, 288)
_STILL = 5
_SHOWN = (24, 344)
"""Columns of each of the three pictures."""
_BORDER = 122
"""Of the wipe: in the middle of the face."""
_SOURCE, _WIPE, _RESTORED = 1, 2, 0
_PICTURE = Path(__file__).parents[2] / "docs" / "openfx.jpg"


def _render(plugin: Path, film: Path) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    with open_reader(probe(film)) as reader:
        source = enlarge([frame.picture for frame in reader][_STILL : _STILL + 1], _SIZE)[0]
    seen = np.dstack([source, np.ones(source.shape[:2], np.float32)]).astype(np.float32)
    ways, pause = replace(RESOLVE, premultiplication="OfxImageOpaque"), threading.Event()
    pictures = []
    with open_host(plugin, ways) as host, Node(host, _SIZE, path=film, parameters={"badge": 0}) as node:
        node.give(_STILL, seen)
        while np.array_equal(node.render(_STILL).picture, seen):
            node.edit("refresh")
            pause.wait(0.1)
        node.edit("wipePosition", float(_BORDER), 0.0)
        for show in (_SOURCE, _WIPE, _RESTORED):
            node.edit("show", show)
            pictures.append(node.render(_STILL).picture[:, slice(*_SHOWN), :3])
    pictures[1][:, _BORDER - _SHOWN[0]] = 1.0  # a host draws the border
    return pictures


def main() -> int:
    """Write docs/openfx.jpg."""
    with tempfile.TemporaryDirectory(prefix="ofx") as folder:
        film, restored = Path(folder) / "damaged.mkv", Path(folder) / "restored.mkv"
        damaged = degrade_clip(read_truth(_CASE), _CASE.scale, _CASE.degradation, _CASE.seed, _CASE.first)
        write_clip(film, damaged, probe(_CASE.clip).rate)
        home = Path(folder) / "home"
        os.environ["ANSWERPRINT_HOME"] = str(home)
        with DaemonProcess(home) as daemon, daemon.start().client() as client:
            request = RestoreRequest.from_json({"input": str(film), "output": str(restored), "codec": "ffv1"})
            job, _ = client.submit(new_job(request))
            await_value(lambda: client.get(job.id).state in ENDED, 3600)
            assert client.get(job.id).state is JobState.DONE, client.get(job.id).problem
            pictures = _render(compile_c("answerprint.ofx", OFX_SOURCES), film)
    line = np.ones((_SIZE[1], 4, 3), np.float32)
    whole = np.concatenate([pictures[0], line, pictures[1], line, pictures[2]], 1)
    codes = np.ascontiguousarray(np.rint(np.clip(whole, 0, 1) * 255).astype(np.uint8)[..., ::-1])
    cv2.imwrite(str(_PICTURE), codes, [cv2.IMWRITE_JPEG_QUALITY, 90])
    sys.stdout.write(f"{_PICTURE}: {_PICTURE.stat().st_size / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
