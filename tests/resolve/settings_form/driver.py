"""Runs the window's program with a person at it: what they do comes as JSON in STEPS, and is done by Tk's own events.

Steps: ["type", FIELD, TEXT], ["scroll", FIELD, ENTRIES], ["toggle", FIELD], ["page", NUMBER], ["press", "ok"|"cancel"],
["key", KEYSYM], ["close"], ["crash"]. Any Python that has tkinter can run it, too.
"""

import importlib.util
import json
import os
from typing import Any

_spec = importlib.util.spec_from_file_location("answerprint_window", os.environ["WINDOW"])
assert _spec is not None
assert _spec.loader is not None
program: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(program)


def do(window: Any, action: str, *rest: Any) -> None:  # noqa: ANN401
    """One thing that a person does."""
    root = window.root
    if action in ("type", "scroll", "toggle"):
        widget = window.widgets[rest[0]]
        widget.focus_force()
        root.update()
        if action == "type":
            widget.event_generate("<<SelectAll>>")
            widget.event_generate("<BackSpace>")
            for each in rest[1]:
                widget.event_generate("<Key>", keysym={".": "period", "/": "slash"}.get(each, each))
        elif action == "scroll":
            for _ in range(rest[1]):
                widget.event_generate("<Button-5>")
        else:
            widget.invoke()
    elif action == "page":
        window.pages.select(rest[0])
    elif action == "press":
        button = getattr(window, rest[0])
        for event in ("<Enter>", "<ButtonPress-1>", "<ButtonRelease-1>"):
            button.event_generate(event, x=3, y=3)
    elif action == "key":
        root.event_generate(f"<{rest[0]}>")
    elif action == "close":
        root.tk.eval(root.protocol("WM_DELETE_WINDOW"))
    elif action == "crash":
        os.abort()


class Driven(program.Window):  # type: ignore[misc]
    """A window with somebody at it as soon as it is open."""

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments)
        self.steps = json.loads(os.environ["STEPS"])
        self.root.after(500, self.next)

    def next(self) -> None:
        """Do the next step, and then those that follow."""
        if self.steps:
            more = len(self.steps) > 1
            do(self, *self.steps.pop(0))
            # After it is done: steps handle events, and on a busy machine the next one would come in between.
            if more:
                self.root.after(20, self.next)


if __name__ == "__main__":
    program.main(Driven)
