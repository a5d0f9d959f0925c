"""Write an EDL with restored files. It changes only clip names, and timecodes if the restored file has others."""

from __future__ import annotations

import re
from collections import defaultdict

from answerprint.api.types import MediaInfo
from answerprint.errors import InputError
from answerprint.frames.timecode import Timecode
from answerprint.resolve.edit_lists.edl import LABEL, decoded, parse_edl, shots
from answerprint.resolve.edit_lists.edl_conform import frames_of, index_of, start_of
from answerprint.resolve.edit_lists.model import ChosenMedia, EditList, RestoredMedia

__all__ = ["edl_with"]

_LABELS = re.compile(LABEL)
_COMMENT = re.compile(r"(\s*\*\s*)(FROM CLIP NAME|TO CLIP NAME|SOURCE FILE)(:\s*)(.*?)(\s*)", re.IGNORECASE)
_M2 = re.compile(r"\s*M2\s", re.IGNORECASE)


class _Names:
    """The restored file of each line. Lines count from 0; comments follow the last line of an event."""

    def __init__(self, edit: EditList, text: str, chosen: ChosenMedia) -> None:
        self.labels: dict[int, tuple[MediaInfo, RestoredMedia]] = {}
        self.names: dict[int, dict[str, RestoredMedia]] = defaultdict(dict)
        self.files: dict[int, list[RestoredMedia | None]] = defaultdict(list)
        sources = {(each.line, each.side): each.media for each in edit.entries}
        outgoing: tuple[int, RestoredMedia | None, bool] = (0, None, False)
        for shot in shots(parse_edl(text).events):
            line = shot.event.line
            restored = chosen.get((line, shot.side))
            source = sources.get((line, shot.side))
            if restored is not None and source is not None:
                self.labels[line] = (source, restored)  # a line with both sides keeps the later one
            if shot.side == "from":
                outgoing = (line, restored, shot.black)
                if restored is not None:
                    self.names[line]["FROM CLIP NAME"] = restored
                continue
            if shot.side == "to":
                self._transition(line, outgoing, restored)
            elif restored is not None:
                self.names[line]["FROM CLIP NAME"] = restored
                self.files[line] = [restored]

    def _transition(
        self, line: int, outgoing: tuple[int, RestoredMedia | None, bool], incoming: RestoredMedia | None
    ) -> None:
        _, other, black = outgoing
        self.files[line] = [incoming] if black else [other, incoming]
        if other is not None:
            self.names[line]["FROM CLIP NAME"] = other
        if incoming is not None:
            self.names[line]["FROM CLIP NAME" if black else "TO CLIP NAME"] = incoming
            self.names[line]["TO CLIP NAME"] = incoming


def edl_with(edit: EditList, chosen: ChosenMedia) -> bytes:
    """The list with the names of restored files, in its own encoding."""
    text, encoding = decoded(edit.content)
    names = _Names(edit, text, chosen)
    events = {each.line: each for each in parse_edl(text).events}
    lines = text.splitlines(keepends=True)
    out: list[str] = []
    current, named, files = -1, set[str](), 0
    for number, line in enumerate(lines):
        if number in events:
            out += _missing(names, current, named, lines)
            current, named, files = number, set(), 0
            out.append(_relabelled(line, edit, names.labels.get(number), range(2)))
            continue
        comment = _COMMENT.fullmatch(line)
        if comment is not None and current >= 0:
            kind = comment[2].upper()
            if kind == "SOURCE FILE":
                of = names.files.get(current, [])
                restored = of[files] if files < len(of) else None
                files += 1
            else:
                restored = names.names[current].get(kind)
                named.add(kind)
            if restored is not None:
                path = any(each in comment[4] for each in "/\\")
                line = (
                    f"{comment[1]}{comment[2]}{comment[3]}{restored.path if path else restored.path.name}{comment[5]}"
                )
        elif _M2.match(line) and current >= 0:
            line = _relabelled(line, edit, names.labels.get(current), range(1))
        out.append(line)
    out += _missing(names, current, named, lines)
    try:
        return "".join(out).encode(encoding)
    except UnicodeEncodeError as error:
        raise InputError(
            f"The list's encoding ({encoding}) lacks a character of a restored file's name.",
            "Rename the restored files, or export the list as UTF-8.",
        ) from error


def _missing(names: _Names, line: int, named: set[str], lines: list[str]) -> list[str]:
    """Comments for an event that names no clip: without them nothing names the restored file."""
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\r" if lines and lines[0].endswith("\r") else "\n"
    wanted = names.names.get(line, {})
    return [f"* {kind}: {each.path.name}{end}" for kind, each in wanted.items() if kind not in named and not named]


def _relabelled(line: str, edit: EditList, about: tuple[MediaInfo, RestoredMedia] | None, which: range) -> str:
    """The line with the restored file's source timecodes; unchanged if it has the source's timecode."""
    if about is None:
        return line
    source, restored = about
    found = list(_LABELS.finditer(line))[-4 if len(which) == 2 else -1 :]
    for match in reversed([found[each] for each in which]):
        frame = index_of(match[0], edit.rate, source) - restored.first
        start, drop = start_of(restored.media, edit.rate)
        label = Timecode(start + frame, edit.rate, drop)
        if frames_of(match[0], edit.rate, drop) != label.frames:
            line = f"{line[: match.start()]}{label}{line[match.end() :]}"
    return line
