"""What the command line says, in the words of the forms and of the menu: in front of Resolve nobody types flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from answerprint.api.request import SETTINGS

__all__ = ["form_wording"]

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **{name: setting.label for name, setting in SETTINGS.items() if setting.label},
        "put": "Put back",
        "handles": "Handles",
        "folder": "Folder",
        "codec": "Codec",
        "inout": "Restore In-Out Range",
        "playhead": "Restore Clip Under Playhead",
        "selected": "Restore Selected Clips",
    }
)
"""Options of the command line by what the form of Restore Settings, or Resolve's menu, calls the same."""

_OPTION = re.compile(r"--option (\w+)=(\S+?)(?=[.,;:)]?(?:\s|$))")
_GROUP = re.compile(r" \((--[a-z][a-z-]*(?:, --[a-z][a-z-]*)*)\)")
_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")


def form_wording(text: str) -> str:
    """The text without flags. What has no field and no menu item of its own keeps its plain name."""
    text = _OPTION.sub(lambda found: f"{_label(found[1])} {found[2]}", text)
    text = _GROUP.sub(_named, text)
    return _FLAG.sub(lambda found: _WORDS.get(found[1], found[1].replace("-", " ")), text)


def _named(found: re.Match[str]) -> str:
    """A parenthesis that only names flags: those that are something here, else none of it."""
    known = [_WORDS[flag] for flag in _FLAG.findall(found[1]) if flag in _WORDS]
    return f" ({', '.join(known)})" if known else ""


def _label(option: str) -> str:
    return option.replace("_", " ").capitalize()
