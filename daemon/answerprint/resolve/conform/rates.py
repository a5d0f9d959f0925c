"""Parse Resolve's texts into exact values. A text without an exact meaning is an error: nothing is guessed."""

from __future__ import annotations

import re
from fractions import Fraction

from answerprint.errors import InputError

__all__ = ["clip_rate", "is_drop", "pixel_aspect", "rate", "resolution", "whole"]

_FASTEST = 1000
_NTSC = tuple(Fraction(each * 1000, 1001) for each in (12, 15, 24, 30, 48, 60, 72, 90, 96, 120, 144, 192, 240))
_CLOSE = Fraction(51, 10_000)  # 23.98 stands for 23.976...
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,20})?")
_RATIO = re.compile(r"(\d{1,6})/(\d{1,6})")
_SIZE = re.compile(r"\s*(\d{1,6})\s*[xX]\s*(\d{1,6})\s*")
_SQUEEZE = re.compile(r"(?:anamorphic\s*)?(\d(?:\.\d{1,4})?)\s*x?(?:\s*anamorphic)?", re.IGNORECASE)
_SHAPE = re.compile(r"(16|4):(9|3)(?:\s+(?:anamorphic|standard definition))?", re.IGNORECASE)

# The pixel aspects that rounded decimals stand for.
_ASPECTS = tuple(
    Fraction(*each)
    for each in (
        (1, 1),
        (4, 3),
        (3, 2),
        (8, 9),
        (10, 11),
        (12, 11),
        (16, 15),
        (32, 27),
        (40, 33),
        (64, 45),
        (16, 11),
        (9, 10),
    )
)
_SD_HEIGHTS = (480, 486, 576)


def rate(value: str | float) -> Fraction:
    """Frames per second, exact: 23.976, "23.98" and "29.97 DF" become NTSC rates; whole and half numbers stay.

    Raises InputError for anything else.
    """
    text = str(value).strip()
    number = text.upper().removesuffix("FPS").removesuffix("DF").removesuffix("NDF").strip()
    if match := _RATIO.fullmatch(number):
        if int(match[1]) and int(match[2]):
            return Fraction(int(match[1]), int(match[2]))
    elif _NUMBER.fullmatch(number):
        exact = Fraction(number)
        if (found := _standard(exact)) is not None:
            return found
    raise InputError(
        f"{text!r} is not a frame rate.", "Use one of Resolve's, such as 23.976, 24, 25, 29.97, 30, 50, 59.94 or 60."
    )


def clip_rate(value: str | float, of_file: Fraction) -> Fraction:
    """The rate of a clip: as `rate`, or the file's rate if it rounds to the digits given.

    Raises InputError.
    """
    try:
        return rate(value)
    except InputError:
        text = str(value).strip()
        _, _, digits = text.partition(".")
        if _NUMBER.fullmatch(text) and len(digits) >= 2 and round(of_file, len(digits)) == Fraction(text):
            return of_file
        raise


def is_drop(*texts: str) -> bool:
    """Whether one of these rates and timecodes is drop-frame."""
    return any(";" in text or (text.upper().endswith("DF") and not text.upper().endswith("NDF")) for text in texts)


def pixel_aspect(text: str, size: tuple[int, int], of_file: Fraction = Fraction(1)) -> Fraction:
    """Width over height of a pixel. size: of the picture in px. of_file: the file's own, for "" and rounded decimals.

    Accepts "Square", "Cinemascope" (2), numbers, "Anamorphic 1.33x", and shapes of the picture: "4:3 standard
    definition" for SD sizes, "16:9 anamorphic" for any. Raises InputError for anything else.
    """
    plain = text.strip().lower()
    if not plain:
        return of_file
    if plain == "square":
        return Fraction(1)
    if plain == "cinemascope":
        return Fraction(2)
    if (match := _SHAPE.fullmatch(plain)) and (match[1], match[2]) in {("16", "9"), ("4", "3")}:
        if size[1] in _SD_HEIGHTS or plain.endswith("anamorphic"):
            return Fraction(int(match[1]), int(match[2])) * Fraction(size[1], size[0])
    elif match := _SQUEEZE.fullmatch(plain):
        return _decimal_aspect(match[1], of_file)
    raise InputError(f"The pixel aspect ratio {text!r} is unknown.", "Set Square or a number in the clip's attributes.")


def resolution(text: str) -> tuple[int, int]:
    """Width and height in px of "1920x1080". Raises InputError."""
    match = _SIZE.fullmatch(text)
    if match is None or not (int(match[1]) and int(match[2])):
        raise InputError(f"{text!r} is not a resolution.", "Set it as WIDTHxHEIGHT, such as 1920x1080.")
    return int(match[1]), int(match[2])


def whole(text: str) -> int | None:
    """A whole number, such as frames; None if the text is none."""
    text = text.strip()
    return int(text) if re.fullmatch(r"-?\d{1,12}", text) else None


def _standard(exact: Fraction) -> Fraction | None:
    if not 0 < exact <= _FASTEST:
        return None
    if exact.denominator <= 2:
        return exact
    return next((each for each in _NTSC if abs(each - exact) < _CLOSE), None)


def _decimal_aspect(text: str, of_file: Fraction) -> Fraction:
    exact = Fraction(text)
    _, _, digits = text.partition(".")
    if len(digits) >= 2:
        for known in (of_file, *_ASPECTS):
            if abs(known - exact) <= Fraction(1, 2 * 10 ** len(digits)):
                return known
    if not exact:
        raise InputError("A pixel aspect ratio cannot be 0.", "Set Square or a number in the clip's attributes.")
    return exact
