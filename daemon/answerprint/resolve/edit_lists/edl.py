"""Parse a CMX 3600 EDL: its events with their comments, and the shots that they describe.

It reads what editors export, not only what the format allows: reels of any length, comments of several programs.
Dissolves and wipes become two shots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from answerprint.errors import InputError
from answerprint.resolve.edit_lists.model import EntrySide

__all__ = ["LABEL", "EdlEvent", "EdlText", "Motion", "Shot", "decoded", "parse_edl", "shots"]

MAX_BYTES = 32 * 2**20

LABEL = r"\d{1,2}:\d{2}:\d{2}[:;.,]\d{2,3}"
_EVENT = re.compile(
    rf"(?P<number>\d+[A-Za-z]?)\s+(?P<reel>\S.*?)\s+(?P<channels>[ABV\d/]+|NONE)\s+"
    rf"(?P<transition>C|D|W\d+|K(?:\s+[BO])?)(?:\s+(?P<frames>\d+))?\s+"
    rf"(?P<source_in>{LABEL})\s+(?P<source_out>{LABEL})\s+(?P<record_in>{LABEL})\s+(?P<record_out>{LABEL})",
    re.IGNORECASE,
)
_IN_FRAMES = re.compile(r"\d+[A-Za-z]?\s.*(?:\s\d+(?:\+\d+)?){4}")  # also feet and frames, such as 12+04
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
    """An M2 line. rate: frames per second at which the source runs, as written. at: timecode of its first frame."""

    reel: str
    rate: str
    at: str


@dataclass(frozen=True, slots=True)
class EdlEvent:
    """One line of an event, timecodes as written. transition: C, D, W001, K. frames: of a dissolve or wipe.

    drop: by the last FCM line before it, None if there is none. line: from 0. problem: why the line is not valid, or
    "". from_name, to_name (FROM and TO CLIP NAME), files (SOURCE FILE), motions: the event's comments, on its last
    line.
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
        """Whether its channels hold picture: V, B (both), AA/V..."""
        return any(letter in self.channels.upper() for letter in "VB")


@dataclass(frozen=True, slots=True)
class EdlText:
    """A parsed list. rate: from a comment, "" if there is none, as is usual."""

    title: str
    rate: str
    events: tuple[EdlEvent, ...]


def decoded(content: bytes) -> tuple[str, str]:
    """The text of a list and its encoding: UTF-8, UTF-16 with a byte order mark, or Windows-1252.

    Raises InputError if the content is not text.
    """
    if len(content) > MAX_BYTES:
        raise InputError("The list is too large for an EDL.", f"Use a list of at most {MAX_BYTES >> 20} MiB.")
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
    """Parse a list. A bad event line becomes an event with a problem; unknown lines are ignored.

    Raises InputError if there is no valid event.
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
        counts = next((each.problem for each in events if each.problem.endswith(_NO_TIMECODE)), "")
        why = counts or "The list has no EDL event (CMX 3600)."
        raise InputError(why, f"Export it again {'with timecode, or as OTIO' if counts else 'as an EDL or OTIO'}.")
    return EdlText(title, rate, tuple(events))


_NO_TIMECODE = "counts in frames or feet, not in timecode."


def _event(line: str, number: int, drop: bool | None) -> EdlEvent:
    found = _EVENT.fullmatch(line)
    if found is None and _IN_FRAMES.fullmatch(line):
        return EdlEvent(line.split()[0], number, problem=f"Line {number + 1} {_NO_TIMECODE}")
    if found is None:
        return EdlEvent(line.split()[0], number, problem=f"Line {number + 1} is not a valid EDL event.")
    transition = found["transition"].upper().split()[0]
    frames = int(found["frames"] or 0)
    if transition[0] in "DW" and not found["frames"]:
        return EdlEvent(found["number"], number, problem=f"The transition in line {number + 1} has no length.")
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
        return replace(event, problem=event.problem or f"Its speed ({line}) is not valid.")
    return event


_BLACK = "BL"
_NO_REEL = "AX"


@dataclass(frozen=True, slots=True)
class Shot:
    """One clip on the timeline. tail: record frames that it goes on after its out point, under a dissolve.

    name: of its clip, "" for none. file: of SOURCE FILE. motion: its speed, None for normal speed.
    """

    event: EdlEvent
    side: EntrySide = ""
    tail: int = 0
    name: str = ""
    file: str = ""
    motion: Motion | None = None
    problem: str = ""

    @property
    def black(self) -> bool:
        """Whether it is black."""
        return self.event.reel.upper() == _BLACK

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that may name its file, the most reliable first; the reel AX names none."""
        reel = "" if self.event.reel.upper() == _NO_REEL else self.event.reel
        return tuple(dict.fromkeys(each for each in (self.file, self.name, reel) if each))


def shots(events: tuple[EdlEvent, ...]) -> Iterator[Shot]:
    """The shots of all events with picture, in order."""
    before: EdlEvent | None = None
    picture = [each for each in events if each.has_picture or each.problem]
    index = 0
    while index < len(picture):
        event = picture[index]
        following = picture[index + 1] if index + 1 < len(picture) else None
        if following is not None and _is_outgoing(event, following):
            # The names below the second line belong to both lines.
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
    """The outgoing line with all motions of the event, which may follow either line."""
    return replace(first, motions=(*first.motions, *second.motions))


def _continued(before: EdlEvent | None, event: EdlEvent) -> EdlEvent | None:
    """The outgoing clip of a transition with only one line: the event that ends where it begins."""
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
        yield Shot(incoming, "from", problem="The transition has no outgoing clip.")
    else:
        fade_in = outgoing.reel.upper() == _BLACK
        if fade_in and not names[1]:  # some exporters name the only clip of a fade FROM
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
        problem = problem or "Key events are not supported."
    return Shot(
        event,
        name=event.from_name or event.to_name,
        file=event.files[0] if len(event.files) == 1 else "",
        motion=_motion(event),
        problem=problem,
    )


def _motion(event: EdlEvent) -> Motion | None:
    """The M2 line of an event: that of its reel, and of its first frame if there are several."""
    named = [each for each in event.motions if each.reel.upper() == event.reel.upper()]
    found = [each for each in named if _plain(each.at) == _plain(event.source_in)] or named
    return found[-1] if found else None


def _plain(label: str) -> str:
    return label.replace(";", ":").replace(".", ":").replace(",", ":")
