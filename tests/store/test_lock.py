"""One holder at a time, whatever ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from answerprint.errors import StorageError
from answerprint.store.lock import HeldError, InstanceLock

HOLD = """
import sys
from pathlib import Path
from answerprint.store.lock import HeldError, InstanceLock
sys.stdin.readline()
try:
    lock = InstanceLock(Path(sys.argv[1]))
except HeldError as error:
    print("held by", error.pid, flush=True)
    sys.exit(error.exit_code)
print("holds", flush=True)
sys.stdin.readline()
"""


def contender(path: Path) -> subprocess.Popen[str]:
    """A process that tries once it is told to, and holds until it is told again, or killed."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> int:
    process.kill()
    process.communicate(timeout=30)
    return process.returncode


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with InstanceLock(path):
        with pytest.raises(HeldError) as refusal:
            InstanceLock(path)
        assert (refusal.value.pid, refusal.value.exit_code) == (os.getpid(), 6)
        assert str(os.getpid()) in refusal.value.message
    with InstanceLock(path) as lock:
        lock.release()
        lock.release()
        InstanceLock(path).release()
    assert path.exists()


@pytest.mark.skipif(os.name == "nt", reason="file modes are those of POSIX")
def test_the_lock_is_for_its_owner_alone_and_no_link_is_followed(tmp_path: Path) -> None:
    InstanceLock(tmp_path / "lock").release()
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        InstanceLock(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        InstanceLock(tmp_path / "nowhere" / "lock")


def test_of_many_at_once_exactly_one_holds_it(tmp_path: Path) -> None:
    processes = [contender(tmp_path / "lock") for _ in range(12)]
    for process in processes:
        go(process)
    answers = [answer(process) for process in processes]
    holder = processes[answers.index("holds")]
    assert answers.count("holds") == 1
    # A loser may look before the winner has written its number.
    assert set(answers) <= {"holds", f"held by {holder.pid}", "held by None"}
    codes = [process.wait(30) for process in processes if process is not holder]
    assert set(codes) == {6}
    for process in processes:
        end(process)


def test_it_is_free_as_soon_as_its_holder_was_killed(tmp_path: Path) -> None:
    holder = contender(tmp_path / "lock")
    go(holder)
    assert answer(holder) == "holds"
    with pytest.raises(HeldError) as refusal:
        InstanceLock(tmp_path / "lock")
    assert refusal.value.pid == holder.pid
    end(holder)
    InstanceLock(tmp_path / "lock").release()
