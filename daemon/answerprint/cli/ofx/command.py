"""`answerprint ofx`: install, uninstall and status."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from answerprint import __version__
from answerprint.cli.actions import Actions
from answerprint.cli.context import Context
from answerprint.cli.ofx.plugin_folders import (
    BUNDLE,
    PLACE_OF_MANIFEST,
    PluginState,
    built_plugin,
    named_folders,
    plugin_at,
    plugin_checks,
    system_folder,
)
from answerprint.errors import InputError, JobFailedError, OutputError
from answerprint.resolve.install.install import Left, install_scripts, uninstall_scripts
from answerprint.resolve.install.scripts import this_program
from answerprint.text import counted

__all__ = ["add_arguments", "run"]

_EPILOG = """\
The plugin shows restored frames on a node in DaVinci Resolve, Nuke, Fusion, Flame, Natron and other OpenFX hosts.

examples:
  sudo answerprint ofx install
  answerprint ofx install --folder ~/OFX
  answerprint ofx status
"""

_INSTALL = """\
Hosts find the plugin when they are started the next time, under Answerprint. Without administrator rights, install it
into a folder of your own, and name that folder in the environment variable OFX_PLUGIN_PATH of the host.

Files that you changed or that are not from Answerprint are left as they are; --force replaces them and keeps a backup.

examples:
  sudo answerprint ofx install
  answerprint ofx install --folder ~/OFX

exit code: 4 if a file could not be replaced
"""

_UNINSTALL = """\
Removes the plugin's files and the folders that were created for them. Files that you changed, and plugins of others,
are kept. Nodes in projects stay, and show their source.
"""

_STATUS = """\
Looks into the folder of the system and those of OFX_PLUGIN_PATH. Changes nothing.

exit code: 0 if no problem was found, else 4
"""

_NEXT = "Start your host anew: the node is called Answerprint."


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    actions = Actions(parser)
    install = actions.add("install", "install or update the OpenFX plugin", _INSTALL)
    install.add_argument("--force", action="store_true", help="replace other files of the same name, and keep a backup")
    uninstall = actions.add("uninstall", "remove the OpenFX plugin", _UNINSTALL)
    for action in (install, uninstall):
        action.add_argument("--folder", metavar="DIR", help=f"a folder of plugins (default: {system_folder()})")
    actions.add("status", "show where the OpenFX plugin is installed", _STATUS)


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
    return {"install": _install, "uninstall": _uninstall, "status": _status}[args.action](args, context)


def _folder(args: Namespace) -> Path:
    return Path(args.folder).expanduser().absolute() if args.folder else system_folder()


def _install(args: Namespace, context: Context) -> int:
    folder, files = _folder(args), built_plugin()
    _refuse_foreign(folder)
    try:
        done = install_scripts(folder, files, this_program(all_users=True), force=args.force, place=PLACE_OF_MANIFEST)
    except OutputError as error:
        raise OutputError(error.message, _remedy(args)) from error
    found = folder in (system_folder(), *named_folders())
    if context.console.json:
        context.console.event(
            {
                "event": "installed",
                "path": str(folder / BUNDLE),
                "version": __version__,
                "ofx_plugin_path": "" if found else str(folder),
                **{
                    name: list(map(str, getattr(done, name)))
                    for name in ("written", "kept", "removed", "backups", "made")
                },
                "left": [str(each.path) for each in done.left],
            }
        )
        return JobFailedError.exit_code if done.left else 0
    for path in done.backups:
        context.console.out(f"Kept the old file as {path}.")
    state = f"{counted(len(done.written), 'file')} written" if done.written else "up to date"
    context.console.out(f"Version {__version__} of the plugin is in {folder / BUNDLE} ({state}).")
    _report_left(done.left, "To replace it and keep a backup: answerprint ofx install --force", context)
    if not found:
        context.console.out(f"Hosts look there if OFX_PLUGIN_PATH names it: {_setting(folder)}")
    context.console.out(_NEXT)
    return JobFailedError.exit_code if done.left else 0


def _uninstall(args: Namespace, context: Context) -> int:
    folder = _folder(args)
    try:
        files = built_plugin()
    except InputError:
        files = {}  # the manifest beside the plugin knows what was installed
    _refuse_foreign(folder)
    try:
        done = uninstall_scripts(folder, files, place=PLACE_OF_MANIFEST)
    except OutputError as error:
        raise OutputError(error.message, _remedy(args)) from error
    if context.console.json:
        context.console.event(
            {
                "event": "uninstalled",
                "path": str(folder / BUNDLE),
                "removed": list(map(str, done.removed)),
                "folders": list(map(str, done.folders)),
                "left": [str(each.path) for each in done.left],
            }
        )
        return 0
    context.console.out(
        f"Removed the plugin from {folder}." if done.was else f"There is no Answerprint plugin in {folder}."
    )
    _report_left(done.left, "Delete it yourself if you do not need it.", context)
    return 0


def _status(args: Namespace, context: Context) -> int:
    checks = list(plugin_checks())
    ok = all(check.ok for check in checks)
    if context.console.json:
        built: dict[PluginState, list[str]] = {}
        for folder in dict.fromkeys((system_folder(), *named_folders())):
            built.setdefault(plugin_at(folder, {}).state, []).append(str(folder))
        context.console.event(
            {
                "event": "report",
                "ok": ok,
                "folders": {state.name.lower(): folders for state, folders in built.items()},
                "checks": [{"ok": each.ok, "text": each.text, "remedy": each.remedy} for each in checks],
            }
        )
        return 0 if ok else JobFailedError.exit_code
    for each in checks:
        context.console.out(f"{'ok     ' if each.ok else 'PROBLEM'}  {each.text}")
        if each.remedy:
            context.console.out(f"         {each.remedy}")
    return 0 if ok else JobFailedError.exit_code


def _refuse_foreign(folder: Path) -> None:
    """A link in place of our folder leads to files that are not ours to change."""
    for path in (folder / BUNDLE, folder / BUNDLE / "Contents"):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise OutputError(f"{path} is not a folder of Answerprint.", "Move it away, and try again.")


def _remedy(args: Namespace) -> str:
    if args.folder:
        return f"Check that you may write to {args.folder}, and close hosts that use the plugin."
    own = "run this as an administrator" if sys.platform == "win32" else "run this with sudo"
    return f"Close hosts that use the plugin, and {own}; or use a folder of your own: --folder {Path('~') / 'OFX'}"


def _setting(folder: Path) -> str:
    value = os.pathsep.join(map(str, (*named_folders(), folder)))
    return (
        f'setx OFX_PLUGIN_PATH "{value}"' if sys.platform == "win32" else f"export OFX_PLUGIN_PATH={shlex.quote(value)}"
    )


def _report_left(left: tuple[Left, ...], remedy: str, context: Context) -> None:
    for each in left:
        context.console.err(f"Left {each.path} as it is: {each.state.value}.")
    if left:
        context.console.err(f"  {remedy}")
