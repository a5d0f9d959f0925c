"""A stand-in for Resolve's toolkit and the person before it, as strict as the toolkit is silent.

What it does not know it refuses; numbers are given back as floats; a combo box is empty until something is added; a
value of a spin box is cut to the limits of the moment; a loop goes on until it is ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

__all__ = ["Fusion", "Module", "Person", "Steps", "Window", "person"]

_COMMON = {"ID", "Weight", "ToolTip", "MinimumSize"}
_PROPERTIES: Mapping[str, frozenset[str]] = {
    kind: frozenset(_COMMON | more)
    for kind, more in {
        "Label": {"Text", "WordWrap"},
        "LineEdit": {"Text", "PlaceholderText"},
        "CheckBox": {"Text", "Checked"},
        "ComboBox": {"CurrentIndex", "CurrentText"},
        "SpinBox": {"Minimum", "Maximum", "Value", "SingleStep"},
        "Button": {"Text"},
        "VGroup": {"Spacing"},
        "HGroup": {"Spacing"},
        "HGap": set(),
    }.items()
}
_DEFAULTS: Mapping[str, Any] = {
    "Text": "",
    "Checked": False,
    "CurrentIndex": -1.0,
    "Minimum": 0,
    "Maximum": 99,
    "Value": 0,
}
_WINDOW = {"ID", "WindowTitle", "Geometry", "WindowFlags"}
Person: TypeAlias = "Callable[[Window], None]"
Steps: TypeAlias = "Sequence[Sequence[Any]]"
"""What a person does in a window: names of its methods, each with the arguments."""


class Widget:
    """A widget, its properties as attributes."""

    def __init__(self, kind: str, properties: Mapping[str, Any], children: Iterable[Widget] = ()) -> None:
        self.__dict__.update(kind=kind, children=list(children), entries=[])
        assert all(isinstance(each, Widget) for each in self.children)
        for name, value in properties.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401
        assert name in _PROPERTIES[self.kind], f"a {self.kind} has no {name}"
        if name in ("Text", "PlaceholderText", "ToolTip", "ID"):
            assert isinstance(value, str), f"{name} of a {self.kind} is a text"
        if name == "ID":
            assert value.isidentifier(), value
        if name == "CurrentIndex":
            value = float(value) if 0 <= value < len(self.entries) else -1.0
        if name == "Value":
            value = float(min(max(value, self.Minimum), self.Maximum))
        if name in ("Minimum", "Maximum"):
            assert -(2**31) <= value < 2**31
        self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        assert name in _PROPERTIES[self.kind], f"a {self.kind} has no {name}"
        return _DEFAULTS.get(name)

    def AddItem(self, text: str) -> None:
        """Add an entry; the first one is chosen at once."""
        assert self.kind == "ComboBox"
        assert isinstance(text, str)
        self.entries.append(text)
        self.__dict__.setdefault("CurrentIndex", 0.0)

    def walk(self) -> Iterable[Widget]:
        """This one and all that are in it."""
        yield self
        for child in self.children:
            yield from child.walk()


class _Handlers:
    """`window.On`."""

    def __init__(self, known: set[str]) -> None:
        self._known, self._handlers = known, dict[str, Any]()

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        assert name in self._known, f"nothing is called {name}"
        return self._handlers.setdefault(name, type("Events", (), {"__slots__": ("Clicked", "Close")})())


class Window:
    """A window, and what a person can do in it: find fields by their labels, press buttons by what is on them."""

    def __init__(self, properties: Mapping[str, Any], layout: Widget) -> None:
        assert set(properties) <= _WINDOW, properties
        self.properties, self.shown = properties, False
        self.widgets = list(layout.walk())
        named = [each.ID for each in self.widgets if each.ID]
        assert len(named) == len(set(named)), "names of widgets are unique"
        self.On = _Handlers({*named, properties["ID"]})

    def GetItems(self) -> dict[str, Widget]:
        """Widgets that have a name."""
        return {each.ID: each for each in self.widgets if each.ID}

    def Show(self) -> None:
        """Show it."""
        self.shown = True

    def Hide(self) -> None:
        """Hide it."""
        self.shown = False

    def texts(self) -> list[str]:
        """What can be read."""
        return [each.Text for each in self.widgets if each.kind == "Label"]

    def field(self, label: str) -> Widget:
        """The widget beside a label."""
        return self._row(label)[1]

    def _row(self, label: str) -> list[Widget]:
        for each in self.widgets:
            parts: list[Widget] = each.children
            if each.kind == "HGroup" and parts and parts[0].kind == "Label" and parts[0].Text == label:
                return parts
        raise AssertionError(f"{label} is not asked")

    def pick(self, label: str, entry: str) -> None:
        """Choose an entry of a combo box."""
        box = self.field(label)
        box.CurrentIndex = box.entries.index(entry)

    def enter(self, label: str, value: str | int | bool) -> None:
        """Type a text, or set a number or a switch."""
        widget = self.field(label)
        setattr(widget, {"LineEdit": "Text", "SpinBox": "Value", "CheckBox": "Checked"}[widget.kind], value)

    def press(self, text: str, beside: str = "") -> None:
        """Press a button; beside: the label of its row, where there are several."""
        where = self._row(beside) if beside else self.widgets
        button = next(each for each in where if each.kind == "Button" and each.Text == text)
        self.On[button.ID].Clicked({"who": button.ID})

    def close(self) -> None:
        """Close it by its frame."""
        self.On[self.properties["ID"]].Close({})


class _Manager:
    """`fusion.UIManager`."""

    def __getattr__(self, kind: str) -> Callable[..., Widget]:
        assert kind in _PROPERTIES, f"the toolkit has no {kind}"
        if kind == "HGap":
            return lambda size=0, weight=0: Widget("HGap", {"Weight": weight})

        def make(properties: Mapping[str, Any], children: Iterable[Widget] = ()) -> Widget:
            assert kind in ("VGroup", "HGroup") or not children
            return Widget(kind, properties, children)

        return make


class Fusion:
    """`fusion`, whose toolkit is None in the free edition."""

    def __init__(self, *, windows: bool = True, folder: str | None = None) -> None:
        self.UIManager = _Manager() if windows else None
        self._folder = folder

    def RequestDir(self, start: str = "") -> str | None:
        """Ask for a folder; None where the person closes the dialog."""
        return self._folder


class _Dispatcher:
    def __init__(self, people: list[Person], windows: list[Window]) -> None:
        self._people, self._windows = people, windows
        self._running = False

    def AddWindow(self, properties: Mapping[str, Any], children: list[Widget]) -> Window:
        """Make a window."""
        (layout,) = children
        self._windows.append(Window(properties, layout))
        return self._windows[-1]

    def RunLoop(self) -> None:
        """Let the person act on the window; it has to end the loop."""
        assert [each.shown for each in self._windows] == [False] * (len(self._windows) - 1) + [True]
        self._running = True
        self._people.pop(0)(self._windows[-1])
        assert not self._running, "the loop goes on for ever"

    def ExitLoop(self) -> None:
        """End the loop."""
        self._running = False


class Module:
    """`bmd`; people: what is done in each window that opens, in turn."""

    def __init__(self, *people: Person) -> None:
        self.people = list(people)
        self.windows: list[Window] = []

    def UIDispatcher(self, manager: object) -> _Dispatcher:
        """What runs windows."""
        assert isinstance(manager, _Manager)
        return _Dispatcher(self.people, self.windows)


def person(steps: Steps) -> Person:
    """Somebody who does one step after another."""

    def act(window: Window) -> None:
        for action, *arguments in steps:
            getattr(window, action)(*arguments)

    return act
