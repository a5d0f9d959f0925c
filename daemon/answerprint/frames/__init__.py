"""What flows through the product: frames, ranges, timecode, colour tags, clips; numpy and the standard library only."""

from .clip import ClipInfo, parse_range, start_timecode_at
from .codecs import CODECS, CodecInfo, OutputSpec, check_codec, default_codec
from .colour import ColourTags, resolve_colour
from .frame import Frame, FrameRange, Picture, Plane
from .sequence import NumberedFiles, SequencePattern, find_sequence, names_a_sequence
from .timecode import Timecode

__all__ = [
    "CODECS",
    "ClipInfo",
    "CodecInfo",
    "ColourTags",
    "Frame",
    "FrameRange",
    "NumberedFiles",
    "OutputSpec",
    "Picture",
    "Plane",
    "SequencePattern",
    "Timecode",
    "check_codec",
    "default_codec",
    "find_sequence",
    "names_a_sequence",
    "parse_range",
    "resolve_colour",
    "start_timecode_at",
]
