"""Memory that runs out: each way of working takes less than the one before, and what was reached holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerprint.store.failpoints import VARIABLE
from fault.crashes import few_frames
from fault.daemon import DaemonProcess
from fault.material import Decoded, decode, litter, new_job
from fault.promise import Watch, broken_promises

pytestmark = pytest.mark.fault


def ooms(*numbers: int) -> str:
    """A variable that lets memory run out so often."""
    return ",".join(f"after_denoise:oom:{number}" for number in numbers)


def submit(daemon: DaemonProcess, clips: Path, output: Path) -> Watch:
    with daemon.client() as client:
        return Watch(daemon, client.submit(new_job(few_frames(clips, output)))[0].id)


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_memory_that_runs_out_once_costs_a_try_and_no_picture(
    nth: int, daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    daemon.env[VARIABLE] = ooms(nth)
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    watch.until("done")
    assert [event["rung"] for event in watch.of("adapted")] == [1]
    assert "failed" not in watch.kinds()
    assert decode(str(tmp_path / "out.mkv")) == expected


def test_the_way_that_was_reached_is_kept_over_a_crash_and_gives_the_same(
    daemon: DaemonProcess, clips: Path, tmp_path: Path
) -> None:
    daemon.env[VARIABLE] = ooms(2, 3, 4)
    undisturbed = submit(daemon.start(), clips, tmp_path / "undisturbed.mkv")
    undisturbed.until("done")
    assert [event["rung"] for event in undisturbed.of("adapted")] == [1, 2, 3]
    daemon.kill()

    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    watch.until("adapted", 3)
    daemon.kill()
    del daemon.env[VARIABLE]
    daemon.start()
    watch.until("done")
    assert [event["rung"] for event in watch.of("adapted")] == [1, 2, 3], "it began anew on an upper rung"
    assert not broken_promises(daemon, [watch]).lost
    assert decode(str(tmp_path / "out.mkv")) == decode(str(tmp_path / "undisturbed.mkv"))


def test_after_the_last_way_the_job_fails_with_the_reason_and_can_be_tried_again(
    daemon: DaemonProcess, clips: Path, tmp_path: Path
) -> None:
    daemon.env[VARIABLE] = ooms(2, 3, 4, 5, 6)
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(few_frames(clips, tmp_path / "out.mkv")))[0].id)
        problem = watch.until("failed")["problem"]
        assert "Out of memory" in problem["message"], problem
        assert problem["remedy"]
        assert [event["rung"] for event in watch.of("adapted")] == [1, 2, 3, 4]
        assert len(watch.chunks()) == 1
        assert not daemon.verify().errors
        client.retry(watch.job)
    watch.again()
    watch.until("done")
    assert not broken_promises(daemon, [watch]).lost
    assert not litter(daemon.home, tmp_path)


def test_memory_that_runs_out_while_a_model_loads_fails_the_job_and_no_other(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    daemon.env[VARIABLE] = "load_model:oom:1"
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(few_frames(clips, tmp_path / "out.mkv")))[0].id)
        other = Watch(daemon, client.submit(new_job(few_frames(clips, tmp_path / "other.mkv")))[0].id)
        problem = watch.until("failed")["problem"]
        assert "does not fit into the device's memory" in problem["message"], problem
        other.until("done")
        client.retry(watch.job)
        watch.again()
        watch.until("done")
    assert decode(str(tmp_path / "out.mkv")) == decode(str(tmp_path / "other.mkv")) == expected


def test_a_crash_while_a_model_loads_is_tried_again(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    once = tmp_path / "once"
    once.touch()
    daemon.env |= {VARIABLE: "load_model:abort:1", "ANSWERPRINT_FAILPOINT_ONCE": str(once)}
    watch = submit(daemon.start(), clips, tmp_path / "out.mkv")
    watch.until("done")
    assert any("SIGABRT" in event["message"] for event in watch.of("warning"))
    assert decode(str(tmp_path / "out.mkv")) == expected
