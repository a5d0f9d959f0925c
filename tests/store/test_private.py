"""A home that others may write to is closed, or refused, before anything in it is believed."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from answerprint.errors import InputError
from answerprint.home import config_file, home, logs_folder, models_folder, scratch_folder, state_folder
from answerprint.store.private import close_home, openings

pytestmark = pytest.mark.skipif(os.name == "nt", reason="file modes are those of POSIX")

root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs to be two users")
NOBODY = 65534


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that is ours; the umask lets everyone in."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    umask = os.umask(0)
    yield home()
    os.umask(umask)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_home_is_its_users_alone_whatever_the_umask() -> None:
    assert close_home(create=True) == []
    assert {mode(each) for each in (home(), models_folder(), logs_folder(), logs_folder().parent)} == {0o700}
    assert not scratch_folder().exists(), "one that is gone is not made in silence: chunks lay there"
    assert list(openings()) == []


@pytest.mark.parametrize("bits", [0o777, 0o775, 0o757])
@pytest.mark.parametrize("where", [home, state_folder, scratch_folder, models_folder, logs_folder])
def test_what_is_ours_and_open_is_closed_and_that_is_said(where: Callable[[], Path], bits: int) -> None:
    folder = where()
    folder.mkdir(parents=True)
    home().chmod(0o755)
    folder.chmod(bits)
    assert [each.path for each in openings()] == [folder]
    assert mode(folder) == bits, "looking changes nothing"
    assert close_home(create=False) == [f"Other users could write to {folder}. Permissions corrected."]
    assert mode(folder) == bits & ~0o022
    assert close_home(create=False) == []


def test_settings_that_others_may_write_are_closed() -> None:
    home().mkdir(mode=0o700)
    config_file().write_text("")
    assert mode(config_file()) == 0o666
    assert close_home(create=False)
    assert mode(config_file()) == 0o644


def test_a_folder_for_everyone_is_no_home_and_stays_as_it_is() -> None:
    home().mkdir()
    home().chmod(0o1777)
    with pytest.raises(InputError, match="Other users can write to") as refused:
        close_home(create=True)
    assert "ANSWERPRINT_HOME" in refused.value.remedy
    assert mode(home()) == 0o1777
    assert list(home().iterdir()) == []


@root
@pytest.mark.parametrize("where", [home, state_folder, config_file])
def test_what_belongs_to_another_is_refused(where: Callable[[], Path]) -> None:
    path = where()
    home().mkdir(mode=0o700, exist_ok=True)
    if path != home():
        path.touch()
    os.chown(path, NOBODY, NOBODY)
    with pytest.raises(InputError, match="belongs to another user"):
        close_home(create=False)


@root
def test_models_of_another_are_used_and_said(tmp_path: Path) -> None:
    """A studio keeps its models in one place."""
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    os.chown(shared, NOBODY, NOBODY)
    home().mkdir(mode=0o700)
    models_folder().symlink_to(shared)
    (said,) = close_home(create=True)
    assert "belongs to another user" in said


@root
def test_an_access_list_lets_nobody_in_either(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as reachable:
        Path(reachable).chmod(0o755)
        monkeypatch.setenv("ANSWERPRINT_HOME", f"{reachable}/home")
        home().mkdir(mode=0o755)
        try:
            os.setxattr(home(), "system.posix_acl_access", access_list(NOBODY))
        except (AttributeError, OSError):
            pytest.skip("the disk has no access lists")
        if not others_write():
            pytest.skip("another user cannot come here at all")
        assert close_home(create=False)
        assert not others_write()


def access_list(user: int) -> bytes:
    """What lets that user write, as the kernel reads it: version, then tag, permissions and id of each entry."""
    nobody = 0xFFFFFFFF
    entries = ((0x01, 7, nobody), (0x02, 7, user), (0x04, 5, nobody), (0x10, 7, nobody), (0x20, 5, nobody))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)


def others_write() -> bool:
    """Whether an unprivileged user can make a file in the home."""
    program = f"import os; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY}); open({str(home() / 'x')!r}, 'x')"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 0
    (home() / "x").unlink(missing_ok=True)
    return done
