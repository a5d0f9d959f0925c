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
Resolve lists the scripts in Workspace > Scripts > Answerprint the next time that menu is opened, and one more among the
scripts of a render job on the Deliver page. An older version is brought up to date. A file that is not ours, or that
you changed, stays as it is; with --force it is kept beside the new one.

examples:
  answerprint resolve install
  sudo answerprint resolve install --all-users

exit code: 4 when a script had to be left out
"""

_UNINSTALL_HELP = """\
Removes the scripts that are as they were installed, and the folders that were made for them. Nothing else is touched:
neither jobs nor restored files, nor scripts that you changed.
"""

_STATUS_HELP = """\
Looks at the scripts, at the program that they start, at Resolve's scripting module, and at the Resolve that runs: what
it is, and what its edition can do. Changes nothing.

exit code: 0 when nothing is wrong, else 4
"""


def add_install(actions: Actions) -> None:
    """Describe the arguments."""
    parser = actions.add("install", "put the scripts into Resolve's menu, or bring them up to date", _INSTALL_HELP)
    parser.add_argument("--all-users", action="store_true", help="for everybody on this machine, as an administrator")
    parser.add_argument("--force", action="store_true", help="also over other files of the same names, which are kept")


def add_uninstall(actions: Actions) -> None:
    """Describe the arguments."""
    parser = actions.add("uninstall", "take the scripts out of Resolve's menu", _UNINSTALL_HELP)
    parser.add_argument("--all-users", action="store_true", help="those for everybody, as an administrator")


def add_status(actions: Actions) -> None:
    """Describe the arguments."""
    actions.add("status", "whether all is well between Resolve and this program, and the remedy", _STATUS_HELP)


def run(args: Namespace, context: Context) -> int:
    """Do what was asked; returns the exit code."""
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
    say = context.console.out
    if root in done.made:
        say(f"Made {root}, which was not there: Resolve has not been started yet, or is not installed.")
    for path in done.removed:
        say(f"Removed {path}, which this version does not have.")
    for path in done.backups:
        say(f"Kept what was there as {path}.")
    number = len(done.written) + len(done.kept)
    what = f"{len(done.written)} written" if done.written else "all were up to date"
    say(
        f"{counted(number, 'script')} of version {program.version} {'is' if number == 1 else 'are'} in {root} ({what})."
    )
    _say_left(done.left, "To have ours, and keep it beside: answerprint resolve install --force", context)
    say("In Resolve: Workspace > Scripts > Answerprint.")
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
        context.console.out(f"No scripts of ours are in {root}.")
    _say_left(done.left, "Remove it yourself if you do not need it.", context)
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


def _say_left(left: tuple[Left, ...], remedy: str, context: Context) -> None:
    for each in left:
        why = "you changed it" if each.state is InstallState.CHANGED else "it is not ours"
        context.console.err(f"Left {each.path} as it is: {why}.")
    if left:
        context.console.err(f"  {remedy}")


ACTIONS = {"install": _install, "uninstall": _uninstall, "status": _status}
"""What `run` can do, by name."""
