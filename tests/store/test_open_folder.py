"""A folder that is held open stays the one that was checked, wherever its name leads by then."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from answerprint.store import atomic
from answerprint.store.folders import MuxNote, remove_noted_temporary
from answerprint.store.open_folder import OpenFolder, folder_open_to_others

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no handles of folders")


class KilledError(BaseException):
    """Stands for the end of the process: nothing that cleans up after an OSError runs."""


@pytest.fixture
def swapped(tmp_path: Path) -> tuple[OpenFolder, Path]:
    """A folder that was held open, then moved away; its name leads to another's folder now."""
    theirs, out = tmp_path / "theirs", tmp_path / "out"
    theirs.mkdir()
    (theirs / "film").write_bytes(b"the source")
    out.mkdir()
    place = OpenFolder(out)
    out.rename(tmp_path / "real")
    out.symlink_to(theirs)
    return place, theirs


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_swapped_for_a_link_gets_nothing(swapped: tuple[OpenFolder, Path], overwrite: bool) -> None:
    place, theirs = swapped
    with place:
        atomic.write_bytes_at(place, "film", b"result", overwrite)
        assert not place.is_where_it_was()
    assert (theirs / "film").read_bytes() == b"the source"
    assert [each.name for each in theirs.iterdir()] == ["film"]
    assert (theirs.parent / "real" / "film").read_bytes() == b"result"


def test_a_library_that_knows_names_is_led_through_the_handle(swapped: tuple[OpenFolder, Path]) -> None:
    place, theirs = swapped
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("only Linux shows where handles lead")
    with place:
        os.close(place.create("new"))
        place.way("new").write_bytes(b"data")
        found = place.look("new")
        assert found is not None
        assert found.st_size == 4
    assert not (theirs / "new").exists()


def test_a_hidden_folder_that_became_a_link_is_not_entered(tmp_path: Path) -> None:
    with OpenFolder(tmp_path) as place:
        place.make_folder("hidden")
        (tmp_path / "hidden").rmdir()
        (tmp_path / "hidden").symlink_to("/")
        with pytest.raises(NotADirectoryError):
            OpenFolder(tmp_path / "hidden", within=place)


def no_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)


def test_a_kill_between_claim_and_rename_blocks_no_later_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*args: object, **options: object) -> None:
        raise KilledError

    job, final = tmp_path / "job", tmp_path / "film.mov"
    job.mkdir()
    note = MuxNote(job)
    no_hard_links(monkeypatch)
    with OpenFolder(tmp_path) as place:
        temporary = atomic.temporary_name()
        note.temporary(tmp_path / temporary)
        (tmp_path / temporary).write_bytes(b"film")
        with monkeypatch.context() as broken, pytest.raises(KilledError):
            real, calls = os.replace, []

            def replace(source: str, target: str, **options: int) -> None:
                calls.append(target)
                kill() if target == final.name else real(source, target, **options)

            broken.setattr(os, "replace", replace)
            place.publish(temporary, final.name, claim=note.claim)
    assert final.stat().st_size == 0, "the claim is there"
    remove_noted_temporary(job)
    assert [each.name for each in tmp_path.iterdir()] == ["job"]
    atomic.write_bytes(final, b"film")
    assert final.read_bytes() == b"film"


@pytest.mark.parametrize("content", [b"a photograph", b""])
def test_a_name_that_was_taken_is_never_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    no_hard_links(monkeypatch)
    job, final = tmp_path / "job", tmp_path / "film.mov"
    job.mkdir()
    final.write_bytes(content)
    note = MuxNote(job)
    with OpenFolder(tmp_path) as place:
        temporary = atomic.temporary_name()
        os.close(place.create(temporary))
        note.temporary(tmp_path / temporary)
        with pytest.raises(FileExistsError):
            place.publish(temporary, final.name, claim=note.claim)
    remove_noted_temporary(job)
    assert final.read_bytes() == content


def test_what_a_claim_became_is_kept(tmp_path: Path) -> None:
    job, final = tmp_path / "job", tmp_path / "film.mov"
    job.mkdir()
    note = MuxNote(job)
    note.temporary(tmp_path / atomic.temporary_name())
    note.claim(final)
    final.write_bytes(b"film")
    remove_noted_temporary(job)
    assert final.read_bytes() == b"film"


def test_a_note_of_an_older_version_is_understood(tmp_path: Path) -> None:
    temporary = atomic.temporary_beside(tmp_path / "film.mov")
    (tmp_path / "mux.json").write_text(f'{{"temporary": "{temporary}"}}')
    remove_noted_temporary(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_which_others_may_rename_is_known(tmp_path: Path) -> None:
    open_one, inner = tmp_path / "share", tmp_path / "share" / "out"
    inner.mkdir(parents=True)
    for mode, found in ((0o777, open_one), (0o1777, None), (0o775, None), (0o755, None)):
        open_one.chmod(mode)
        assert folder_open_to_others(inner) == found, oct(mode)
    inner.chmod(0o777)
    assert folder_open_to_others(inner) == inner
    assert stat.S_IMODE(inner.stat().st_mode) == 0o777, "it is looked at, and left as it is"
