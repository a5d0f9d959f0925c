"""The journal under real kills: at every step of a commit, and at moments that nobody chose."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from answerprint.api.job import JobState
from answerprint.store import failpoints
from answerprint.store.journal import Journal
from answerprint.store.recovery import recover
from answerprint.store.verify import verify_journal
from fakes.journal_child import JOB
from store.builders import FRAMES, write_chunk

TESTS = Path(__file__).parents[1]
CHILD = TESTS / "fakes" / "journal_child.py"
CHUNKS = 3

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills are those of POSIX")


def start(home: Path, fault: str = "", count: int = CHUNKS) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSWERPRINT_")}
    environment["PYTHONPATH"] = str(TESTS)
    if fault:
        environment[failpoints.VARIABLE] = fault
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(home), str(count)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def promised(lines: list[str]) -> int:
    """How many chunks the process said are durable."""
    return 1 + max((int(line.split()[1]) for line in lines if line.startswith("chunk")), default=-1)


def check(home: Path, lines: list[str]) -> None:
    """After recovery all that was promised is there, whole, and of the content that it always has."""
    path, scratch = home / "state" / "journal.db", home / "scratch"
    with Journal.open(path) as journal:
        recover(journal, scratch)
        if "added" in lines:
            chunks = journal.chunks(JOB)
            assert len(chunks) >= promised(lines)
            assert journal.get(JOB).frames_done == len(chunks) * FRAMES
    assert verify_journal(path, scratch).errors == []


def finish(home: Path, count: int = CHUNKS) -> None:
    """Another process comes to the end, and what it made is what an undisturbed one makes."""
    process = start(home, count=count)
    lines = process.communicate(timeout=60)[0].split("\n")
    assert process.returncode == 0
    assert "done" in lines
    path = home / "state" / "journal.db"
    with Journal.open(path) as journal:
        assert journal.get(JOB).state is JobState.DONE
        made = journal.chunks(JOB)
        assert made == [write_chunk(home / "expected", JOB, chunk) for chunk in range(count)]
    assert verify_journal(path, home / "scratch").errors == []


@pytest.mark.parametrize("place", ["journal_before_commit", "journal_after_commit"])
def test_a_kill_at_any_commit_loses_nothing_that_was_promised(tmp_path: Path, place: str) -> None:
    for nth in range(1, 50):
        home = tmp_path / str(nth)
        process = start(home, f"{place}:kill:{nth}")
        lines = process.communicate(timeout=60)[0].split("\n")
        if process.returncode == 0:
            assert "done" in lines
            break
        assert process.returncode == -9
        check(home, lines)
        finish(home)
    assert nth > CHUNKS + 3


def test_kills_from_outside_lose_nothing_that_was_promised(tmp_path: Path) -> None:
    """Each process is killed as soon as it has promised one chunk more; the next goes on from there."""
    count = 8
    lines: list[str] = []
    while "done" not in lines:
        before = promised(lines)
        process = start(tmp_path, count=count)
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.strip())
            if promised(lines) > before:
                process.kill()
                break
        lines += process.communicate(timeout=60)[0].split("\n")
        check(tmp_path, lines)
    assert promised(lines) == count
    finish(tmp_path, count)
