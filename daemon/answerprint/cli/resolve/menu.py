"""`answerprint resolve menu ACTION`: what the scripts in Resolve's menu run; the script is the bridge to Resolve."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from answerprint.cli.connect import open_daemon
from answerprint.cli.context import Context
from answerprint.cli.jobs.view import unfinished, view_of
from answerprint.cli.jobs.words import listing
from answerprint.cli.resolve.finish import WORDS, start_follower
from answerprint.cli.resolve.restore import job_line
from answerprint.errors import AnswerprintError, InputError
from answerprint.resolve.api import Resolve
from answerprint.resolve.bridge.bridge import Bridge
from answerprint.resolve.bridge.menu import run_bridge
from answerprint.resolve.conform.selection import SelectionRule
from answerprint.resolve.edition import Capability, Edition
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.restore.finish import put_finished
from answerprint.resolve.restore.render_job import queue_rendered
from answerprint.resolve.restore.settings import recall_settings
from answerprint.resolve.restore.submit import Said, keep_settings, queue_selection, settings_folder
from answerprint.resolve.settings_form.ask import ask_settings, summary
from answerprint.resolve.settings_form.show import choose_dialogs
from answerprint.resolve.settings_form.wording import form_wording
from answerprint.text import counted, plain

__all__ = ["run"]


@dataclass(frozen=True, slots=True)
class _Visit:
    """One call from the menu."""

    bridge: Bridge
    resolve: Resolve
    edition: Edition
    context: Context
    args: Namespace

    def report(self, text: str) -> None:
        """Show a line of progress."""
        self.bridge.show(_words(text))

    def finish(self, text: str) -> None:
        """Show the result, as the last line."""
        self.bridge.show(_words(f"Answerprint: {text}"), "done")


def run(args: Namespace, context: Context) -> int:
    """Run one item of the menu; returns 0. Raises AnswerprintError after showing it in Resolve, if possible."""
    with run_bridge() as bridge:
        try:
            action = _ACTIONS.get(args.menu_action)
            if action is None:
                raise InputError(
                    f"Unknown menu item {args.menu_action!r}.",
                    "Update the scripts: answerprint resolve install",
                )
            resolve = Resolve(bridge.root)
            edition = Edition.of(resolve.product(), resolve.version())
            edition.need(Capability.PYTHON_MENU)
            action(_Visit(bridge, resolve, edition, context, args))
        except AnswerprintError as error:
            lines = filter(None, (_words(f"Answerprint: {error.message}"), _words(error.remedy)))
            bridge.show("\n  ".join(lines), "error")
            # A script that Resolve keeps in a call reads nothing more from here; it shows the log instead.
            raise
    return 0


def _words(text: str) -> str:
    return plain(form_wording(text))


def _restore(by: SelectionRule) -> Callable[[_Visit], None]:
    def restore(visit: _Visit) -> None:
        resolve = visit.resolve
        settings = recall_settings(settings_folder(), resolve.project().id())
        visit.report("Answerprint: reading the timeline...")
        with open_daemon(visit.context) as client:
            said = Said(
                lambda planned, job: visit.report(job_line(planned, job)),
                lambda each: visit.report(f"{each.name}: {each.refusal}"),
            )
            queued = queue_selection(resolve, client, by, settings, said)
        parts = [f"{counted(len(queued.jobs), 'clip')} queued"]
        if queued.refused:
            first = queued.refused[0]
            parts.append(f"{len(queued.refused)} refused ({first.name}: {first.refusal.reason})")
        follows = bool(queued.jobs) and visit.edition.can(Capability.EXTERNAL) and start_follower(visit.context)
        back = (
            "Finished clips are placed automatically."
            if follows
            else "To put finished clips back: Workspace > Scripts > Answerprint > Bring Back Finished."
        )
        visit.finish(f"{', '.join(parts)}. {back if queued.jobs else ''}".strip())

    return restore


def _queue(visit: _Visit) -> None:
    with open_daemon(visit.context) as client:
        views = view_of(client, unfinished(client))
        info = client.info()
    for line in listing(views) if views else []:
        visit.report(line)
    suspended = f" The queue is suspended ({info.suspend_reason})." if info.suspended else ""
    visit.finish(f"{counted(len(views), 'job')} in the queue.{suspended}")


def _finish(visit: _Visit) -> None:
    with open_daemon(visit.context) as client:
        finished = put_finished(visit.resolve, client, Ledger())
    for outcome in finished.outcomes:
        visit.report(f"{outcome.path}: {WORDS[outcome.state]}")
        for warning in outcome.warnings:
            visit.report(f"  {warning}")
    for job, reason in finished.failed:
        visit.report(f"job {job.number} ({job.label}): {reason}")
    states = [outcome.state for outcome in finished.outcomes]
    parts = [f"{counted(states.count('put'), 'clip')} put back"]
    if states.count("already"):
        parts.append(f"{states.count('already')} already there")
    if finished.waiting:
        parts.append(f"{len(finished.waiting)} not done yet")
    if troubles := states.count("failed") + len(finished.failed):
        parts.append(f"{troubles} failed: see Workspace > Console")
    visit.finish(", ".join(parts) + ".")


def _settings(visit: _Visit) -> None:
    project = visit.resolve.project()
    dialogs = choose_dialogs(os.environ, bridge=visit.bridge, windows=visit.edition.can(Capability.WINDOWS))
    with open_daemon(visit.context) as client:
        last = recall_settings(settings_folder(), project.id())
        settings = ask_settings(*client.models(), last, dialogs, visit.report, project.name())
    if settings is None:
        visit.finish("Cancelled. The settings are unchanged.")
        return
    keep_settings(project.id(), settings)
    visit.finish(f"Settings saved for this project: {summary(settings)}.")


def _rendered(visit: _Visit) -> None:
    settings = recall_settings(settings_folder(), visit.resolve.project().id())
    with open_daemon(visit.context) as client:
        job = queue_rendered(visit.resolve, client, next(iter(visit.args.menu_rest), ""), settings)
    visit.finish(f"job {job.number}: {job.input} is queued.")


_ACTIONS: Mapping[str, Callable[[_Visit], None]] = MappingProxyType(
    {
        "selected": _restore(SelectionRule("selected")),
        "range": _restore(SelectionRule("inout")),
        "playhead": _restore(SelectionRule("playhead")),
        "settings": _settings,
        "queue": _queue,
        "finish": _finish,
        "rendered": _rendered,
    }
)
