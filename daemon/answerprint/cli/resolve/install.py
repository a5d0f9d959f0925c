"""`answerprint resolve install`, `uninstall` and `status`."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from answerprint.cli.actions import Actions
from answerprint.cli.context import Context
from answerprint.errors import JobFailedError
from answerprint.resolve.bridge.attach import resolve_paths
from answerprint.resolve.install.install import InstallState, Left, install_scripts, uninstall_scripts
from answerprint.resolve.install.scripts import files, this_program
from answerprint.resolve.install.status import Status, check_setup
from answerprint.text import counted

__all__ = ["ACTIONS", "add_install", "add_status", "add_uninstall", "run"]

_INSTALL_HELP = """\
The scripts appear in Workspace > Scripts > Answerprint the next time you open that menu, and one more in the list of
render job scripts on the Deliver page. Older versions are updated. Files that you changed or that are not from
Answerprint are left as they are; --force replaces them and keeps a backup.

examples:
  answerprint resolve install
  sudo answerprint resolve install --all-users

exit code: 4 if a script could not be installed
"""

_UNINSTALL_HELP = """\
Removes the installed scripts and the folders that were created for them. Jobs, restored files and scripts that you
changed are kept.
"""

_STATUS_HELP = """\
Checks the scripts, the program that they start, Resolve's scripting module, and the running Resolve: its version and
what its edition can do. Changes nothing.

exit code: 0 if no problem was found, else 4
"""


def add_install(actions: Actions) -> None:
    """Add the action."""
    parser = actions.add("install", "install or update the scripts in Resolve's menu", _INSTALL_HELP)
    parser.add_argument(
        "--all-users", action="store_true", help="for all users of this machine; needs administrator rights"
    )
    parser.add_argument("--force", action="store_true", help="replace other files of the same name, and keep a backup")


def add_uninstall(actions: Actions) -> None:
    """Add the action."""
    parser = actions.add("uninstall", "remove the scripts from Resolve's menu", _UNINSTALL_HELP)
    parser.add_argument(
        "--all-users", action="store_true", help="the scripts for all users; needs administrator rights"
    )


def add_status(actions: Actions) -> None:
    """Add the action."""
    actions.add("status", "check the connection between Resolve and this program", _STATUS_HELP)


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
    return ACTIONS[args.action](args, context)


def _install(args: Namespace, context: Context) -> int:
    root, program = _root(args.all_users), this_program(all_users=args.all_users)
    done = install_scripts(root, files(program), program, force=args.force)
    if context.console.json:
        context.console.event(
            {
                "event": "installed",
                "folder": str(root),
                "version": program.version,
                "program": list(program.command),
                **{
                    name: list(map(str, getattr(done, name)))
                    for name in ("written", "kept", "removed", "backups", "made")
                },
                "left": _left_json(done.left),
            }
        )
        return JobFailedError.exit_code if done.left else 0
    out = context.console.out
    if root in done.made:
        out(f"Created {root}: Resolve has not been started yet, or is not installed.")
    for path in done.removed:
        out(f"Removed {path}: this version does not have it.")
    for path in done.backups:
        out(f"Kept the old file as {path}.")
    number = len(done.written) + len(done.kept)
    what = f"{len(done.written)} written" if done.written else "all up to date"
    out(
        f"{counted(number, 'script')} of version {program.version} {'is' if number == 1 else 'are'} in {root} ({what})."
    )
    _report_left(done.left, "To replace it and keep a backup: answerprint resolve install --force", context)
    out("In Resolve: Workspace > Scripts > Answerprint.")
    return JobFailedError.exit_code if done.left else 0


def _uninstall(args: Namespace, context: Context) -> int:
    root = _root(args.all_users)
    done = uninstall_scripts(root, files(this_program(all_users=args.all_users)))
    if context.console.json:
        context.console.event(
            {
                "event": "uninstalled",
                "folder": str(root),
                "removed": list(map(str, done.removed)),
                "folders": list(map(str, done.folders)),
                "left": _left_json(done.left),
            }
        )
        return 0
    if done.was:
        context.console.out(f"Removed {counted(len(done.removed), 'script')} from {root}.")
    else:
        context.console.out(f"There are no Answerprint scripts in {root}.")
    _report_left(done.left, "Delete it yourself if you do not need it.", context)
    return 0


def _status(args: Namespace, context: Context) -> int:
    program = this_program()
    status = check_setup(program, files(program))
    if context.console.json:
        context.console.event({"event": "report", "ok": status.ok, **_status_json(status)})
    else:
        marks = {"ok": "ok     ", "note": "note   ", "error": "PROBLEM"}
        for each in status.findings:
            context.console.out(f"{marks[each.level]}  {each.subject}: {each.message}")
            if each.remedy:
                context.console.out(f"         {each.remedy}")
    return 0 if status.ok else JobFailedError.exit_code


def _status_json(status: Status) -> dict[str, object]:
    running = status.running
    resolve: dict[str, object] | None = None
    if running is not None:
        resolve = {
            "product": running.product,
            "edition": "studio" if running.edition.studio else "free",
            "version": list(running.edition.version),
            "capabilities": [
                {"name": each.name.lower(), "can": not instead, "text": each.value, "instead": instead}
                for each, instead in running.edition.table().items()
            ],
        }
    return {
        "checks": [asdict(each) for each in status.findings],
        "resolve": resolve,
        "attempts": [asdict(each) for each in status.attempts],
    }


def _root(all_users: bool) -> Path:
    paths = resolve_paths()
    return paths.scripts_all if all_users else paths.scripts_user


def _left_json(left: tuple[Left, ...]) -> list[dict[str, str]]:
    return [{"path": str(each.path), "state": each.state.name.lower()} for each in left]


def _report_left(left: tuple[Left, ...], remedy: str, context: Context) -> None:
    for each in left:
        why = "you changed it" if each.state is InstallState.CHANGED else "it is not from Answerprint"
        context.console.err(f"Left {each.path} as it is: {why}.")
    if left:
        context.console.err(f"  {remedy}")


ACTIONS = {"install": _install, "uninstall": _uninstall, "status": _status}
"""The actions by name."""
