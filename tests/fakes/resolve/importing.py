"""Files into the media pool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.resolve.calls import known_keys
from fakes.resolve.clip import Clip
from fakes.resolve.media import Media, look_at, single_picture

if TYPE_CHECKING:
    from fakes.resolve.pool import MediaPool

__all__ = ["KEYS", "clip_type", "import_files"]

KEYS = ("FilePath", "StartIndex", "EndIndex")


def import_files(pool: MediaPool, items: Sequence[str | dict[str, Any]]) -> list[Clip]:
    """The clips that are in the open bin now."""
    made: list[Clip] = []
    for each in items:
        found = _by_dictionary(pool, each) if isinstance(each, dict) else _by_path(pool, each)
        for media in found:
            made += _clip(pool, media)
    return made


def clip_type(media: Media) -> str:
    """The property Type, in English."""
    if media.kind == "still":
        return "Still"
    return "Video + Audio" if media.has_audio else "Video"


def _by_path(pool: MediaPool, text: str) -> list[Media]:
    path = Path(text)
    if not path.is_absolute() or "%" in path.name or "[" in path.name:
        pool.world.violated(f"MediaPool.ImportMedia: {text} is not the absolute path of a file")
        return []
    found = look_at(path)
    if found is None:
        return []
    pattern = single_picture(path) if found.kind == "still" else None
    if pattern is not None and not pool.world.quirks.individual_frames:
        return [each for each in (look_at(pattern),) if each is not None]
    return [found]


def _by_dictionary(pool: MediaPool, entry: dict[str, Any]) -> list[Media]:
    world = pool.world
    if not known_keys(world, "MediaPool.ImportMedia", entry, KEYS) or "FilePath" not in entry:
        return []
    text, ends = str(entry["FilePath"]), [entry.get(name) for name in KEYS[1:]]
    first, last = ends
    if not Path(text).is_absolute() or type(first) is not int or type(last) is not int:
        world.violated(f"MediaPool.ImportMedia: {entry}")
        return []
    if world.quirks.import_dict_fails:
        return []
    files = [Path(text % number) for number in range(first, last + 1)] if "%" in text else [Path(text)]
    if not files or not all(each.is_file() for each in files):
        return []
    if world.quirks.individual_frames and "%" in text:
        return [each for each in map(look_at, files) if each is not None]
    if "%" in text:
        head, _, tail = text.rpartition("%")
        width, suffix = tail.split("d", 1)
        numbers = (f"{number:{width or '0'}d}" for number in (first, last))
        text = f"{head}[{'-'.join(numbers)}]{suffix}"
    found = look_at(text)
    return [] if found is None else [found]


def _clip(pool: MediaPool, media: Media) -> list[Clip]:
    same = [each for each in pool.clips() if each.path == media.path]
    again = pool.world.quirks.import_again
    if same and again != "copy":
        return same[:1] if again == "same" else []
    made = Clip(pool.world, media, media.rate or pool.project.rate, type=clip_type(media))
    pool.current.clips.append(made)
    return [made]
