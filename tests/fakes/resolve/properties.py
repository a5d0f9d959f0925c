"""The attributes of a clip in Resolve's writing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakes.resolve.api_values import ALPHA_MODES, DATA_LEVELS, PIXEL_ASPECTS, TYPES
from fakes.resolve.times import fps_number, label, labelled, ratio_text
from fakes.resolve.world import World

if TYPE_CHECKING:
    from fakes.resolve.clip import Clip

__all__ = ["allowed", "of"]

_FREE_TEXT = {
    "Angle", "Audio Offset", "Camera #", "Clip Color", "Clip Name", "Comments", "Description", "FPS", "Flags",
    "Good Take", "H-FLIP", "IDT", "Input Color Space", "Input Gamma", "Input LUT", "Input Sizing Preset", "Keyword",
    "Noise Reduction", "Offline Reference", "Reel Name", "Roll/Card", "Scene", "Sharpness", "Shot", "Slate TC",
    "Start TC", "Super Scale", "Take", "V-FLIP",
}  # fmt: skip
_CHOICES = {
    "Data Level": DATA_LEVELS,
    "Alpha mode": ALPHA_MODES,
    "Enable Deinterlacing": ("0", "1"),
    "Field Dominance": ("Auto", "Progressive", "Upper Field", "Lower Field"),
}
_READ_ONLY = {
    "Audio Bit Depth", "Audio Ch", "Audio Codec", "Bit Depth", "Clip Directory", "Drop frame", "Duration", "End",
    "End TC", "File Name", "File Path", "Format", "Frames", "In", "Online Status", "Out", "Proxy", "Proxy Media Path",
    "Resolution", "Sample Rate", "Start", "Synced Audio", "Type", "Usage", "Video Codec",
}  # fmt: skip


def of(clip: Clip) -> dict[str, object]:
    """All of them; text, but for FPS and Super Scale."""
    media, start = clip.media, labelled(clip.start_label, clip.fps)
    language = TYPES.get(clip.world.quirks.language, {})
    size = (media.width, media.height) if media else clip.timeline.size if clip.timeline else (0, 0)
    drop = clip.attributes.get("Drop frame", "1" if start.drop else "0") == "1"
    first = start.frames + clip.first
    found: dict[str, object] = {
        "Alpha mode": "Straight" if media and media.has_alpha else "None",
        "Bit Depth": str(media.bit_depth) if media else "",
        "Clip Color": clip.colour,
        "Clip Directory": str(Path(clip.path).parent) if clip.path else "",
        "Clip Name": clip.name,
        "Data Level": "Auto",
        "Drop frame": "1" if drop else "0",
        "Duration": label(clip.frames, clip.fps, drop),
        "Enable Deinterlacing": "0",
        "End": str(clip.start + clip.frames - 1),
        "End TC": label(first + clip.frames, clip.fps, drop),
        "FPS": fps_number(clip.fps),
        "Field Dominance": "Auto",
        "File Name": Path(clip.path).name,
        "File Path": clip.path,
        "Flags": ", ".join(clip.flags),
        "Format": media.format if media else "",
        "Frames": str(clip.frames),
        "H-FLIP": "Off",
        "IDT": "",
        "Input Color Space": "",
        "Input Gamma": "",
        "Input LUT": "",
        "Online Status": "Online" if media is None or media.online else "Offline",
        "PAR": ratio_text(media.sample_aspect) if media else "Square",
        "Proxy": "None" if not clip.proxy else f"{size[0]}x{size[1]}",
        "Proxy Media Path": clip.proxy,
        "Reel Name": "",
        "Resolution": f"{size[0]}x{size[1]}",
        "Start": str(clip.start),
        "Start TC": label(first, clip.fps, drop),
        "Super Scale": 1,
        "Type": language.get(clip.type, clip.type),
        "Usage": str(_uses(clip)),
        "V-FLIP": "Off",
        "Video Codec": media.codec if media else "",
    }
    return found | {name: value for name, value in clip.attributes.items() if name != "Drop frame"}


def allowed(world: World, name: str, value: str) -> bool:
    """Whether an attribute can be set to this; a name that Resolve does not have is a violation."""
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name == "PAR":
        return value in PIXEL_ASPECTS or value.replace(".", "", 1).isdigit()
    if name not in _FREE_TEXT | _READ_ONLY:
        world.violated(f"MediaPoolItem.SetClipProperty: there is no {name}")
    return name in _FREE_TEXT


def _uses(clip: Clip) -> int:
    project = clip.world.project
    if project is None:
        return 0
    return sum(
        item.clip is clip
        for timeline in project.timelines
        for tracks in timeline.tracks.values()
        for track in tracks
        for item in track.items
    )
