"""What a restoration will do, in one line."""

from __future__ import annotations

from fractions import Fraction

from answerprint.cli.times import duration
from answerprint.ipc.messages import Message
from answerprint.store.quota import size_text
from answerprint.text import counted

__all__ = ["plan_words"]


def plan_words(started: Message) -> str:
    """What will be done, from a `started` event; what is unknown or as usual is left out.

    Frames, sizes, rate, codec, model, device, working space, time and disk space.
    """
    source, output = started.get("input") or {}, started.get("output") or {}
    estimate = started.get("estimate") or {}
    first, stop = source.get("range") or (0, 0)
    sizes = [f"{each['width']}x{each['height']}" for each in (source, output) if each.get("width")]
    rate = f" at {_rate(source['rate'])} fps" if source.get("rate") else ""
    what = [counted(stop - first, "frame"), " to ".join(dict.fromkeys(sizes)) + rate, str(output.get("codec") or "")]
    device = f" on {started['device']}" if started.get("device") else ""
    how = f"{started['model']}{device}" if started.get("model") else "no model" if device else ""
    space_in = f"working space {started['working_space']}" if started.get("working_space") else ""
    seconds, scratch, result = (estimate.get(name) or 0 for name in ("seconds", "scratch_bytes", "output_bytes"))
    time = f"about {duration(max(1, seconds))}" if seconds else "time not known yet"
    space = (
        f"up to {size_text(scratch + result)} of disk while it runs, then {size_text(result)}"
        if scratch and result
        else ""
    )
    return "; ".join(part for part in (", ".join(filter(None, what)), how, space_in, time, space) if part)


def _rate(text: str) -> str:
    rate = Fraction(text)
    return str(rate) if rate.denominator == 1 else f"{float(rate):.3f}".rstrip("0")
