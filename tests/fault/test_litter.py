"""What a killed muxer leaves beside the output is known, and goes also when its job is given up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from answerprint.store.failpoints import VARIABLE
from fault.crashes import few_frames
from fault.daemon import DaemonProcess, await_value
from fault.material import litter, new_job
from fault.promise import Watch

pytestmark = pytest.mark.fault


@pytest.mark.parametrize("pattern", ["out.mkv", "plate.%04d.png"])
def test_what_a_killed_muxer_was_writing_goes_when_its_job_is_cancelled(
    pattern: str, daemon: DaemonProcess, clips: Path, tmp_path: Path
) -> None:
    daemon.env[VARIABLE] = "mux_before_publish:hang"
    job = new_job(replace(few_frames(clips, tmp_path / pattern), codec=None))
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(job)[0].id)
        watch.until("muxing")
        await_value(lambda: litter(tmp_path))
        daemon.kill()
        assert litter(tmp_path)
        daemon.start()
        client.cancel(watch.job)
        watch.until("cancelled")
        await_value(lambda: not litter(tmp_path))
    assert not list(tmp_path.iterdir())
