"""Files that are not as they were: flipped bits in chunks, caches and journals; another version; another user."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from signal import SIGTERM

import pytest

from answerprint.store.rebuild import rebuild
from answerprint.store.tables.schema import VERSION
from fault.conftest import Truth
from fault.daemon import DaemonProcess, await_value
from fault.material import Decoded, decode, litter, new_job, small
from fault.promise import Watch

GOLDENS = Path(__file__).parents[1] / "goldens"
JOURNAL_EXIT_CODE = 4


def flip(path: Path, place: float = 0.5) -> None:
    """Turn one bit over."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 0x10
    path.write_bytes(data)


def half_done(daemon: DaemonProcess, clips: Path, output: Path, chunks: int = 3) -> Watch:
    """A job that was at work when its daemon was killed."""
    request = small(clips / "pan.mkv", output, codec="ffv1")
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(request))[0].id)
    watch.until("chunk", chunks)
    daemon.kill()
    return watch


def contents(folder: Path) -> dict[str, bytes]:
    """All that a user could lose."""
    idle = {"lock", "journal.db-shm"}
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name not in idle}


@pytest.mark.fault
@pytest.mark.parametrize("name", ["chunk-000000.nut", "chunk-000001.nut", "carry", "missing", "short"])
def test_a_damaged_chunk_is_found_said_and_computed_again(
    name: str, daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    watch = half_done(daemon, clips, tmp_path / "out.mkv")
    folder = daemon.scratch / watch.job
    if name == "carry":
        flip(max(folder.glob("*.carry")))
    elif name == "missing":
        (folder / "chunk-000001.nut").unlink()
    elif name == "short":
        victim = folder / "chunk-000001.nut"
        victim.write_bytes(victim.read_bytes()[:-7])
    else:
        flip(folder / name)
    assert any(str(folder) in finding.message for finding in daemon.verify().findings)

    daemon.start()
    watch.until("done")
    assert any("again" in event["message"] for event in watch.of("warning")), watch.of("warning")
    assert decode(str(tmp_path / "out.mkv")) == truth.pan
    assert not daemon.verify().errors
    assert not litter(daemon.home, tmp_path)


@pytest.mark.fault
def test_a_damaged_flow_entry_is_put_aside_and_estimated_again(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, expected: Decoded
) -> None:
    with daemon.start().client() as client:
        Watch(daemon, client.submit(new_job(small(clips / "few.mkv", tmp_path / "a.mkv", codec="ffv1")))[0].id).join()
        entries = sorted((daemon.home / "cache" / "flow" / "entries").rglob("*.flow"))
        assert len(entries) > 2
        flip(entries[0])
        entries[1].write_bytes(entries[1].read_bytes()[:40])
        shutil.copy(entries[3], entries[2])  # whole, and another's
        watch = Watch(daemon, client.submit(new_job(small(clips / "few.mkv", tmp_path / "b.mkv", codec="ffv1")))[0].id)
        watch.until("done")
    assert sum(event["flow_cache"]["misses"] for event in watch.of("chunk")) == 3
    assert len(list((daemon.home / "cache" / "flow" / "quarantine").iterdir())) == 3
    assert decode(str(tmp_path / "a.mkv")) == decode(str(tmp_path / "b.mkv")) == expected


@pytest.mark.fault
@pytest.mark.parametrize("how", ["garbage", "flipped", "short", "gone"])
def test_a_damaged_journal_is_refused_untouched_and_made_again_from_the_chunks(
    how: str, daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    watch = half_done(daemon, clips, tmp_path / "out.mkv")
    journal = daemon.journal
    if how == "gone":
        journal.unlink()  # its log stays: without the file it is of no use
    else:
        with closing(sqlite3.connect(journal)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        data = bytearray(journal.read_bytes())
        damaged = {
            "garbage": b"not a journal " * 5000,
            "flipped": bytes(data[:4096]) + bytes(2000) + bytes(data[6096:]),
            "short": bytes(data[: len(data) // 2]),
        }
        journal.write_bytes(damaged[how])
    before = contents(journal.parent)

    code, said = daemon.refused()
    assert code == JOURNAL_EXIT_CODE, said
    assert "doctor --rebuild" in said, said
    assert "Traceback" not in said
    assert contents(journal.parent) == before
    assert_rebuilt(daemon, watch)
    assert decode(str(tmp_path / "out.mkv")) == truth.pan


@pytest.mark.fault
def test_a_journal_whose_log_was_removed_is_made_again_from_the_chunks(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    watch = half_done(daemon, clips, tmp_path / "out.mkv")
    daemon.journal.with_name("journal.db-wal").unlink()  # what SQLite cannot know: the file by itself is an old one
    daemon.start()
    daemon.kill()
    assert (daemon.scratch / watch.job / "chunk-000002.nut").exists(), "chunks of a job that is not known stay"
    assert_rebuilt(daemon, watch)
    assert decode(str(tmp_path / "out.mkv")) == truth.pan


def assert_rebuilt(daemon: DaemonProcess, watch: Watch) -> None:
    """Make the journal again; all that was reported is in it, and the job is finished from there."""
    reported = watch.chunks()
    rebuild(daemon.journal, daemon.scratch)
    daemon.start()
    again = Watch(daemon, watch.job)
    again.until("done")
    assert [chunk for chunk in again.chunks() if chunk in reported] == reported
    assert not daemon.verify().errors


def test_a_journal_of_a_newer_version_is_refused_untouched(daemon: DaemonProcess) -> None:
    daemon.start()
    assert daemon.kill(SIGTERM) == 0
    with closing(sqlite3.connect(daemon.journal)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = contents(daemon.journal.parent)
    code, said = daemon.refused()
    assert code == JOURNAL_EXIT_CODE
    assert "newer" in said
    assert contents(daemon.journal.parent) == before

    with closing(sqlite3.connect(daemon.journal)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION}")
    daemon.start()


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_journal_of_an_older_version_is_copied_and_used(version: int, daemon: DaemonProcess) -> None:
    daemon.journal.parent.mkdir(parents=True)
    daemon.scratch.mkdir()
    with closing(sqlite3.connect(daemon.journal)) as connection:
        connection.executescript((GOLDENS / f"journal_v{version}.sql").read_text())
    with daemon.start().client() as client:
        assert sum(client.info().jobs.values()) == 5
    backup = daemon.journal.with_name(f"journal.db.backup-v{version}")
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone()[0] == 5


def test_a_folder_that_others_may_enter_is_refused_or_closed(daemon: DaemonProcess) -> None:
    daemon.start()
    for path, mode in {
        daemon.run: 0o700,
        daemon.run / "session.json": 0o600,
        daemon.run / "lock": 0o600,
        daemon.journal.parent: 0o700,
        daemon.journal: 0o600,
        daemon.home / "logs" / "daemon.log": 0o600,
    }.items():
        assert path.stat().st_mode & 0o777 == mode, path
    daemon.kill()
    daemon.run.chmod(0o755)
    code, said = daemon.refused()
    assert code != 0
    assert "chmod 700" in said
    daemon.run.chmod(0o700)
    daemon.journal.parent.chmod(0o755)
    daemon.start()  # what is only kept there is closed again without a word
    assert daemon.journal.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.fault
def test_a_scratch_folder_that_is_gone_is_named_and_used_again_when_it_is_back(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    watch = half_done(daemon, clips, tmp_path / "out.mkv")
    away = daemon.scratch.rename(daemon.home / "away")
    code, said = daemon.refused()
    assert code == JOURNAL_EXIT_CODE
    assert "scratch folder" in said
    away.rename(daemon.scratch)
    daemon.start()
    watch.until("done")
    chunks = watch.chunks()
    assert len({chunk.chunk for chunk in chunks}) == len(chunks), "a chunk was computed twice"
    assert decode(str(tmp_path / "out.mkv")) == truth.pan


@pytest.mark.fault
def test_files_of_others_in_the_scratch_folder_stay(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    watch = half_done(daemon, clips, tmp_path / "out.mkv")
    foreign = [daemon.scratch / "notes.txt", daemon.scratch / watch.job / "holiday.jpg"]
    for path in foreign:
        path.write_text("mine")
    (daemon.scratch / watch.job / "link").symlink_to(tmp_path)
    daemon.start()
    watch.until("done")
    assert [path.read_text() for path in foreign] == ["mine", "mine"]
    assert decode(str(tmp_path / "out.mkv")) == truth.pan


@pytest.mark.fault
def test_doctor_says_what_the_oracle_says(daemon: DaemonProcess) -> None:
    daemon.start()
    command = [sys.executable, "-m", "answerprint", "doctor", "--verify"]
    environment = {"ANSWERPRINT_HOME": str(daemon.home), "PATH": "/usr/bin:/bin"}
    await_value(lambda: subprocess.run(command, env=environment, capture_output=True).returncode == 0, 60)
    daemon.kill()
    daemon.journal.chmod(0o644)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == JOURNAL_EXIT_CODE, done.stdout
    assert "mode 644" in done.stdout
