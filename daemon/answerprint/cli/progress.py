"""Show the progress of a job: a bar on a terminal, a line every ten seconds elsewhere, or JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from tqdm import tqdm

from answerprint.cli.console import Console
from answerprint.cli.plan import plan_words
from answerprint.cli.times import duration
from answerprint.ipc.messages import Message
from answerprint.text import plain

__all__ = ["JsonLines", "Presenter", "ProgressBar", "ProgressLines", "choose_presenter", "stage_words"]

_WORDS = {
    "queue": "waiting in the queue",
    "probe": "reading the clip",
    "load": "loading the model",
    "decode": "reading frames",
    "flow": "measuring motion",
    "denoise": "restoring",
    "write": "writing",
    "mux": "writing the output",
    "verify": "checking the output",
}


class Presenter(Protocol):
    """Shows the events of a job."""

    def show(self, event: Message) -> None:
        """Show one event."""
        ...

    def close(self) -> None:
        """Restore the terminal."""
        ...


class JsonLines:
    """Every event as one JSON object per line."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, event: Message) -> None:
        """Write the event."""
        self._console.event(event)

    def close(self) -> None:
        """Nothing to do."""


class ProgressBar:
    """A bar with frames, seconds per frame, the time left and the stage."""

    def __init__(self) -> None:
        # Dynamic, as the terminal may be resized. Speed and time left come with the events, not from tqdm.
        self._bar = tqdm(
            total=None,
            unit="frame",
            file=sys.stderr,
            dynamic_ncols=True,
            leave=False,
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} frames{postfix}",
        )
        self._bar.set_description_str("starting")

    def show(self, event: Message) -> None:
        """Update the bar."""
        name = event["event"]
        if name == "started":
            first, stop = event["input"].get("range", (0, 0))
            self._bar.total = stop - first or None
            self._bar.write(plain(plan_words(event)), file=sys.stderr)
        elif name == "stage":
            self._bar.set_description_str(stage_words(event))
        elif name == "progress":
            self._bar.total = event["frames_total"]
            self._bar.n = event["frames_done"]
            self._bar.set_description_str(stage_words(event), refresh=False)
            self._bar.set_postfix_str(", ".join(_figures(event)))
        elif name == "chunk":
            self._bar.total = event["frames_total"]
            self._bar.n = event["frames_done"]
            self._bar.refresh()
        elif name == "warning":
            self._bar.write(plain(f"warning: {event['message']}"), file=sys.stderr)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


class ProgressLines:
    """A line when the stage changes and every ten seconds, for logs and pipes."""

    def __init__(
        self, console: Console, every_seconds: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._every = every_seconds
        self._clock = clock
        self._due = clock() + every_seconds
        self._held = ""
        """That the clip is being read: written only if that takes long enough to say more."""

    def show(self, event: Message) -> None:
        """Write a line if one is due."""
        name = event["event"]
        if name == "started":
            self._held = ""
            self._console.err(plan_words(event))
            return
        if self._held:
            self._console.err(self._held)
            self._held = ""
        if name == "stage" and event.get("stage") == "probe":
            self._held = stage_words(event)
        elif name == "stage":
            self._console.err(stage_words(event))
        elif name == "warning":
            self._console.err(f"warning: {event['message']}")
        elif name == "progress" and self._clock() >= self._due:
            self._due = self._clock() + self._every
            done = f"{event['frames_done']}/{event['frames_total']} frames"
            self._console.err(", ".join([f"{stage_words(event)}: {done}", *_figures(event)]))

    def close(self) -> None:
        """Nothing to do."""


def choose_presenter(console: Console) -> Presenter:
    """Return the presenter for this terminal and these options."""
    if console.json:
        return JsonLines(console)
    return ProgressBar() if sys.stderr.isatty() else ProgressLines(console)


def stage_words(event: Message) -> str:
    """Return the current stage in words; the event's own message wins."""
    stage = str(event.get("stage", ""))
    return plain(str(event.get("message") or _WORDS.get(stage, stage)))


def _figures(event: Message) -> list[str]:
    """Return steps, speed and time left, if known."""
    figures: list[str] = []
    if (event.get("steps") or 0) > 1:
        figures.append(f"step {event.get('step')}/{event['steps']}")
    if _number(event.get("seconds_per_frame")):
        figures.append(f"{event['seconds_per_frame']:.2f} s/frame")
    if _number(event.get("eta_seconds")):
        figures.append(f"{duration(event['eta_seconds'])} left")
    return figures


def _number(value: Any) -> bool:  # noqa: ANN401 - whatever JSON can hold
    return isinstance(value, (int, float)) and not isinstance(value, bool)
