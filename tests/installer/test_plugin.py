"""The OpenFX plugin as it is built: for all systems, with the same bytes, and with nothing that is not needed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import plistlib
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from installer.bundle import ROOT

EXPORTS = {"OfxGetNumberOfPlugins", "OfxGetPlugin", "OfxSetHost"}


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a program, not a module of the package
    monkeypatch.syspath_prepend(str(ROOT / "installer"))
    return importlib.import_module("plugin")


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="no C compiler for ELF")
def test_a_library_of_this_machine_exports_only_the_entries(plugin: Any, tmp_path: Path) -> None:  # noqa: ANN401
    library = tmp_path / "Answerprint.ofx"
    plugin.build_here(library, flags=("-O0",))
    found = importlib.import_module("binary").read_binary(library.read_bytes())
    assert found.exports == EXPORTS
    assert found.needs <= {"libc.so.6", "libm.so.6"}


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="no C compiler for ELF")
def test_a_forgotten_name_is_found(plugin: Any, tmp_path: Path) -> None:  # noqa: ANN401
    library = tmp_path / "Answerprint.ofx"
    plugin.build_here(library, flags=("-O0", "-fvisibility=default"))
    with pytest.raises(RuntimeError, match="render_frame"):
        plugin._check(library.read_bytes(), plugin.SYSTEMS[0])


def test_the_bundle_says_what_it_is(plugin: Any) -> None:  # noqa: ANN401
    header = (ROOT / "ofx" / "effect.h").read_text("utf-8")
    assert f'#define PLUGIN_IDENTIFIER "{plugin.IDENTIFIER}"' in header
    information = plistlib.loads(plugin._information())
    assert information["CFBundleIdentifier"] == plugin.IDENTIFIER
    icon = plugin._icon()
    assert struct.unpack(">II", icon[16:24]) == (64, 64) and len(icon) < 8000


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs the package ziglang")
def test_two_builds_in_two_places_are_equal(plugin: Any, tmp_path: Path) -> None:  # noqa: ANN401
    """For all systems: exports, needs and sizes are checked by the build itself."""
    built: list[dict[str, bytes]] = []
    for name in ("one", "another place"):
        root = tmp_path / name
        for part in ("ofx", "installer"):
            shutil.copytree(ROOT / part, root / part)
        (root / "daemon" / "answerprint").mkdir(parents=True)
        shutil.copy(ROOT / "daemon" / "answerprint" / "__init__.py", root / "daemon" / "answerprint")
        cache = {"ZIG_GLOBAL_CACHE_DIR": str(ROOT / "build" / "zig-cache")}  # its runtimes take minutes
        program = root / "installer" / "plugin.py"
        subprocess.run([sys.executable, program], check=True, env={**os.environ, **cache}, capture_output=True)
        bundle = root / "daemon" / "answerprint" / "ofx" / "plugin" / plugin.BUNDLE
        built.append({str(path.relative_to(bundle)): path.read_bytes() for path in bundle.rglob("*") if path.is_file()})
    assert built[0] == built[1]
    assert {Path(name).parts[1] for name in built[0]} == {
        "Info.plist", "Linux-x86-64", "MacOS", "Resources", "Win64"
    }  # fmt: skip
    for name, data in built[0].items():
        assert len(data) <= 400_000, name
        assert str(tmp_path).encode() not in data and b"/ofx/" not in data
