"""Scripts go into Resolve's folders and out again, and nothing else is touched."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from answerprint.errors import OutputError
from answerprint.resolve.install import install as module
from answerprint.resolve.install.install import (
    MANIFEST,
    InstallState,
    install_scripts,
    read_install_manifest,
    sha256_of,
    uninstall_scripts,
)
from answerprint.resolve.install.scripts import Program
from answerprint.store.atomic import temporary_beside, write_bytes

_A, _B, _C = (PurePosixPath(each) for each in ("Utility/Answerprint/A.py", "Deliver/B.py", "Utility/Answerprint/C.py"))
_OLD = {_A: b"old a", _C: b"old c"}
_NEW = {_A: b"new a", _B: b"new b"}


def program(version: str = "2") -> Program:
    return Program(("/opt/answerprint/answerprint",), "/opt/answerprint", "", version)


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a folder, but the manifest."""
    files = (path for path in root.rglob("*") if not path.is_dir())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files if path != root / MANIFEST}


def as_tree(files: Mapping[PurePosixPath, bytes]) -> dict[str, bytes]:
    return {path.as_posix(): data for path, data in files.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder Scripts that is not there yet, as before Resolve was started."""
    return tmp_path / "DaVinciResolve" / "Fusion" / "Scripts"


def test_scripts_and_their_hashes_are_written_and_folders_are_made(root: Path) -> None:
    done = install_scripts(root, _NEW, program())
    assert tree(root) == as_tree(_NEW)
    assert root in done.made
    assert [path.relative_to(root).as_posix() for path in done.written] == ["Utility/Answerprint/A.py", "Deliver/B.py"]
    data = json.loads((root / MANIFEST).read_text())
    assert data["version"] == "2"
    assert data["program"] == ["/opt/answerprint/answerprint"]
    assert data["files"] == {path.as_posix(): [sha256_of(content)] for path, content in _NEW.items()}


def test_installing_again_writes_nothing(root: Path) -> None:
    install_scripts(root, _NEW, program())
    done = install_scripts(root, _NEW, program())
    assert (done.written, done.left, done.made) == ((), (), ())
    assert len(done.kept) == 2


def test_an_older_version_is_replaced_and_what_is_gone_is_removed(root: Path) -> None:
    install_scripts(root, _OLD, program("1"))
    done = install_scripts(root, _NEW, program("2"))
    assert tree(root) == as_tree(_NEW)
    assert done.removed == (root / _C,)


def test_uninstalling_leaves_no_trace(root: Path, tmp_path: Path) -> None:
    install_scripts(root, _OLD, program("1"))
    install_scripts(root, _NEW, program("2"))
    done = uninstall_scripts(root, _NEW)
    assert done.was
    assert list(tmp_path.iterdir()) == []


def test_uninstalling_where_nothing_is_changes_nothing(root: Path, tmp_path: Path) -> None:
    assert not uninstall_scripts(root, _NEW).was
    assert list(tmp_path.iterdir()) == []


def test_folders_and_files_of_others_stay(root: Path) -> None:
    (root / "Deliver").mkdir(parents=True)
    (root / "Deliver" / "theirs.lua").write_bytes(b"theirs")
    (root / "Comp").mkdir()
    install_scripts(root, _NEW, program())
    uninstall_scripts(root, _NEW)
    assert tree(root) == {"Deliver/theirs.lua": b"theirs"}
    assert (root / "Comp").is_dir()
    assert not (root / "Utility").exists()


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_a_file_of_the_same_name_that_is_not_ours_is_left_until_forced(root: Path, tmp_path: Path, kind: str) -> None:
    target, elsewhere = root / _B, tmp_path / "elsewhere"
    target.parent.mkdir(parents=True)
    elsewhere.write_bytes(b"theirs")
    if kind == "file":
        target.write_bytes(b"theirs")
    elif kind == "link":
        target.symlink_to(elsewhere)
    else:
        target.mkdir()
    done = install_scripts(root, _NEW, program())
    assert [(each.path, each.state) for each in done.left] == [(target, InstallState.FOREIGN)]
    assert not (target.is_file() and target.read_bytes() != b"theirs")
    assert (root / _A).read_bytes() == b"new a"

    done = install_scripts(root, _NEW, program(), force=True)
    assert target.read_bytes() == b"new b"
    assert not target.is_symlink()
    assert [path.name for path in done.backups] == ["B.py.backup1"]
    assert elsewhere.read_bytes() == b"theirs"
    uninstall_scripts(root, _NEW)
    assert os.path.lexists(done.backups[0])
    assert not target.exists()


def test_a_script_that_its_user_changed_is_left_until_forced(root: Path) -> None:
    install_scripts(root, _OLD, program("1"))
    (root / _A).write_bytes(b"mine")
    done = install_scripts(root, _NEW, program("2"))
    assert [(each.path, each.state) for each in done.left] == [(root / _A, InstallState.CHANGED)]
    assert (root / _A).read_bytes() == b"mine"
    again = install_scripts(root, _NEW, program("2"))
    assert again.left == done.left

    forced = install_scripts(root, _NEW, program("2"), force=True)
    assert (root / _A).read_bytes() == b"new a"
    assert [path.read_bytes() for path in forced.backups] == [b"mine"]
    (root / _A).write_bytes(b"mine again")
    forced = install_scripts(root, _NEW, program("2"), force=True)
    assert [path.name for path in forced.backups] == ["A.py.backup2"]


def test_a_script_that_its_user_changed_survives_uninstalling(root: Path) -> None:
    install_scripts(root, _NEW, program())
    (root / _A).write_bytes(b"mine")
    done = uninstall_scripts(root, _NEW)
    assert [each.path for each in done.left] == [root / _A]
    assert tree(root) == {"Utility/Answerprint/A.py": b"mine"}


def test_a_changed_script_that_this_version_no_longer_has_stays(root: Path) -> None:
    install_scripts(root, _OLD, program("1"))
    (root / _C).write_bytes(b"mine")
    done = install_scripts(root, _NEW, program("2"))
    assert [each.path for each in done.left] == [root / _C]
    assert (root / _C).read_bytes() == b"mine"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"schema_version": 2}', None])
def test_without_a_manifest_only_what_is_ours_word_for_word_is_ours(root: Path, damage: bytes | None) -> None:
    install_scripts(root, _NEW, program())
    (root / _B).write_bytes(b"theirs")
    if damage is None:
        (root / MANIFEST).unlink()
    else:
        (root / MANIFEST).write_bytes(damage)
    done = install_scripts(root, _NEW, program())
    assert [(each.path, each.state) for each in done.left] == [(root / _B, InstallState.FOREIGN)]
    assert read_install_manifest(root) is not None
    (root / MANIFEST).unlink()
    uninstall_scripts(root, _NEW)
    assert tree(root) == {"Deliver/B.py": b"theirs"}


@pytest.mark.parametrize("path", ["../../precious", "/precious", "a/../../../precious", "..\\precious"])
def test_a_manifest_that_points_outside_is_not_believed(root: Path, path: str) -> None:
    install_scripts(root, _NEW, program())
    precious = root.parents[1] / "precious"
    precious.write_bytes(b"precious")
    data = json.loads((root / MANIFEST).read_text())
    data["files"][path] = [sha256_of(b"precious")]
    (root / MANIFEST).write_text(json.dumps(data))
    uninstall_scripts(root, _NEW)
    install_scripts(root, _NEW, program())
    assert precious.read_bytes() == b"precious"


def test_a_killed_installation_leaves_nothing_that_is_not_known_as_ours(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Die at the first, second... script, with a temporary file left behind; then another version is installed."""
    for last in range(len(_NEW)):
        writes = 0

        def write(path: Path, data: bytes, overwrite: bool = False, last: int = last) -> None:
            nonlocal writes
            if path != root / MANIFEST:
                if writes == last:
                    temporary_beside(path)
                    raise KeyboardInterrupt
                writes += 1
            write_bytes(path, data, overwrite)

        install_scripts(root, _OLD, program("1"))
        with monkeypatch.context() as patched:
            patched.setattr(module, "write_bytes", write)
            with pytest.raises(KeyboardInterrupt):
                install_scripts(root, _NEW, program("2"))
        done = install_scripts(root, {_A: b"newest a", _B: b"newest b"}, program("3"))
        assert done.left == ()
        assert tree(root) == {"Utility/Answerprint/A.py": b"newest a", "Deliver/B.py": b"newest b"}
        uninstall_scripts(root, {})
        assert not root.exists()


def test_a_folder_that_cannot_be_made_is_named_with_the_remedy_and_works_when_it_can(root: Path) -> None:
    root.parent.mkdir(parents=True)
    root.write_text("in the way")
    with pytest.raises(OutputError) as caught:
        install_scripts(root, _NEW, program())
    assert str(root) in caught.value.message
    assert "--all-users" in caught.value.remedy
    root.unlink()
    assert install_scripts(root, _NEW, program()).written


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="an administrator may write anywhere")
def test_a_folder_that_is_read_only_is_named(root: Path) -> None:
    root.mkdir(parents=True)
    root.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        install_scripts(root, _NEW, program())
    root.chmod(0o700)
    assert install_scripts(root, _NEW, program()).written
