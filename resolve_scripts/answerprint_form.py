"""Shows a form in a window of Resolve's own toolkit, which only scripts run by Resolve may use.

Standard library only, syntax of Python 3.6. In the free edition since 19.1, any access to the toolkit opens a dialog
that blocks Resolve. Call `ask` only if this Resolve lets scripts open windows.

A form is a JSON object of `answerprint.resolve.settings_form`: title, intro, problem, and fields with name, label,
kind, default, help, takes, group, choices, minimum, maximum, unit and empty. The answers are checked there, not here.
"""

_LARGEST_SPIN = 2**31 - 1  # a spin box has 32 bits
_MOST_ROWS = 18  # more rows do not fit on a laptop's screen
_ROW, _COLUMN, _FRAME = 30, 460, 150  # px


def ask(fusion, bmd, form):
    """Return the answers to a form by field name, None if cancelled.

    fusion, bmd: globals that Resolve defines for a script. Raises RuntimeError if there is no toolkit, and what the
    toolkit raises.
    """
    ui = getattr(fusion, "UIManager", None)
    if ui is None or bmd is None:
        raise RuntimeError("this Resolve lets scripts open no windows")
    dispatcher = bmd.UIDispatcher(ui)
    answers = dict((field["name"], field["default"]) for field in form["fields"])
    page = "common"
    while True:
        pressed = Page(ui, dispatcher, fusion, form, page).show(answers)
        if pressed == "ok":
            return answers
        if page == "common" and pressed == "cancel":
            return None
        page = "advanced" if pressed == "more" else "common"


class Page(object):
    """A window with the fields of one group."""

    def __init__(self, ui, dispatcher, fusion, form, group):
        self._ui = ui
        self._dispatcher = dispatcher
        self._fusion = fusion
        self._form = form
        self._group = group
        self._fields = [field for field in form["fields"] if field["group"] == group]
        self._pressed = "cancel"

    def show(self, answers):
        """Show the page until a button is pressed; returns which one. Updates the answers unless it is cancel."""
        columns = max(1, -(-len(self._fields) // _MOST_ROWS))
        rows = -(-len(self._fields) // columns)
        name = "AnswerprintForm" + self._group.capitalize()
        window = self._dispatcher.AddWindow(
            {
                "ID": name,
                "WindowTitle": self._form["title"],
                "Geometry": [200, 120, _COLUMN * columns, _ROW * rows + _FRAME],
                "WindowFlags": {"Window": True, "WindowStaysOnTopHint": True},
            },
            [self._layout(answers, columns, rows)],
        )
        items = window.GetItems()
        self._connect(window, items, name)
        for number, field in enumerate(self._fields):
            _fill(items[_id(number)], field, answers[field["name"]])
        window.Show()
        self._dispatcher.RunLoop()
        if self._pressed != "cancel":
            for number, field in enumerate(self._fields):
                answers[field["name"]] = _read(items[_id(number)], field)
        window.Hide()
        return self._pressed

    def _layout(self, answers, columns, rows):
        ui = self._ui
        head = [_label(ui, self._form["intro"])]
        if self._form["problem"]:
            head.append(_label(ui, self._form["problem"]))
        cells = [self._row(number, field) for number, field in enumerate(self._fields)]
        grid = [ui.VGroup({"Spacing": 4}, cells[at * rows : (at + 1) * rows]) for at in range(columns)]
        buttons = [ui.Button({"ID": name, "Text": text, "Weight": 0}) for name, text in self._buttons()]
        foot = ui.HGroup({"Weight": 0, "Spacing": 8}, [ui.HGap(0, 1), *buttons])
        return ui.VGroup({"Spacing": 8}, [*head, ui.HGroup({"Weight": 1, "Spacing": 16}, grid), foot])

    def _buttons(self):
        """The names and labels of the buttons, from the left."""
        if self._group == "advanced":
            return [("back", "Back")]
        more = any(field["group"] == "advanced" for field in self._form["fields"])
        return [("more", "Advanced...")] * more + [("cancel", "Cancel"), ("ok", "OK")]

    def _row(self, number, field):
        ui = self._ui
        unit = " (%s)" % field["unit"] if field["unit"] else ""
        parts = [
            ui.Label({"Text": field["label"] + unit, "ToolTip": _about(field), "Weight": 0, "MinimumSize": [150, 0]}),
            self._widget(number, field),
        ]
        if field["kind"] == "folder":
            parts.append(ui.Button({"ID": _id(number) + "Browse", "Text": "Browse...", "Weight": 0}))
        return ui.HGroup({"Weight": 0, "Spacing": 6}, parts)

    def _widget(self, number, field):
        ui = self._ui
        about = {"ID": _id(number), "ToolTip": _about(field), "Weight": 1}
        if field["kind"] == "choice":
            return ui.ComboBox(about)
        if field["kind"] == "switch":
            return ui.CheckBox(dict(about, Text=""))
        if _spins(field):
            return ui.SpinBox(about)
        return ui.LineEdit(dict(about, PlaceholderText=field["empty"]))

    def _connect(self, window, items, name):
        window.On[name].Close = lambda event: self._end("cancel")
        for button, _ in self._buttons():
            window.On[button].Clicked = self._presser(button)
        for number, field in enumerate(self._fields):
            if field["kind"] == "folder":
                window.On[_id(number) + "Browse"].Clicked = self._browser(items[_id(number)])

    def _presser(self, button):
        return lambda event: self._end(button)

    def _browser(self, item):
        def browse(event):
            folder = self._fusion.RequestDir(item.Text)
            if folder:
                item.Text = str(folder)

        return browse

    def _end(self, pressed):
        self._pressed = pressed
        self._dispatcher.ExitLoop()


def _id(number):
    # Field names have dots, which widget ids must not have.
    return "field%d" % number


def _about(field):
    return "%s Allowed: %s." % (field["help"], field["takes"])


def _label(ui, text):
    return ui.Label({"Text": text, "Weight": 0, "WordWrap": True})


def _spins(field):
    limits = (field["minimum"], field["maximum"])
    return field["kind"] == "integer" and not field["empty"] and None not in limits and limits[1] <= _LARGEST_SPIN


def _choices(field):
    """Values and labels; the first one is empty if the field may be."""
    return ([(None, "(%s)" % field["empty"])] if field["empty"] else []) + [tuple(each) for each in field["choices"]]


def _fill(item, field, value):
    """Put a value into a widget."""
    if field["kind"] == "choice":
        choices = _choices(field)
        for _, label in choices:
            item.AddItem(label)
        values = [each for each, _ in choices]
        item.CurrentIndex = values.index(value) if value in values else 0
    elif field["kind"] == "switch":
        item.Checked = bool(value)
    elif _spins(field):
        # In this order: the toolkit clips the value to the limits set before, 0 to 99 at first.
        item.Minimum = int(field["minimum"])
        item.Maximum = int(field["maximum"])
        item.Value = int(value)
    else:
        item.Text = "" if value is None else _text(value)


def _text(value):
    return "%.12g" % value if isinstance(value, float) else str(value)


def _read(item, field):
    """Return the value of a widget; the toolkit returns numbers as floats."""
    if field["kind"] == "choice":
        choices = _choices(field)
        index = int(item.CurrentIndex)
        return choices[index][0] if 0 <= index < len(choices) else None
    if field["kind"] == "switch":
        return bool(item.Checked)
    if _spins(field):
        return round(item.Value)
    return str(item.Text)
