"""Atomic files: complete or absent, never over what is not ours."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from answerprint.store import atomic
from answerprint.store.quota import storage_error


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_written_bytes_stand_under_the_final_name_alone(tmp_path: Path) -> None:
    atomic.write_bytes(tmp_path / "a", b"data")
    assert (tmp_path / "a").read_bytes() == b"data"
    assert names(tmp_path) == ["a"]


def test_an_existing_file_is_kept_without_overwrite(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        atomic.write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_overwrite_replaces_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old and long")
    atomic.write_bytes(tmp_path / "a", b"new", overwrite=True)
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_link_under_the_final_name_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        atomic.write_bytes(tmp_path / "a", b"data")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_failing_disk_leaves_nothing_and_works_once_it_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, step, fail)
        with pytest.raises(OSError, match="No space"):
            atomic.write_bytes(tmp_path / "a", b"data")
    assert names(tmp_path) == []
    atomic.write_bytes(tmp_path / "a", b"data")
    assert names(tmp_path) == ["a"]


def test_a_filesystem_without_hard_links_still_refuses_to_replace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    atomic.write_bytes(tmp_path / "a", b"data")
    assert (tmp_path / "a").read_bytes() == b"data"
    with pytest.raises(FileExistsError):
        atomic.write_bytes(tmp_path / "a", b"new")
    assert names(tmp_path) == ["a"]


def test_temporary_names_are_hidden_and_never_repeat(tmp_path: Path) -> None:
    first, second = (atomic.temporary_beside(tmp_path / "a.mov") for _ in range(2))
    assert first != second
    assert all(path.name.startswith(atomic.TEMPORARY_PREFIX) for path in (first, second))


def test_a_file_that_is_not_finished_is_told_by_the_folder_that_it_is_for(tmp_path: Path) -> None:
    hidden = atomic.temporary_beside(tmp_path / "out.mov")
    for path in (hidden, hidden / "inside"):
        told = storage_error(OSError(errno.EIO, "Input/output error"), path).message
        assert told == f"A file being written in {tmp_path} could not be written or read (Input/output error)."
    assert str(tmp_path / "out.mov") in storage_error(OSError(errno.EIO, "broken"), tmp_path / "out.mov").message
