"""The program that stays when a menu script has ended, and brings clips back as they are done."""

from __future__ import annotations

import os
import subprocess

from answerprint.home import home, logs_folder
from answerprint.jobs.log import create_log
from answerprint.resolve.setup.program import this_program

from .context import Context

__all__ = ["start_follower"]


def start_follower(context: Context) -> bool:
    """Start it, in a session of its own; returns whether it runs. Where it cannot, nothing is lost but convenience."""
    try:
        log = create_log(logs_folder(), "resolve-follow")
        with log.open("ab") as output:
            subprocess.Popen(  # noqa: S603 - our own program
                [*this_program().command, "resolve", "finish", "--follow"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=home(),
                start_new_session=os.name != "nt",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
                | getattr(subprocess, "DETACHED_PROCESS", 0),
            )
    except OSError:
        return False
    return True
