"""`answerprint resolve settings`."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from answerprint.errors import CancelledError
from answerprint.resolve.asking.settings import ask_settings, summary
from answerprint.resolve.asking.ways import choose
from answerprint.resolve.restoring.session import keep_wishes, wishes_folder
from answerprint.resolve.restoring.wishes import recall

from .context import Context
from .link import open_daemon
from .resolve_finish import open_resolve

__all__ = ["run"]


def run(args: Namespace, context: Context) -> int:
    """Ask, and keep the answers for the project; returns the exit code."""
    with open_resolve() as resolve:
        project = resolve.project()
        id, name = project.id(), project.name()
    ways = choose(os.environ, terminal=(sys.stdin, sys.stderr))
    with open_daemon(context) as client:
        wishes = ask_settings(*client.models(), recall(wishes_folder(), id), ways, context.console.err, name)
    if wishes is None:
        raise CancelledError("The settings are as before.")
    keep_wishes(id, wishes)
    if context.console.json:
        context.console.event({"event": "settings", "project": name, "put": wishes.put, "handles": wishes.handles})
    else:
        context.console.out(f"{name}: {summary(wishes)}")
    return 0
