"""Converts facts of media between the protocol and the program."""

from __future__ import annotations

from fractions import Fraction

from answerprint.api.types import MediaInfo
from answerprint.rpc.convert_events import understood_from, understood_to
from answerprint.rpc.v1 import frames_pb2
from answerprint.rpc.values import carried_text, count, fraction_text, rational

__all__ = ["media_from", "media_to"]


def media_to(info: MediaInfo) -> frames_pb2.MediaInfo:
    """A file as clients see it."""
    return frames_pb2.MediaInfo(
        media=carried_text(info.path),
        sequence=info.sequence,
        width=info.width,
        height=info.height,
        rate=rational(info.rate),
        rate_is_assumed=info.rate_is_assumed,
        frames=count(info.frames),
        pixel_aspect=rational(info.pixel_aspect),
        start_timecode=info.start_timecode,
        start_number=count(info.start_number),
        interlaced=info.interlaced,
        audio=info.audio,
        alpha=info.alpha,
        codec=info.codec,
        bit_depth=info.bit_depth,
        restored=info.restored,
        facts=[frames_pb2.MediaFact(name=carried_text(k), text=carried_text(v)) for k, v in info.facts.items()],
        warnings=[carried_text(each) for each in info.warnings],
        plan=None if info.plan is None else understood_to(info.plan),
    )


def media_from(message: frames_pb2.MediaInfo) -> MediaInfo:
    """What a client knows of a file."""
    return MediaInfo(
        path=message.media,
        sequence=message.sequence,
        width=message.width,
        height=message.height,
        rate=Fraction(fraction_text(message.rate)),
        rate_is_assumed=message.rate_is_assumed,
        frames=message.frames,
        pixel_aspect=Fraction(fraction_text(message.pixel_aspect)),
        start_timecode=message.start_timecode,
        start_number=message.start_number,
        interlaced=message.interlaced,
        audio=message.audio,
        alpha=message.alpha,
        codec=message.codec,
        bit_depth=message.bit_depth,
        restored=message.restored,
        facts={fact.name: fact.text for fact in message.facts},
        warnings=tuple(message.warnings),
        plan=understood_from(message.plan) if message.HasField("plan") else None,
    )
