"""The pages for people, as data: their links, code, commands and tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGES", "ROOT", "Command", "anchors", "coded", "commands", "inline_code", "links", "section", "table"]

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *ROOT.glob("docs/*.md")])

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_SHELL_ENDS = frozenset({"|", "||", "&&", ";", ">", ">>", "<", "&", "2>&1"})


@dataclass(frozen=True, slots=True)
class Command:
    """A command line of a page. whole: it stands in a block of code, as somebody would type it."""

    page: Path
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {shlex.join(self.words)}"


def prose(page: Path) -> str:
    """The text without its blocks of code."""
    return _FENCE.sub("", page.read_text("utf-8"))


def inline_code(page: Path) -> list[str]:
    """Every `code` in the prose."""
    return coded(prose(page))


def coded(text: str) -> list[str]:
    """Every `code` in a text, such as a cell of a table."""
    return _INLINE.findall(text)


def links(page: Path) -> list[str]:
    """Targets of links and pictures that lie in this repository."""
    text = _INLINE.sub("", prose(page))
    return [link for link in _LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]


def anchors(page: Path) -> set[str]:
    """What a link may name after `#`: each heading, lower case, blanks as dashes, without its punctuation."""
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in _HEADING.findall(prose(page))}


def commands(page: Path, *programs: str) -> Iterator[Command]:
    """Command lines of these programs, in blocks (after a prompt `$`, too) and in the prose."""
    blocks = "\n".join(_FENCE.findall(page.read_text("utf-8")))
    for text, whole in ((blocks, True), ("\n".join(inline_code(page)), False)):
        for line in re.findall(r"^(?:\$ )?(\S+(?: .*)?)$", text, re.MULTILINE):
            if line.split()[0] in programs:
                yield Command(page, tuple(_words(line)), whole)


def _words(line: str) -> Iterator[str]:
    for word in shlex.split(line, comments=True):
        if word in _SHELL_ENDS:
            return
        if word != "...":
            yield word


def section(page: Path, heading: str) -> str:
    """The text below a heading, up to the next one of its level or above."""
    level, text = heading.split(" ")[0], page.read_text("utf-8")
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"{page.name} has no heading {heading!r}"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def table(text: str, first: str) -> list[dict[str, str]]:
    """The rows of all tables whose first column is called so, by the names of their columns."""
    rows: list[dict[str, str]] = []
    heading: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            heading = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not heading:
            heading = cells
        elif heading[0] == first and not set(cells[0]) <= set("-: "):
            assert len(cells) == len(heading), line
            rows.append(dict(zip(heading, cells, strict=True)))
    return rows
