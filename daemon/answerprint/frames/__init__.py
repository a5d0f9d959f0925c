"""The data that flows through the program: frames, ranges, timecode, colour tags, clips, sequences and codecs."""

from answerprint.frames.clip import (
    Cadence,
    ClipInfo,
    DamagePolicy,
    FieldOrder,
    PixelWindow,
    parse_range,
    start_timecode_at,
)
from answerprint.frames.codec_choice import check_codec, default_codec
from answerprint.frames.codecs import CODECS, DEFAULT_CODEC, CodecInfo, codec_named
from answerprint.frames.colour import ColourTags, resolve_colour
from answerprint.frames.frame import Frame, FrameRange, Picture, Plane
from answerprint.frames.output_spec import OutputSpec
from answerprint.frames.sequence import (
    BracketRange,
    NumberedFiles,
    SequencePattern,
    find_sequence,
    names_a_sequence,
    same_media,
)
from answerprint.frames.timecode import Timecode

__all__ = [
    "CODECS",
    "DEFAULT_CODEC",
    "BracketRange",
    "Cadence",
    "ClipInfo",
    "CodecInfo",
    "ColourTags",
    "DamagePolicy",
    "FieldOrder",
    "Frame",
    "FrameRange",
    "NumberedFiles",
    "OutputSpec",
    "Picture",
    "PixelWindow",
    "Plane",
    "SequencePattern",
    "Timecode",
    "check_codec",
    "codec_named",
    "default_codec",
    "find_sequence",
    "names_a_sequence",
    "parse_range",
    "resolve_colour",
    "same_media",
    "start_timecode_at",
]
