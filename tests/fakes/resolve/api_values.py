"""The closed lists of Resolve's documentation."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = [
    "ALPHA_MODES",
    "CLIP_COLOURS",
    "DATA_LEVELS",
    "FLAG_COLOURS",
    "PAGES",
    "PIXEL_ASPECTS",
    "TYPES",
    "ClipColour",
    "FlagColour",
    "TrackKind",
]  # fmt: skip

FlagColour = Literal[
    "Blue", "Cyan", "Green", "Yellow", "Red", "Pink", "Purple", "Fuchsia", "Rose", "Lavender", "Sky", "Mint", "Lemon",
    "Sand", "Cocoa", "Cream",
]  # fmt: skip
ClipColour = Literal[
    "Orange", "Apricot", "Yellow", "Lime", "Olive", "Green", "Teal", "Navy", "Blue", "Purple", "Violet", "Pink", "Tan",
    "Beige", "Brown", "Chocolate",
]  # fmt: skip
TrackKind = Literal["video", "audio", "subtitle"]
FLAG_COLOURS: tuple[str, ...] = get_args(FlagColour)
CLIP_COLOURS: tuple[str, ...] = get_args(ClipColour)
PAGES = ("media", "cut", "edit", "fusion", "color", "fairlight", "deliver")
DATA_LEVELS = ("Auto", "Full", "Video")
ALPHA_MODES = ("None", "Straight", "Premultiplied")
PIXEL_ASPECTS = ("Square", "16:9 anamorphic", "4:3 standard definition", "16:9 standard definition", "Cinemascope")

TYPES: dict[str, dict[str, str]] = {
    "de": {"Video": "Video", "Audio": "Audio", "Video + Audio": "Video + Audio", "Still": "Standbild",
           "Timeline": "Timeline", "Compound": "Verbundclip", "Multicam": "Multicam", "Fusion": "Fusion-Clip"},
    "zh": {"Video": "视频", "Audio": "音频", "Video + Audio": "视频 + 音频", "Still": "静帧", "Timeline": "时间线",
           "Compound": "复合片段", "Multicam": "多机位", "Fusion": "Fusion片段"},
}  # fmt: skip
"""The property Type in other languages."""
