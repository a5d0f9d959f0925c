"""`answerprint resolve`: restore clips of a Resolve timeline, and put them back into the project."""

from __future__ import annotations

import importlib
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from answerprint.cli.actions import Actions
from answerprint.cli.context import Command, Context
from answerprint.cli.resolve.arguments import add_restore_arguments
from answerprint.cli.settings import add_settings
from answerprint.resolve.put_back.modes import MODES

__all__ = ["add_arguments", "run"]

_EPILOG = """\
examples:
  answerprint resolve install
  answerprint resolve restore --selected
  answerprint resolve restore --inout --put track --wait
  answerprint resolve queue --flag Blue --not-before 20:00
  answerprint resolve queue --from timeline.edl --media /films --rate 25
  answerprint resolve finish
  answerprint resolve undo 3
  answerprint resolve status

From a terminal, these commands need Resolve Studio, with External scripting using set to Local in Preferences >
System > General. After `resolve install` the same commands are in Resolve's menu: Workspace > Scripts > Answerprint.
"""

_RESTORE = """\
Restores the source frames that each clip shows, plus handles on both sides; a retime is not baked in. The position of
a clip is determined in two independent ways; if they disagree, the clip is refused. A refused clip does not stop the
others. The source is never changed.

Ways to put a clip back (--put), from the smallest change in the project to the largest:
{modes}

Without --wait the command ends and the jobs stay in the queue. To put finished clips back later, use `answerprint
resolve finish` or Resolve's menu item Bring Back Finished, even after Resolve or the daemon was restarted.

examples:
  answerprint resolve restore --selected
  answerprint resolve restore --playhead --put take --wait
  answerprint resolve restore --track 1 --put track --handles 48 --model tiny-x4 --steps 4
  answerprint resolve restore --timeline --json
"""

_QUEUE = """\
Like `restore`, for many clips. With --from, restores the clips of an edit list from any editor, without Resolve.

examples:
  answerprint resolve queue --flag Blue --not-before 20:00
  answerprint resolve queue --bin "Archive/Reel 7"
  answerprint resolve queue --from cut.otio
  answerprint resolve queue --from cut.edl --media /films --rate 25 --folder restored
"""

_UNDO = """\
Removes what was added to the project for a job, and nothing else: the timeline item, its track if it was made for it,
the take, the clip in the media pool. A replaced clip gets its original file back. The restored file stays on disk.
"""

_SETTINGS = """\
Resolve's menu items restore with these settings; each project has its own. Opens a window if there is a display, and
asks in the terminal otherwise.
"""

_MODULES: Mapping[str, str] = MappingProxyType(
    {
        "restore": "restore",
        "queue": "restore",
        "finish": "finish",
        "undo": "finish",
        "settings": "settings",
        "menu": "menu",
        "install": "install",
        "uninstall": "install",
        "status": "install",
    }
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    from answerprint.cli.resolve import install

    parser.epilog = _EPILOG
    actions = Actions(parser)
    asking = ", ".join(mode.name for mode in MODES.values() if mode.changes)
    restore = actions.add("restore", "restore clips of the timeline and put them back", _restore_text())
    _add_selection(restore.add_mutually_exclusive_group(required=True))
    add_restore_arguments(restore)
    restore.add_argument(
        "--wait", action="store_true", help="wait for the jobs, and put each clip back when it is done"
    )
    restore.add_argument("--yes", action="store_true", help=f"do not ask for confirmation of --put {asking}")
    add_settings(restore)
    queue = actions.add("queue", "restore many clips: a track, bin, flag or timeline, or an edit list", _QUEUE)
    chosen = queue.add_mutually_exclusive_group(required=True)
    _add_selection(chosen)
    chosen.add_argument("--from", dest="list_file", metavar="FILE", help="clips of an EDL or OTIO file from any editor")
    queue.add_argument(
        "--media", metavar="DIR", help="with --from: folder to search for media that the list gives without a path"
    )
    queue.add_argument("--rate", metavar="R", help="with --from: frame rate of an EDL, which does not contain it")
    queue.add_argument("--report", metavar="FILE", help="write the result of each clip to this file as JSON")
    add_restore_arguments(queue)
    queue.add_argument("--wait", action="store_true", help="wait for the jobs, and put each clip back when it is done")
    queue.add_argument("--yes", action="store_true", help=f"do not ask for confirmation of --put {asking}")
    add_settings(queue)
    finish = actions.add("finish", "put finished clips back into the project")
    finish.add_argument(
        "jobs", metavar="JOB", nargs="*", help="number or id of a job (default: all jobs of the project)"
    )
    finish.add_argument("--again", action="store_true", help="also put back clips that you removed from the project")
    finish.add_argument(
        "--from", dest="list_file", metavar="FILE", help="write this edit list again, with the restored clips"
    )
    finish.add_argument("--media", metavar="DIR", help="with --from: as for resolve queue")
    finish.add_argument("--rate", metavar="R", help="with --from: as for resolve queue")
    finish.add_argument("--follow", action="store_true", help="wait for jobs that are not done yet")
    undo = actions.add("undo", "remove restored clips from the project", _UNDO)
    undo.add_argument("jobs", metavar="JOB", nargs="+", help="number or id of a job")
    actions.add("settings", "choose how clips of the open project are restored and put back", _SETTINGS)
    menu = actions.add("menu", "run an item of Resolve's menu; used by its scripts")
    menu.add_argument("menu_action", metavar="ACTION", help=SUPPRESS)
    menu.add_argument("menu_rest", metavar="...", nargs="*", help=SUPPRESS)
    install.add_install(actions)
    install.add_uninstall(actions)
    install.add_status(actions)


def run(args: Namespace, context: Context) -> int:
    """Run the action and return the exit code."""
    module = cast(Command, importlib.import_module(f"{__package__}.{_MODULES[args.action]}"))
    return module.run(args, context)


def _restore_text() -> str:
    width = max(map(len, MODES))
    return _RESTORE.replace("{modes}", "\n".join(f"  {mode.name:<{width}}  {mode.help}" for mode in MODES.values()))


def _add_selection(group: Any) -> None:  # noqa: ANN401 - argparse has no public name for a group
    add = group.add_argument
    add("--selected", action="store_true", help="the selected clips of the timeline (Resolve 21.0.4 or later)")
    add("--inout", action="store_true", help="the range between the timeline's In and Out points")
    add("--playhead", action="store_true", help="the clip under the playhead")
    add("--track", type=int, metavar="N", help="all clips on this video track")
    add("--flag", metavar="COLOR", help="clips with a flag of this colour")
    add("--colour", "--color", dest="colour", metavar="COLOR", help="clips with this clip colour")
    add("--marker", metavar="COLOR", help="clips with a marker of this colour")
    add("--bin", metavar="NAME", help="clips in this bin of the media pool, such as Archive or Archive/Reel 7")
    add("--timeline", action="store_true", help="all clips on the timeline")
