"""Fail points: nothing without the variable, and with it exactly what it says."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from answerprint.store import failpoints

REACH = """
import sys
from answerprint.store.failpoints import reach
for _ in range(3):
    reach("after_decode")
    print("went on", flush=True)
"""


@pytest.fixture(autouse=True)
def _count_from_one() -> None:
    failpoints.reset()


def run(fault: str, once: str = "") -> tuple[int, int]:
    """Exit code of a process that passes the place three times, and how often it went on."""
    environment = {**os.environ, failpoints.VARIABLE: fault}
    if once:
        environment[failpoints.ONCE_VARIABLE] = once
    done = subprocess.run([sys.executable, "-c", REACH], env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.count("went on")


def test_nothing_happens_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(failpoints.VARIABLE, raising=False)
    failpoints.reach("after_decode")


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize(("action", "code"), [("kill", -9), ("abort", -6), ("exit", 1)])
def test_the_process_ends_as_asked(action: str, code: int) -> None:
    assert run(f"after_decode:{action}") == (code, 0)
    assert run(f"after_decode:{action}:3") == (code, 2)
    assert run(f"after_denoise:{action}") == (0, 3)
    assert run(f"after_decode:{action}:4") == (0, 3)


def test_a_hanging_process_goes_on_no_more() -> None:
    environment = {**os.environ, failpoints.VARIABLE: "after_decode:hang:2"}
    process = subprocess.Popen([sys.executable, "-c", REACH], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "went on\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.kill()
    assert process.communicate(timeout=30)[0] == ""


@pytest.mark.parametrize(("action", "code"), [("raise-enospc", errno.ENOSPC), ("raise-eio", errno.EIO)])
def test_the_disk_fails_once(action: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(failpoints.VARIABLE, f"load_model:kill,before_receipt:{action}:2")
    failpoints.reach("before_receipt")
    with pytest.raises(OSError, match=re.escape(os.strerror(code))) as failure:
        failpoints.reach("before_receipt")
    assert failure.value.errno == code
    failpoints.reach("before_receipt")


def test_memory_runs_out_as_it_does_on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(failpoints.VARIABLE, "load_model:oom,load_model:oom:2")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with pytest.raises(MemoryError):
        failpoints.reach("load_model")
    device = types.SimpleNamespace(OutOfMemoryError=type("OutOfMemoryError", (RuntimeError,), {}))
    monkeypatch.setitem(sys.modules, "torch", device)
    with pytest.raises(device.OutOfMemoryError):
        failpoints.reach("load_model")


def test_a_process_that_takes_over_is_spared(tmp_path: Path) -> None:
    once = tmp_path / "once"
    once.touch()
    assert run("after_decode:exit:2", str(once)) == (1, 1)
    assert not once.exists()
    assert run("after_decode:exit:2", str(once)) == (0, 3)


@pytest.mark.parametrize("text", ["nowhere:kill", "after_decode:explode", "after_decode:kill:x", "after_decode"])
def test_a_variable_that_names_no_place_or_action_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(failpoints.VARIABLE, text)
    with pytest.raises(ValueError, match="cannot be"):
        failpoints.reach("after_decode")


def test_a_frozen_bundle_has_no_fail_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(failpoints.VARIABLE, "after_decode:raise-eio")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    failpoints.reach("after_decode")
