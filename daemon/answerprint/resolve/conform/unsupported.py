"""Items and clips that cannot be restored from a file, told without opening one.

Resolve translates the names of clip types: nothing here depends on such a name alone.
"""

from __future__ import annotations

from pathlib import Path

from answerprint.errors import AnswerprintError
from answerprint.frames.sequence import BracketRange
from answerprint.resolve.conform.facts import ClipFacts, ItemFacts, Refusal

__all__ = ["files_of", "refuse_clip", "refuse_item", "refuse_media"]

_CAMERA_RAW = frozenset({".braw", ".r3d", ".crm", ".ari", ".nev", ".rmf", ".dng", ".arx"})
_SOUND = frozenset({".wav", ".bwf", ".aif", ".aiff", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".caf"})
_RENDER = "Select it alone, and let Resolve render it first (--through)."


def refuse_item(item: ItemFacts) -> Refusal | None:
    """Why an item cannot be restored, None if it may be possible."""
    if item.clip is not None:
        return refuse_clip(item.clip)
    if item.type == "transition":
        return Refusal("transition", f"{item.name} is a transition.", "Select the clips on both sides.")
    what = "a Fusion composition" if item.fusion_comps else "a generator, a title or an adjustment clip"
    return Refusal("no_clip", f"{item.name} is {what}, without a file.", _RENDER, renderable=True)


def refuse_clip(clip: ClipFacts) -> Refusal | None:
    """Why a clip of the media pool cannot be restored, None if it may be possible."""
    if clip.is_timeline or not clip.path:
        kind = clip.properties.get("Type", "")
        return Refusal(
            "compound",
            f"{clip.name} has no file: it is made of other clips{f' ({kind})' if kind else ''}.",
            "Open it and select the clips in it, or let Resolve render it first (--through).",
            renderable=True,
        )
    missing = [file for file in files_of(clip.path) if not file.is_file()]
    if missing:
        return Refusal("offline", f"{clip.name} is offline: {missing[0]} is missing.", "Relink it in the media pool.")
    if Path(clip.path).suffix.lower() in _SOUND:
        return Refusal("audio", f"{clip.name} has no picture.")
    return None


def refuse_media(clip: ClipFacts, error: AnswerprintError) -> Refusal:
    """Why a clip's file cannot be restored, after opening it failed with `error`."""
    attributes, suffix = clip.properties, Path(clip.path).suffix.lower()
    if not attributes.get("Resolution", "").strip() and not attributes.get("Video Codec", "").strip():
        return Refusal("audio", f"{clip.name} has no picture.")
    if suffix in _CAMERA_RAW:
        return Refusal(
            "unreadable",
            f"{clip.name} is camera raw ({suffix.lstrip('.').upper()}), which only Resolve can read.",
            "Let Resolve render it first (--through), or restore optimised media of it.",
            renderable=True,
        )
    return Refusal("unreadable", f"{clip.name}: {error.message}", error.remedy, renderable=True)


def files_of(path: str) -> tuple[Path, ...]:
    """The file of a File Path, or the first and the last file of a sequence."""
    bracket = BracketRange.parse(path)
    if bracket is None or Path(path).is_file():
        return (Path(path),)
    return tuple(dict.fromkeys(bracket.ends))
