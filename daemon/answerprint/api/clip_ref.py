"""Which clip is meant: its media, the frames of it that are used, and what an editor knows better than the file.

Everything else speaks of a clip in this one type. Three other forms are converted where they enter: the protocol and
the journal (`to_json`), the settings of a request (`settings`), and the facts that Resolve gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Self

from answerprint.errors import InputError
from answerprint.frames.cadence import at_cadence, clip_range
from answerprint.frames.clip import Cadence, ClipInfo, FieldOrder, parse_range
from answerprint.frames.frame import FrameRange
from answerprint.frames.timecode import Timecode
from answerprint.ipc.messages import Message
from answerprint.text import one_of

__all__ = ["CLIP_WORDS", "ClipRef"]

CLIP_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "fields": ("auto", "progressive", "top", "bottom", "per-frame"),
        "deinterlace": ("frame", "field"),
        "telecine": ("off", "auto"),
    }
)
"""How a person may say that a clip is to be read, by name; the first word of each leaves it to the program."""

_RANGES = {"video": "tv", "full": "pc"}
_FIELDS = {order.value: order for order in FieldOrder if order is not FieldOrder.PER_FRAME}
"""What an editor can set, by the words of a request; the protocol has the names of the enum."""
_ALPHAS = {"none": "NONE", "straight": "STRAIGHT", "premultiplied": "PREMULTIPLIED"}
_INTERPRETED = (
    "rate",
    "start_timecode",
    "pixel_aspect",
    "levels",
    *CLIP_WORDS,
    "sound",
    "handles",
    "colour_space",
    "gamma",
)


@dataclass(frozen=True, slots=True)
class ClipRef:
    """A clip. Each value that is None or empty leaves what the media say.

    media: absolute path of a file, of a sequence's pattern, or of its folder. range: source frames without handles; or
    A:B as typed, in frames or timecodes, which only the media can tell apart; None is all. handles: frames before and
    after a range that are restored too. rate: frames per second at which the frames are played; none are added or
    left out. start_timecode: label of frame 0; drop_frame: the rate's numbers are dropped, as a semicolon in the label
    says too. pixel_aspect: width over height. fields: the order of its fields, never PER_FRAME. levels: `video` or
    `full`. alpha: `none`, `straight` or `premultiplied`. colour_space, gamma, reel: as the editor names
    them. audio: whether sound is copied. editor: the editor's own notes, given back and never interpreted here.
    deinterlace: `field` for a frame of each field. telecine: `auto` for the frames of film that was made video.
    """

    media: str = ""
    range: FrameRange | str | None = None
    handles: tuple[int, int] = (0, 0)
    rate: Fraction | None = None
    start_timecode: str = ""
    drop_frame: bool = False
    pixel_aspect: Fraction | None = None
    fields: FieldOrder | None = None
    levels: str = ""
    colour_space: str = ""
    gamma: str = ""
    alpha: str = ""
    audio: bool | None = None
    reel: str = ""
    editor: Mapping[str, str] = field(default_factory=dict)
    deinterlace: str = ""
    telecine: str = ""

    # What it says of the media

    def interpret(self, info: ClipInfo) -> ClipInfo:
        """The clip as the editor sees it. Raises InputError for a timecode that its rate does not have."""
        rate = self.rate or info.rate
        # Sound that is played at its own speed does not fit pictures that are not.
        sound = self.audio is not False and rate == info.rate
        lost = info.has_audio and self.audio is not False and not sound
        given = self._label()
        timecode = given or info.start_timecode or info.header_timecode or None
        if timecode and (given or rate != info.rate or not info.start_timecode):
            timecode = _label_at(timecode, rate, given=bool(given))
        colour = replace(info.colour, range=_RANGES[self.levels]) if self.levels else info.colour
        source = replace(
            info,
            rate=rate,
            file_rate=info.file_rate or (info.rate if rate != info.rate else None),
            field_order=info.field_order if self.fields is None else self.fields,
            rate_is_assumed=info.rate_is_assumed and self.rate is None,
            start_timecode=timecode,
            sample_aspect=self.pixel_aspect or info.sample_aspect,
            colour=colour,
            levels=_RANGES.get(self.levels, ""),
            has_audio=info.has_audio and sound,
            notices=info.notices + ((_silenced(info, rate),) if lost else ()),
        )
        return at_cadence(source, self._cadence(source))

    def _cadence(self, info: ClipInfo) -> Cadence:
        if info.interlaced and self.deinterlace == "field":
            return Cadence.FIELD
        if not info.telecined or info.field_order not in (FieldOrder.TOP_FIRST, FieldOrder.BOTTOM_FIRST):
            return Cadence.FRAME
        return Cadence.FILM if self.telecine == "auto" else Cadence.MATCHED

    def frames(self, info: ClipInfo) -> FrameRange:
        """The frames to restore, with as many handles as the clip has. info: from `interpret`. Raises InputError.

        The range and its handles are of source frames, the result of the clip's.
        """
        text, source = self._range_text(), info.stored or info
        frames = source.checked(None) if text is None else parse_range(text, source)
        if isinstance(self.range, str):  # the handles of others are in the text
            before, after = self.handles
            frames = FrameRange(max(0, frames.start - before), min(source.frames, frames.stop + after))
        return clip_range(info, frames)

    # As settings of a request

    @classmethod
    def from_settings(cls, media: str, range: str | None = None, interpret: Mapping[str, str] | None = None) -> Self:
        """Read what a person or a request says: a range A:B, and `rate=24000/1001`, `sound=no` and others by name.

        Raises InputError.
        """
        if not interpret:
            return cls(media, range or None)
        if unknown := sorted(interpret.keys() - set(_INTERPRETED)):
            raise InputError(f"Clips have no attribute {unknown[0]!r}.", f"They have {', '.join(_INTERPRETED)}.")
        for name, valid in (("levels", tuple(_RANGES)), *CLIP_WORDS.items(), ("sound", ("yes", "no"))):
            if (value := interpret.get(name)) is not None and value not in valid:
                raise InputError(f"{name} cannot be {value!r}.", f"Give {one_of(valid)}.")
        handles = _handles(interpret.get("handles", "0"))
        if any(handles) and not range:
            raise InputError("Handles lie around a range, and there is none.", "Give --range too.")
        return cls(
            media,
            range or None,
            handles,
            rate=_positive("rate", interpret.get("rate")),
            start_timecode=interpret.get("start_timecode", ""),
            pixel_aspect=_positive("pixel_aspect", interpret.get("pixel_aspect")),
            fields=_FIELDS.get(interpret.get("fields", "")),
            deinterlace=_unless_usual("deinterlace", interpret.get("deinterlace")),
            telecine=_unless_usual("telecine", interpret.get("telecine")),
            levels=interpret.get("levels", ""),
            colour_space=interpret.get("colour_space", ""),
            gamma=interpret.get("gamma", ""),
            audio=False if interpret.get("sound") == "no" else None,
        )

    def settings(self) -> Message:
        """`input`, `range` and `interpret` of a request, as `from_settings` reads them."""
        given = {
            "rate": "" if self.rate is None else str(self.rate),
            "pixel_aspect": "" if self.pixel_aspect is None else str(self.pixel_aspect),
            "start_timecode": self._label(),
            "levels": self.levels,
            "fields": "" if self.fields is None else self.fields.value,
            "deinterlace": self.deinterlace,
            "telecine": self.telecine,
            "sound": "no" if self.audio is False else "",
            "handles": "{},{}".format(*self.handles) if any(self.handles) and isinstance(self.range, str) else "",
            "colour_space": self.colour_space,
            "gamma": self.gamma,
        }
        interpret = {name: text for name, text in given.items() if text}
        return {"input": self.media, "range": self._range_text(), "interpret": interpret}

    # As the protocol and the journal have it

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_json`'s form; what only newer programs know is left out. Raises InputError for a damaged one."""
        try:
            if data.keys() <= {"media", "range_text"}:  # nearly all, and pages of jobs read thousands
                return cls(str(data.get("media", "")), data.get("range_text") or None)
            span = data.get("range")
            return cls(
                media=str(data.get("media", "")),
                range=(data.get("range_text") or None) if span is None else _frames(span),
                handles=(int(data.get("handle_before", 0)), int(data.get("handle_after", 0))),
                rate=_rational(data.get("rate")),
                start_timecode=str(data.get("start_timecode", "")),
                drop_frame=bool(data.get("drop_frame", False)),
                pixel_aspect=_rational(data.get("pixel_aspect")),
                fields=next((each for each in _FIELDS.values() if data.get("field_order") == _order_name(each)), None),
                deinterlace=_unless_usual("deinterlace", data.get("deinterlace")),
                telecine=_unless_usual("telecine", data.get("telecine")),
                levels=_word(_LEVELS, "LEVELS_", data.get("levels")),
                colour_space=str(data.get("colour_space", "")),
                gamma=str(data.get("gamma", "")),
                alpha=_word(_ALPHAS, "ALPHA_", data.get("alpha")),
                audio=data.get("audio"),
                reel=str(data.get("reel", "")),
                editor={str(name): str(text) for name, text in data.get("editor", {}).items()},
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(f"The clip cannot be read ({error}).") from error

    def to_json(self) -> Message:
        """The JSON form of the protocol's ClipRef: large numbers are text, and what is not set is left out."""
        typed = isinstance(self.range, str)
        data: Message = {
            "media": self.media,
            "range": _span(self.range) if isinstance(self.range, FrameRange) else None,
            "range_text": self.range if typed else None,
            "handle_before": str(self.handles[0]) if self.handles[0] else None,
            "handle_after": str(self.handles[1]) if self.handles[1] else None,
            "rate": _parts(self.rate),
            "start_timecode": self.start_timecode,
            "drop_frame": self.drop_frame or None,
            "pixel_aspect": _parts(self.pixel_aspect),
            "field_order": None if self.fields is None else _order_name(self.fields),
            "deinterlace": self.deinterlace,
            "telecine": self.telecine,
            "levels": self.levels and f"LEVELS_{_LEVELS[self.levels]}",
            "colour_space": self.colour_space,
            "gamma": self.gamma,
            "alpha": self.alpha and f"ALPHA_{_ALPHAS[self.alpha]}",
            "audio": self.audio,
            "reel": self.reel,
            "editor": dict(self.editor) or None,
        }
        return {name: value for name, value in data.items() if value not in (None, "")}

    def _label(self) -> str:
        """The start timecode with a semicolon where frames are dropped: the flag and the label may each say so."""
        text = self.start_timecode
        return f"{text[:-3]};{text[-2:]}" if self.drop_frame and text[-3:-2] == ":" else text

    def _range_text(self) -> str | None:
        """The range with its handles, as typed; what lies before the media's first frame cannot be had."""
        if not isinstance(self.range, FrameRange):
            return self.range
        return f"{max(0, self.range.start - self.handles[0])}:{self.range.stop + self.handles[1]}"


_LEVELS = {name: name.upper() for name in _RANGES}


def _silenced(info: ClipInfo, rate: Fraction) -> str:
    return f"The sound is left out, because the pictures are played at {rate} instead of {info.rate} frames per second."


def _label_at(text: str, rate: Fraction, *, given: bool) -> str | None:
    try:
        return str(Timecode.parse(text, rate))
    except InputError:
        if given:
            raise
        return None  # the file's own, which does not exist at the editor's rate


def _handles(text: str) -> tuple[int, int]:
    """Read the frames before and after: one number for both, or two with a comma."""
    before, _, after = text.partition(",")
    if not all(each.isascii() and each.isdigit() and len(each) <= 6 for each in (before, after or before)):
        raise InputError(f"handles cannot be {text!r}.", "Give a number of frames, 0 or more.")
    return int(before), int(after or before)


def _unless_usual(name: str, text: str | None) -> str:
    """A word of CLIP_WORDS; "" for the usual one, and for one that only newer programs know."""
    return text if text in CLIP_WORDS[name][1:] else ""


def _positive(name: str, text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if value <= 0:
        raise InputError(f"{name} cannot be {text!r}.", "Give a number above 0 such as 25 or 24000/1001.")
    return value


def _order_name(order: FieldOrder) -> str:
    """The protocol's name of an order of fields."""
    return f"FIELD_ORDER_{order.name}"


def _word(names: Mapping[str, str], prefix: str, value: object) -> str:
    """The name of a value of the protocol's enums; "" for one that is not set, or not known here."""
    return next((name for name, word in names.items() if value == f"{prefix}{word}"), "")


def _frames(span: Mapping[str, Any]) -> FrameRange:
    return FrameRange(int(span.get("first", 0)), int(span.get("stop", 0)))


def _span(frames: FrameRange) -> Message:
    return {name: str(number) for name, number in (("first", frames.start), ("stop", frames.stop)) if number}


def _rational(parts: Mapping[str, Any] | None) -> Fraction | None:
    return None if parts is None else Fraction(int(parts.get("numerator", 0)), int(parts.get("denominator", 0)) or 1)


def _parts(value: Fraction | None) -> Message | None:
    return None if value is None else {"numerator": str(value.numerator), "denominator": str(value.denominator)}
