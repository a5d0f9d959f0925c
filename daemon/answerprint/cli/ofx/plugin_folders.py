"""Where hosts look for OpenFX plugins, and what lies there of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

import answerprint.ofx
from answerprint import __version__
from answerprint.cli.checks import DoctorCheck
from answerprint.errors import InputError
from answerprint.resolve.install.install import InstallState, install_state, read_install_manifest

__all__ = [
    "BUILT",
    "BUNDLE",
    "PLACE_OF_MANIFEST",
    "InstalledPlugin",
    "PluginState",
    "built_plugin",
    "named_folders",
    "plugin_at",
    "plugin_checks",
    "system_folder",
]

BUNDLE = "Answerprint.ofx.bundle"
PLACE_OF_MANIFEST = PurePosixPath(BUNDLE, "Contents", "Resources", "answerprint.json")
"""In a folder of plugins: says which files we put there."""

BUILT = Path(answerprint.ofx.__file__).parent / "plugin"
"""Where `make ofx` puts the plugin, and where it is in an installation and in a frozen bundle."""

_NAME = "Answerprint.ofx"
_SYSTEMS = {"darwin": "MacOS", "win32": "Win64"}


class PluginState(Enum):
    """What a folder of plugins holds of ours."""

    ABSENT = "not installed"
    CURRENT = "up to date"
    OTHER = "of another version"
    CHANGED = "incomplete, or not as it was installed"
    FOREIGN = "another file or folder of that name"


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """The plugin in a folder. version: "" if nobody knows."""

    folder: Path
    state: PluginState
    version: str = ""

    @property
    def path(self) -> Path:
        """The bundle."""
        return self.folder / BUNDLE


def system_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Where all hosts of this machine look for plugins."""
    environ = os.environ if environ is None else environ
    if platform == "win32":
        return Path(environ.get("CommonProgramFiles", r"C:\Program Files\Common Files")) / "OFX" / "Plugins"
    return Path("/Library/OFX/Plugins" if platform == "darwin" else "/usr/OFX/Plugins")


def named_folders(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The folders of OFX_PLUGIN_PATH, where hosts look as well."""
    environ = os.environ if environ is None else environ
    parts = environ.get("OFX_PLUGIN_PATH", "").split(os.pathsep)
    return tuple(dict.fromkeys(Path(part).expanduser().absolute() for part in parts if part))


def built_plugin() -> dict[PurePosixPath, bytes]:
    """Every file of the plugin that came with this program, by its path in a folder of plugins.

    Raises InputError if it was not built, or not for this system.
    """
    needed = PurePosixPath(BUNDLE, "Contents", _SYSTEMS.get(sys.platform, "Linux-x86-64"), _NAME)
    try:
        files = {
            PurePosixPath(path.relative_to(BUILT).as_posix()): path.read_bytes()
            for path in sorted((BUILT / BUNDLE).rglob("*"))
            if path.is_file()
        }
    except OSError as error:
        raise InputError(f"{error.filename} is not readable ({error.strerror}).", "Reinstall Answerprint.") from error
    if needed not in files:
        raise InputError(
            "This installation has no OpenFX plugin for this system.", "In a checkout of Answerprint, run: make ofx"
        )
    return files


def plugin_at(folder: Path, built: Mapping[PurePosixPath, bytes]) -> InstalledPlugin:
    """What lies in a folder of plugins. built: the plugin of this program; may be empty. Raises OSError."""
    bundle = folder / BUNDLE
    if not os.path.lexists(bundle):
        return InstalledPlugin(folder, PluginState.ABSENT)
    manifest = None if bundle.is_symlink() else read_install_manifest(folder, PLACE_OF_MANIFEST)
    if manifest is None:
        return InstalledPlugin(folder, PluginState.FOREIGN)
    states = {install_state(folder / path, hashes) for path, hashes in manifest.files.items()}
    if states != {InstallState.OURS}:
        return InstalledPlugin(folder, PluginState.CHANGED, manifest.version)
    same = manifest.version == __version__ and (
        not built
        or all(install_state(folder / path, frozenset(), data) is InstallState.OURS for path, data in built.items())
    )
    return InstalledPlugin(folder, PluginState.CURRENT if same else PluginState.OTHER, manifest.version)


def plugin_checks() -> Iterator[DoctorCheck]:
    """Check the plugin in every folder where hosts look, for `answerprint doctor`. Not installed is no problem."""
    try:
        built = built_plugin()
    except InputError as error:
        yield DoctorCheck("OpenFX plugin", True, error.message, error.remedy, note=True)
        built = {}
    found = False
    for folder in dict.fromkeys((system_folder(), *named_folders())):
        try:
            plugin = plugin_at(folder, built)
        except OSError as error:
            yield DoctorCheck(
                "OpenFX plugin", False, f"{folder} is not readable ({error.strerror})", "Check the folder."
            )
            continue
        if plugin.state is not PluginState.ABSENT:
            found = True
            yield _check(plugin)
    if built and not found:
        yield DoctorCheck("OpenFX plugin", True, "not installed; answerprint ofx install puts it where hosts look")


def _check(plugin: InstalledPlugin) -> DoctorCheck:
    version = f" (version {plugin.version})" if plugin.version else ""
    text = f"{plugin.path} is {plugin.state.value}{version}"
    if plugin.state is PluginState.CURRENT:
        return DoctorCheck("OpenFX plugin", True, text)
    if plugin.state is PluginState.FOREIGN:
        return DoctorCheck("OpenFX plugin", False, text, "Move it away, then run: answerprint ofx install")
    where = "" if plugin.folder == system_folder() else f" --folder {plugin.folder}"
    force = " --force" if plugin.state is PluginState.CHANGED else ""
    return DoctorCheck("OpenFX plugin", False, text, f"Install it again: answerprint ofx install{where}{force}")
