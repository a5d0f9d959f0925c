"""`answerprint resolve`: from Resolve's timeline into the queue, and back into its media pool."""

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

From a terminal this works with Resolve Studio (Preferences > System > General > External scripting using: Local). The
same commands are in Resolve's own menu once installed: Workspace > Scripts > Answerprint.
"""

_RESTORE = """\
Each clip is read by two independent ways; where they disagree, the clip is refused rather than guessed. Restored are
the frames that the clip shows, as they are in the source (a retime is not baked in), and handles on both sides. The
source is never written to, and a clip that is refused keeps no other from being restored.

Put back (--put) in the order of what it changes in the project:
{modes}

Without --wait the jobs stay in the queue and this command ends; what is done is put back by `answerprint resolve
finish` or Resolve's menu item Bring Back Finished, even when Resolve or the daemon was restarted meanwhile.

examples:
  answerprint resolve restore --selected
  answerprint resolve restore --playhead --put take --wait
  answerprint resolve restore --track 1 --put track --handles 48 --model tiny-x4 --steps 4
  answerprint resolve restore --timeline --json
"""

_QUEUE = """\
Like `restore`, for many clips and for the night; a list that was exported from any editor needs no Resolve at all.

examples:
  answerprint resolve queue --flag Blue --not-before 20:00
  answerprint resolve queue --bin "Archive/Reel 7"
  answerprint resolve queue --from cut.otio
  answerprint resolve queue --from cut.edl --media /films --rate 25 --folder restored
"""

_UNDO = """\
Takes out of the project what was put into it for a job, and nothing else: the item, the track if it was made for it,
the take, the clip in the pool; a replaced clip gets its former file back. The restored file stays on disk.
"""

_SETTINGS = """\
Resolve's menu items restore with these settings, which each project keeps; the options are the daemon's own. Opens a
window where there is a display, and asks in the terminal otherwise.
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
    """Describe the arguments."""
    from answerprint.cli.resolve import install

    parser.epilog = _EPILOG
    actions = Actions(parser)
    asking = ", ".join(mode.name for mode in MODES.values() if mode.changes)
    restore = actions.add("restore", "restore clips of the timeline, and put them back", _restore_text())
    _add_selection(restore.add_mutually_exclusive_group(required=True))
    add_restore_arguments(restore)
    restore.add_argument("--wait", action="store_true", help="stay until all is done, and put each clip back then")
    restore.add_argument("--yes", action="store_true", help=f"do not ask before --put {asking}")
    add_settings(restore)
    queue = actions.add("queue", "queue a whole track, bin, flag or timeline, or an exported list", _QUEUE)
    chosen = queue.add_mutually_exclusive_group(required=True)
    _add_selection(chosen)
    chosen.add_argument("--from", dest="list_file", metavar="FILE", help="an EDL or OTIO file, from any editor")
    queue.add_argument("--media", metavar="DIR", help="with --from: where media lie that the list only names")
    queue.add_argument("--rate", metavar="R", help="with --from: frames per second of an EDL, which does not say")
    queue.add_argument("--report", metavar="FILE", help="write what became of each clip as JSON")
    add_restore_arguments(queue)
    queue.add_argument("--wait", action="store_true", help="stay until all is done, and put each clip back then")
    queue.add_argument("--yes", action="store_true", help=f"do not ask before --put {asking}")
    add_settings(queue)
    finish = actions.add("finish", "put back what is done and is not back yet")
    finish.add_argument(
        "jobs", metavar="JOB", nargs="*", help="only these, by number or id (default: all of the project)"
    )
    finish.add_argument("--again", action="store_true", help="also what was taken out of the project since")
    finish.add_argument("--from", dest="list_file", metavar="FILE", help="write this list again, with what is restored")
    finish.add_argument("--media", metavar="DIR", help="with --from: as for queue")
    finish.add_argument("--rate", metavar="R", help="with --from: as for queue")
    finish.add_argument("--follow", action="store_true", help="wait for what is still at work")
    undo = actions.add("undo", "take a restored clip out of the project again", _UNDO)
    undo.add_argument("jobs", metavar="JOB", nargs="+", help="number or id of the job")
    actions.add("settings", "choose how clips of the open project are restored and brought back", _SETTINGS)
    menu = actions.add("menu", "what Resolve's menu does; for its scripts")
    menu.add_argument("menu_action", metavar="ACTION", help=SUPPRESS)
    menu.add_argument("menu_rest", metavar="...", nargs="*", help=SUPPRESS)
    install.add_install(actions)
    install.add_uninstall(actions)
    install.add_status(actions)


def run(args: Namespace, context: Context) -> int:
    """Do what was asked; returns the exit code."""
    module = cast(Command, importlib.import_module(f"{__package__}.{_MODULES[args.action]}"))
    return module.run(args, context)


def _restore_text() -> str:
    width = max(map(len, MODES))
    return _RESTORE.replace("{modes}", "\n".join(f"  {mode.name:<{width}}  {mode.help}" for mode in MODES.values()))


def _add_selection(group: Any) -> None:  # noqa: ANN401 - argparse has no public name for a group
    add = group.add_argument
    add("--selected", action="store_true", help="the clips that are selected on the timeline (Resolve 21.0.4 or later)")
    add("--inout", action="store_true", help="what lies between the timeline's In and Out")
    add("--playhead", action="store_true", help="the clip under the playhead")
    add("--track", type=int, metavar="N", help="all clips of a video track")
    add("--flag", metavar="COLOR", help="clips with a flag of that colour")
    add("--colour", "--color", dest="colour", metavar="COLOR", help="clips of that clip colour")
    add("--marker", metavar="COLOR", help="clips on which lies a marker of that colour")
    add("--bin", metavar="NAME", help="clips of a bin of the media pool, such as Archive or Archive/Reel 7")
    add("--timeline", action="store_true", help="all clips of the timeline")
