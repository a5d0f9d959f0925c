"""The text of a CMX 3600 list: events and the comments that belong to them, nothing interpreted.

Written to read what editors export, not only what the format allows: reels of any length, comments of several makers.

Events of an EDL as pictures on the timeline: which of its comments belong to which, dissolves taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from answerprint.errors import InputError
from answerprint.resolve.edit_lists.model import Side

__all__ = ["LABEL", "EdlEvent", "EdlText", "Motion", "Shot", "decoded", "parse_edl", "shots"]

MAX_BYTES = 32 * 2**20

LABEL = r"\d{1,2}:\d{2}:\d{2}[:;.,]\d{2,3}"
_EVENT = re.compile(
    rf"(?P<number>\d+[A-Za-z]?)\s+(?P<reel>\S.*?)\s+(?P<channels>[ABV\d/]+|NONE)\s+"
    rf"(?P<transition>C|D|W\d+|K(?:\s+[BO])?)(?:\s+(?P<frames>\d+))?\s+"
    rf"(?P<source_in>{LABEL})\s+(?P<source_out>{LABEL})\s+(?P<record_in>{LABEL})\s+(?P<record_out>{LABEL})",
    re.IGNORECASE,
)
_LOOKS_LIKE_EVENT = re.compile(r"\d+[A-Za-z]?\s+\S+")
_MOTION = re.compile(rf"M2\s+(?P<reel>\S.*?)\s+(?P<rate>[+-]?\d+(?:\.\d+)?)\s+(?P<at>{LABEL})", re.IGNORECASE)
_FROM = re.compile(r"\*\s*FROM CLIP NAME:\s*(.*)", re.IGNORECASE)
_TO = re.compile(r"\*\s*TO CLIP NAME:\s*(.*)", re.IGNORECASE)
_FILE = re.compile(r"\*\s*SOURCE FILE:\s*(.*)", re.IGNORECASE)
_MODE = re.compile(r"FCM:\s*(NON[- ]DROP|DROP)", re.IGNORECASE)
_TITLE = re.compile(r"TITLE:\s*(.*)", re.IGNORECASE)
_RATE = re.compile(r"\*?\s*(?:FRAME ?RATE|FPS):\s*(\d+(?:\.\d+)?(?:/\d+)?)(?:\s*FPS)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Motion:
    """An M2 line. rate: frames per second that the source runs at, as written; at: label of its first frame."""

    reel: str
    rate: str
    at: str


@dataclass(frozen=True, slots=True)
class EdlEvent:
    """One line of an event, labels as written. transition: C, D, W001, K. frames: of a dissolve or wipe.

    drop: what the last FCM line before it says, None for no such line. line: from 0. problem: why it cannot be read.
    names (FROM and TO CLIP NAME), files (SOURCE FILE), motions: comments of the event, on its last line.
    """

    number: str
    line: int
    reel: str = ""
    channels: str = "V"
    transition: str = "C"
    frames: int = 0
    source_in: str = ""
    source_out: str = ""
    record_in: str = ""
    record_out: str = ""
    drop: bool | None = None
    from_name: str = ""
    to_name: str = ""
    files: tuple[str, ...] = ()
    motions: tuple[Motion, ...] = ()
    problem: str = ""

    @property
    def has_picture(self) -> bool:
        """Whether it says anything about picture: V, B (both), AA/V..."""
        return any(letter in self.channels.upper() for letter in "VB")


@dataclass(frozen=True, slots=True)
class EdlText:
    """A whole list. rate: what a comment says, "" for none, as nearly always."""

    title: str
    rate: str
    events: tuple[EdlEvent, ...]


def decoded(content: bytes) -> tuple[str, str]:
    """The text of a list and its encoding: UTF-8, UTF-16 with its mark, else Windows-1252.

    Raises InputError for what is no text.
    """
    if len(content) > MAX_BYTES:
        raise InputError("The list is too large for an EDL.", f"Lists of up to {MAX_BYTES >> 20} MiB are read.")
    encodings = ("utf-16",) if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252", "latin-1")
    if encodings[0] == "utf-8-sig" and not content.startswith(b"\xef\xbb\xbf"):
        encodings = ("utf-8", *encodings[1:])
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, encoding
    raise InputError("The list is not text.", "Export it again as an EDL (CMX 3600).")


def parse_edl(text: str) -> EdlText:
    """Read a list. An event line that cannot be read becomes one with a problem; other lines are left alone.

    Raises InputError when there is no event at all.
    """
    title, rate, drop = "", "", None
    events: list[EdlEvent] = []
    for number, raw in enumerate(text.splitlines()):
        line = raw.strip()
        if _LOOKS_LIKE_EVENT.match(line):
            events.append(_event(line, number, drop))
        elif found := _MODE.match(line):
            drop = found[1].upper() == "DROP"
        elif found := _TITLE.match(line):
            title = title or found[1].strip()
        elif found := _RATE.fullmatch(line):
            rate = rate or found[1]
        elif events:
            events[-1] = _with_comment(events[-1], line)
    if not any(not each.problem for each in events):
        raise InputError("The list holds no event of an EDL (CMX 3600).", "Export it again as an EDL or OTIO.")
    return EdlText(title, rate, tuple(events))


def _event(line: str, number: int, drop: bool | None) -> EdlEvent:
    found = _EVENT.fullmatch(line)
    if found is None:
        return EdlEvent(line.split()[0], number, problem=f"Line {number + 1} is no event of an EDL.")
    transition = found["transition"].upper().split()[0]
    frames = int(found["frames"] or 0)
    if transition[0] in "DW" and not found["frames"]:
        return EdlEvent(found["number"], number, problem=f"Line {number + 1} does not say how long its transition is.")
    return EdlEvent(
        found["number"],
        number,
        found["reel"],
        found["channels"],
        transition,
        frames,
        found["source_in"],
        found["source_out"],
        found["record_in"],
        found["record_out"],
        drop,
    )


def _with_comment(event: EdlEvent, line: str) -> EdlEvent:
    if found := _FROM.match(line):
        return replace(event, from_name=event.from_name or found[1].strip())
    if found := _TO.match(line):
        return replace(event, to_name=event.to_name or found[1].strip())
    if found := _FILE.match(line):
        return replace(event, files=(*event.files, found[1].strip()))
    if found := _MOTION.match(line):
        return replace(event, motions=(*event.motions, Motion(found["reel"], found["rate"], found["at"])))
    if line[:2].upper() == "M2":
        return replace(event, problem=event.problem or f"Its speed ({line}) cannot be read.")
    return event


_BLACK = "BL"
_NO_REEL = "AX"


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture. tail: record frames for which it goes on after its labels end, under a dissolve to another.

    name: of its clip, "" for none. file: what SOURCE FILE says. motion: how fast it runs, None for as shot.
    """

    event: EdlEvent
    side: Side = ""
    tail: int = 0
    name: str = ""
    file: str = ""
    motion: Motion | None = None
    problem: str = ""

    @property
    def black(self) -> bool:
        """Whether it shows no picture."""
        return self.event.reel.upper() == _BLACK

    @property
    def texts(self) -> tuple[str, ...]:
        """What may name its file, the plainest first; AX stands for no reel at all."""
        reel = "" if self.event.reel.upper() == _NO_REEL else self.event.reel
        return tuple(dict.fromkeys(each for each in (self.file, self.name, reel) if each))


def shots(events: tuple[EdlEvent, ...]) -> Iterator[Shot]:
    """The pictures of all events that have one, in order."""
    before: EdlEvent | None = None
    picture = [each for each in events if each.has_picture or each.problem]
    index = 0
    while index < len(picture):
        event = picture[index]
        following = picture[index + 1] if index + 1 < len(picture) else None
        if following is not None and _is_outgoing(event, following):
            # The names stand below the second line and are meant for both.
            yield from _transition(_with_comments(event, following), following)
            before, index = following, index + 2
            continue
        if event.transition[0] in "DW" and not event.problem:
            yield from _transition(_continued(before, event), event)
        else:
            yield _single(event)
        before, index = event, index + 1


def _is_outgoing(event: EdlEvent, following: EdlEvent) -> bool:
    return (
        event.number == following.number
        and event.transition == "C"
        and following.transition[0] in "DW"
        and not event.problem
        and not following.problem
    )


def _with_comments(first: EdlEvent, second: EdlEvent) -> EdlEvent:
    """The outgoing line with all motions of the event: they may stand below either line."""
    return replace(first, motions=(*first.motions, *second.motions))


def _continued(before: EdlEvent | None, event: EdlEvent) -> EdlEvent | None:
    """The outgoing picture of a transition that has but one line: what ends where it begins."""
    if before is None or before.problem or before.record_out != event.record_in:
        return None
    name = before.to_name if before.transition[0] in "DW" else before.from_name
    return replace(
        before,
        number=event.number,
        line=event.line,
        source_in=before.source_out,
        record_in=before.record_out,
        from_name=name,
    )


def _transition(outgoing: EdlEvent | None, incoming: EdlEvent) -> Iterator[Shot]:
    names = (incoming.from_name or (outgoing.from_name if outgoing else ""), incoming.to_name)
    files = (*(outgoing.files if outgoing else ()), *incoming.files)
    if outgoing is None:
        yield Shot(incoming, "from", problem="The list does not say what the transition comes from.")
    else:
        single = outgoing.reel.upper() == _BLACK
        if single and not names[1]:  # some exporters call the only picture of a fade FROM
            names = ("", names[0])
        yield Shot(
            outgoing,
            "from",
            tail=incoming.frames,
            name=names[0],
            file=files[0] if len(files) == 2 else "",
            motion=_motion(outgoing),
        )
    only = outgoing is None or outgoing.reel.upper() == _BLACK
    file = files[1] if len(files) == 2 else files[0] if len(files) == 1 and only else ""
    yield Shot(incoming, "to", name=names[1], file=file, motion=_motion(incoming))


def _single(event: EdlEvent) -> Shot:
    problem = event.problem
    if event.transition[0] == "K":
        problem = problem or "It is a key: pictures laid over each other."
    return Shot(
        event,
        name=event.from_name or event.to_name,
        file=event.files[0] if len(event.files) == 1 else "",
        motion=_motion(event),
        problem=problem,
    )


def _motion(event: EdlEvent) -> Motion | None:
    """The M2 line of an event: the one of its reel, and of its first frame where there are several."""
    named = [each for each in event.motions if each.reel.upper() == event.reel.upper()]
    found = [each for each in named if _plain(each.at) == _plain(event.source_in)] or named
    return found[-1] if found else None


def _plain(label: str) -> str:
    return label.replace(";", ":").replace(".", ":").replace(",", ":")
