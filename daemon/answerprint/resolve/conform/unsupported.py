"""What on a timeline or in the pool cannot be restored from a file, seen without opening one.

Names of types are in the language of the user interface: nothing here depends on one alone.
"""

from __future__ import annotations

import re
from pathlib import Path

from answerprint.errors import AnswerprintError
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts, Refusal

__all__ = ["files_of", "refuse_clip", "refuse_item", "refuse_media"]

_BRACKET = re.compile(r"\[(\d+)-(\d+)\](?=[^/\\]*$)")
_CAMERA_RAW = frozenset({".braw", ".r3d", ".crm", ".ari", ".nev", ".rmf", ".dng", ".arx"})
_SOUND = frozenset({".wav", ".bwf", ".aif", ".aiff", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".caf"})
_SEEN = "Choose it alone and render it: what is seen can be restored."


def refuse_item(item: ItemFacts) -> Refusal | None:
    """Why an item cannot be restored, None if nothing stands against it so far."""
    if item.clip is not None:
        return refuse_clip(item.clip)
    if item.type == "transition":
        return Refusal("transition", f"{item.name} is a transition.", "Choose the clips on both sides.")
    what = "a Fusion composition" if item.fusion_comps else "a generator, a title or an adjustment clip"
    return Refusal("no_clip", f"{item.name} is {what}: no file lies behind it.", _SEEN, renderable=True)


def refuse_clip(clip: ClipFacts) -> Refusal | None:
    """Why a clip of the media pool cannot be restored, None if nothing stands against it so far."""
    if clip.is_timeline or not clip.path:
        kind = clip.properties.get("Type", "") or "made of other clips"
        return Refusal(
            "compound",
            f"{clip.name} is no file but made of others ({kind}).",
            "Open it and choose the clips in it, or render it.",
            renderable=True,
        )
    missing = [file for file in files_of(clip.path) if not file.is_file()]
    if missing:
        return Refusal("offline", f"{clip.name} is offline: {missing[0]} is not there.", "Relink it in the media pool.")
    if Path(clip.path).suffix.lower() in _SOUND:
        return Refusal("audio", f"{clip.name} has no picture.")
    return None


def refuse_media(clip: ClipFacts, error: AnswerprintError) -> Refusal:
    """Why a clip's file cannot be restored, after the attempt to open it failed with `error`."""
    said, suffix = clip.properties, Path(clip.path).suffix.lower()
    if not said.get("Resolution", "").strip() and not said.get("Video Codec", "").strip():
        return Refusal("audio", f"{clip.name} has no picture.")
    if suffix in _CAMERA_RAW:
        return Refusal(
            "unreadable",
            f"{clip.name} is camera raw ({suffix.lstrip('.').upper()}), which only Resolve can read.",
            "Render it, or make optimised media of it and restore those.",
            renderable=True,
        )
    return Refusal("unreadable", f"{clip.name}: {error.message}", error.remedy, renderable=True)


def files_of(path: str) -> tuple[Path, ...]:
    """The file of a File Path; of a sequence the first and the last one."""
    match = _BRACKET.search(path)
    if match is None:
        return (Path(path),)
    first, last = match[1], match[2]
    names = (f"{path[: match.start()]}{int(number):0{len(first)}}{path[match.end() :]}" for number in (first, last))
    return tuple(dict.fromkeys(Path(name) for name in names))
