"""Messages of the command line in the words of the form and the menu, for people in Resolve who see no flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from answerprint.api.request import SETTINGS

__all__ = ["form_wording"]

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **{name.replace("_", "-"): setting.label for name, setting in SETTINGS.items() if setting.label},
        "put": "Put back",
        "handles": "Handles",
        "folder": "Folder",
        "codec": "Codec",
        "like-source": "Codec",
        "no-audio": "Sound",
        "sidecar": "Report",
        "inout": "Restore In-Out Range",
        "playhead": "Restore Clip Under Playhead",
        "selected": "Restore Selected Clips",
    }
)
"""Options of the command line, each with its name in the settings form or in Resolve's menu."""

_OPTION = re.compile(r"--option (\w+)=(\S+?)(?=[.,;:)]?(?:\s|$))")
_GROUP = re.compile(r" \((--[a-z][a-z-]*(?:, --[a-z][a-z-]*)*)\)")
_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")


def form_wording(text: str) -> str:
    """The text without flags. An option without a field or menu item keeps its name without dashes."""
    text = _OPTION.sub(lambda found: f"{_label(found[1])} {found[2]}", text)
    text = _GROUP.sub(_named, text)
    return _FLAG.sub(lambda found: _WORDS.get(found[1], found[1].replace("-", " ")), text)


def _named(found: re.Match[str]) -> str:
    """The names in a parenthesis of flags; "" if none of them is in the form or the menu."""
    known = [_WORDS[flag] for flag in _FLAG.findall(found[1]) if flag in _WORDS]
    return f" ({', '.join(known)})" if known else ""


def _label(option: str) -> str:
    return option.replace("_", " ").capitalize()
