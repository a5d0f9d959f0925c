"""`answerprint resolve settings`."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from answerprint.cli.connect import open_daemon
from answerprint.cli.context import Context
from answerprint.cli.resolve.finish import open_resolve
from answerprint.errors import CancelledError
from answerprint.resolve.restore.settings import recall_settings
from answerprint.resolve.restore.submit import keep_settings, settings_folder
from answerprint.resolve.settings_form.ask import ask_settings, summary
from answerprint.resolve.settings_form.show import choose_dialogs

__all__ = ["run"]


def run(args: Namespace, context: Context) -> int:
    """Ask for the settings of the project, save them and return the exit code."""
    with open_resolve() as resolve:
        project = resolve.project()
        id, name = project.id(), project.name()
    dialogs = choose_dialogs(os.environ, terminal=(sys.stdin, sys.stderr))
    with open_daemon(context) as client:
        settings = ask_settings(
            *client.models(), recall_settings(settings_folder(), id), dialogs, context.console.err, name
        )
    if settings is None:
        raise CancelledError("The settings are unchanged.")
    keep_settings(id, settings)
    if context.console.json:
        context.console.event({"event": "settings", "project": name, "put": settings.put, "handles": settings.handles})
    else:
        context.console.out(f"{name}: {summary(settings)}")
    return 0
