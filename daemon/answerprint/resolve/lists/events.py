"""Events of an EDL as pictures on the timeline: which of its comments belong to which, dissolves taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .edl import EdlEvent, Motion
from .entries import Side

__all__ = ["Shot", "shots"]

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
