"""Descriptions of options as lines for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from answerprint.option import Option

__all__ = ["option_lines"]

_WIDTH = 110


def option_lines(tables: Mapping[str, Sequence[Option]]) -> list[str]:
    """Each table under its title: name, default and allowed values, then the help. Basic options come first."""
    every = [option for options in tables.values() for option in options]
    name_width = max(len(option.name) for option in every)
    default_width = max(len(option.default_text) for option in every)
    lines: list[str] = []
    for title, options in tables.items():
        lines += ["", title]
        for option in sorted(options, key=lambda option: option.group != "basic"):
            lines.append(f"  {option.name:<{name_width}}  {option.default_text:<{default_width}}  {option.form}")
            lines += textwrap.wrap(option.help, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return lines
