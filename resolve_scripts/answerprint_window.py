"""Shows a form in a tkinter window: a program of its own, so that a crash of the toolkit does no harm.

Standard library only, syntax of Python 3.6: any Python that has tkinter may run it.

Standard input      the form as in `answerprint_form`, JSON on one line; the end of input closes the window
Standard output     {"shown": true} or {"unable": "why"}, then {"answers": {...}} or {"answers": null}
"""

import json
import os
import sys
import threading

_MOST_ROWS = 18  # more rows do not fit on a laptop's screen
_WIDE, _NARROW = 34, 14  # characters
_WRAP = 620  # px
_HELP_LINES = 4
_LOOK_MILLISECONDS = 500
_PAGES = (("common", "Settings"), ("advanced", "Advanced"))


class Window(object):
    """The window. answers: None until OK is pressed."""

    def __init__(self, tkinter, ttk, form):
        self._tkinter, self._ttk = tkinter, ttk
        self.answers = None
        self.root = tkinter.Tk(className="Answerprint")
        self.root.title(form["title"])
        self.root.protocol("WM_DELETE_WINDOW", self.root.destroy)
        self.root.bind("<Escape>", lambda event: self.root.destroy())
        self.root.bind("<Return>", lambda event: self._accept())
        self.widgets = {}
        """Widgets by field name."""
        self._readers = {}
        body = ttk.Frame(self.root, padding=12)
        body.pack(fill="both", expand=True)
        ttk.Label(body, text=form["intro"], wraplength=_WRAP).pack(anchor="w")
        if form["problem"]:
            ttk.Label(body, text=form["problem"], wraplength=_WRAP, foreground="#b00020").pack(anchor="w", pady=6)
        self._help = tkinter.StringVar(self.root)
        self.pages = self._pages(body, form["fields"])
        # Of fixed height, so that nothing moves when the help changes.
        line = int(self.root.tk.call("font", "metrics", "TkDefaultFont", "-linespace"))
        help_area = ttk.Frame(body, height=_HELP_LINES * line)
        help_area.pack(fill="x", pady=8)
        help_area.pack_propagate(False)
        ttk.Label(help_area, textvariable=self._help, wraplength=_WRAP).pack(anchor="nw")
        foot = ttk.Frame(body)
        foot.pack(fill="x")
        self.ok = ttk.Button(foot, text="OK", command=self._accept)
        self.ok.pack(side="right")
        self.cancel = ttk.Button(foot, text="Cancel", command=self.root.destroy)
        self.cancel.pack(side="right", padx=8)
        self.cancel.bind("<Return>", lambda event: self.root.destroy() or "break")
        self._come_forward()

    def _pages(self, body, fields):
        pages = self._ttk.Notebook(body)
        pages.pack(fill="both", expand=True, pady=8)
        for group, title in _PAGES:
            own = [field for field in fields if field["group"] == group]
            if own:
                page = self._ttk.Frame(pages, padding=8)
                pages.add(page, text=title)
                self._rows(page, own)
        return pages

    def _rows(self, page, fields):
        columns = -(-len(fields) // _MOST_ROWS)
        rows = -(-len(fields) // columns)
        for number, field in enumerate(fields):
            row, column = number % rows, number // rows * 2
            unit = " (%s)" % field["unit"] if field["unit"] else ""
            label = self._ttk.Label(page, text=field["label"] + unit)
            label.grid(row=row, column=column, sticky="w", padx=(0 if column == 0 else 20, 8), pady=2)
            cell = self._ttk.Frame(page)
            cell.grid(row=row, column=column + 1, sticky="ew", pady=2)
            widget = self._widget(cell, field)
            widget.pack(side="left", fill="x", expand=True)
            self.widgets[field["name"]] = widget
            for each in (label, widget):
                self._explain(each, field)
            page.columnconfigure(column + 1, weight=1)

    def _widget(self, cell, field):
        name, kind = field["name"], field["kind"]
        if kind == "choice":
            return self._choice(cell, field)
        if kind == "switch":
            state = self._tkinter.BooleanVar(self.root, bool(field["default"]))
            self._readers[name] = state.get
            return self._ttk.Checkbutton(cell, variable=state)
        text = self._tkinter.StringVar(self.root, _text(field["default"]))
        self._readers[name] = text.get
        if kind == "folder":
            browse = self._ttk.Button(cell, text="Browse...", command=lambda: self._browse(text))
            browse.pack(side="right", padx=(6, 0))
        if field["empty"]:
            self._ttk.Label(cell, text="empty: " + field["empty"], foreground="#707070").pack(side="right", padx=(6, 0))
        return self._ttk.Entry(cell, textvariable=text, width=_NARROW if kind != "folder" else _WIDE)

    def _choice(self, cell, field):
        pairs = [(None, "(%s)" % field["empty"])] if field["empty"] else []
        pairs += [tuple(each) for each in field["choices"]]
        labels, values = [label for _, label in pairs], [value for value, _ in pairs]
        width = max([_NARROW] + [min(len(each), 2 * _WIDE) for each in labels])
        box = self._ttk.Combobox(cell, values=labels, state="readonly", width=width)
        box.current(values.index(field["default"]) if field["default"] in values else 0)
        self._readers[field["name"]] = lambda: values[box.current()]
        return box

    def _explain(self, widget, field):
        # Shown when the mouse or the keyboard enters a widget.
        for event in ("<Enter>", "<FocusIn>"):
            widget.bind(
                event, lambda event: self._help.set("%s Allowed: %s." % (field["help"], field["takes"])), add="+"
            )

    def _browse(self, text):
        from tkinter import filedialog

        folder = filedialog.askdirectory(parent=self.root, initialdir=text.get() or os.path.expanduser("~"))
        if folder:
            text.set(folder)

    def _accept(self):
        self.answers = dict((name, read()) for name, read in self._readers.items())
        self.root.destroy()

    def _come_forward(self):
        """Bring the window in front of Resolve."""
        self.root.lift()
        self.root.attributes("-topmost", True)
        self.root.focus_force()


def _text(value):
    if value is None:
        return ""
    return "%.12g" % value if isinstance(value, float) else str(value)


def main(open_window=Window):
    """Show the form, and write the answers."""
    # Output of a toolkit must not mix with our lines.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    form = json.loads(sys.stdin.buffer.readline().decode("utf-8"))
    try:
        import tkinter
        from tkinter import ttk

        window = open_window(tkinter, ttk, form)
        window.root.update()
    except Exception as problem:  # no tkinter, no display, or no access to it
        _write(out, {"unable": "%s: %s" % (type(problem).__name__, problem)})
        return
    _write(out, {"shown": True})
    gone = threading.Event()
    watch = threading.Thread(target=_watch, args=(gone,))
    watch.daemon = True
    watch.start()
    try:
        _close_when(gone, window.root)
        window.root.mainloop()
    except tkinter.TclError:  # closed while it was opening
        pass
    _write(out, {"answers": window.answers})


def _watch(gone):
    """Wait for the end of standard input: the parent has ended."""
    # Not through sys.stdin, whose lock would crash the program at its end.
    while os.read(0, 1):
        pass
    gone.set()


def _close_when(gone, root):
    if gone.is_set():
        root.destroy()
    else:
        root.after(_LOOK_MILLISECONDS, _close_when, gone, root)


def _write(stream, message):
    stream.write(json.dumps(message).encode("utf-8") + b"\n")
    stream.flush()


if __name__ == "__main__":
    main()
