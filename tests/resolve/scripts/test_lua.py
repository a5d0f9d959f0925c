"""The Lua script: it starts the program where the edition lets it, and else says what to do instead."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from answerprint.resolve.install.scripts import LUA, Program, files, this_program

_INTERPRETERS = [each for each in ("lua5.1", "luajit") if shutil.which(each)]
pytestmark = pytest.mark.skipif(not _INTERPRETERS, reason="no Lua 5.1 or LuaJIT on this machine")

# What the free edition of Resolve 21.1 takes from a script of its menu.
_SANDBOX = "io, require, package, ffi, debug, os.execute, os.remove = nil"
_SILENCE = "print = function() end"


@pytest.fixture(params=_INTERPRETERS or ["none"])
def lua(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class LuaRunner:
    """A folder with a program that says how it was started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / 'it\'s a "program" \N{FILM FRAMES}'
        self.write('echo "$@"; echo "home=$ANSWERPRINT_HOME libs=$LD_LIBRARY_PATH"; echo aside >&2')

    def write(self, body: str) -> None:
        self.program.write_text(f"#!/bin/sh\n{body}\n")
        self.program.chmod(0o755)

    def run(self, lua: str, product: str | None, *before: str) -> subprocess.CompletedProcess[str]:
        program = Program((str(self.program), "-m", "x y"), this_program().folder, str(self.folder / "home's"), "1")
        script = self.folder / "script.lua"
        script.write_bytes(files(program)[LUA])
        lines = ["local script = assert(loadfile(arg[1]))", *before]
        if product is not None:
            lines.append(f"resolve = {{ GetProductName = function() return '{product}' end }}")
        driver = self.folder / "driver.lua"
        driver.write_text("\n".join([*lines, "script()"]))
        return subprocess.run(
            [lua, str(driver), str(script)],
            env={"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": "/nowhere", "PYTHONHOME": "/nowhere"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def runner(tmp_path: Path) -> LuaRunner:
    return LuaRunner(tmp_path)


def test_studio_starts_the_program_and_shows_what_it_says(runner: LuaRunner, lua: str) -> None:
    said = runner.run(lua, "DaVinci Resolve Studio")
    assert said.stdout.splitlines() == [
        "-m x y resolve restore --selected",
        f"home={runner.folder}/home's libs=",
        "aside",
    ]
    assert (said.returncode, said.stderr) == (0, "")


def test_a_program_that_is_not_there_is_said(runner: LuaRunner, lua: str) -> None:
    runner.program.unlink()
    said = runner.run(lua, "DaVinci Resolve Studio")
    assert "No such file" in said.stdout
    assert said.returncode == 0


def test_a_program_that_says_nothing_is_said(runner: LuaRunner, lua: str) -> None:
    runner.write("exit 1")
    assert "answerprint resolve status" in runner.run(lua, "DaVinci Resolve Studio").stdout


def test_the_free_edition_before_21_1_is_led_to_the_python_scripts(runner: LuaRunner, lua: str) -> None:
    said = runner.run(lua, "DaVinci Resolve")
    assert "install Python 3" in said.stdout
    assert "answerprint resolve queue --from FILE" in said.stdout
    assert "resolve restore" not in said.stdout
    assert said.returncode == 0


@pytest.mark.parametrize("mute", [False, True], ids=["print works", "print is mute"])
def test_the_sandbox_of_the_free_edition_is_told_in_words_what_to_do(runner: LuaRunner, lua: str, mute: bool) -> None:
    said = runner.run(lua, "DaVinci Resolve", _SANDBOX, *([_SILENCE] if mute else []))
    words = said.stderr if mute else said.stdout
    assert "From version 21.1 on, the free edition" in words
    assert "answerprint resolve queue --from FILE" in words
    assert "attempt to" not in said.stdout + said.stderr


def test_a_studio_whose_lua_starts_nothing_is_told_the_command(runner: LuaRunner, lua: str) -> None:
    assert (
        "Run in a terminal: answerprint resolve restore --selected"
        in runner.run(lua, "DaVinci Resolve Studio", _SANDBOX).stdout
    )


def test_outside_resolve_it_says_where_it_belongs(runner: LuaRunner, lua: str) -> None:
    said = runner.run(lua, None)
    assert "Run it from Resolve's menu" in said.stdout
    assert (said.returncode, said.stderr) == (0, "")


def test_a_resolve_that_raises_is_taken_for_the_free_one(runner: LuaRunner, lua: str) -> None:
    said = runner.run(lua, None, "resolve = setmetatable({}, { __index = function() error('gone') end })")
    assert "answerprint resolve queue --from FILE" in said.stdout
    assert "gone" not in said.stdout + said.stderr
