"""Read job files in YAML or JSON, with the line of every mistake.

Every value is read as text and then parsed by the type of its setting. YAML's own types are not used: they turn 20:00
into 1200 and `no` into false.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from answerprint.api.request import FIELD_TYPES
from answerprint.cli.batch.draft import OWN, Draft, Mistakes
from answerprint.cli.batch.values import (
    SOURCE_OPTIONS,
    read_bool,
    read_integer,
    read_setting,
    read_size,
    read_source_option,
)
from answerprint.cli.settings import absolute, over
from answerprint.cli.times import parse_when
from answerprint.errors import InputError
from answerprint.frames.codec_choice import LIKE_SOURCE
from answerprint.text import nearest

__all__ = ["PRESET_SETTINGS", "read_job_file", "read_settings"]

_MAX_BYTES = 4 * 2**20
_SETTINGS = (
    *(name for name in FIELD_TYPES if name not in ("interpret", "parts")),
    *SOURCE_OPTIONS,
    *("audio", "like_source"),
    *OWN,
)
_SWITCHES = ("audio", "like_source")
_OF_ONE_CLIP = ("input", "output", "range", "handles", "timecode", "overwrite", *OWN)
PRESET_SETTINGS = tuple(name for name in _SETTINGS if name not in _OF_ONE_CLIP)
"""What a preset may set: all settings of a job but those of one clip."""
_MEANT = MappingProxyType({"no_audio": "audio: false", "no_consistency": "consistency: false", "option": "options"})
_TOP = ("defaults", "jobs")
_SHAPE = "Give a list of jobs, or `defaults:` and `jobs:`; see answerprint queue add --help."


def read_job_file(name: str, base: Mapping[str, Any], mistakes: Mistakes) -> list[Draft]:
    """Return the jobs of a file, `-` for standard input; paths are relative to the file.

    base: defaults for what the file does not set. Wrong values are added to mistakes. Raises InputError if the file
    cannot be read or is not a list of jobs.
    """
    folder = Path.cwd() if name == "-" else Path(absolute(name)).parent
    root = _parse(name)
    reader = _Reader(name, folder, mistakes, (*_SETTINGS, "preset"))
    jobs = root
    if isinstance(root, yaml.MappingNode):
        parts = dict(reader.pairs(root, _TOP, "The file"))
        base = over(base, reader.job(parts["defaults"])) if "defaults" in parts else base
        jobs = parts.get("jobs")
    if not isinstance(jobs, yaml.SequenceNode):
        raise InputError(f"{name} is not a list of jobs.", _SHAPE)
    drafts = [reader.draft(node, base) for node in jobs.value]
    return [draft for draft in drafts if draft is not None]


def read_settings(file: Path, mistakes: Mistakes) -> dict[str, Any]:
    """Return the settings of a preset, its `description` among them. Wrong values are added to mistakes.

    Raises InputError if the file cannot be read.
    """
    root = _parse(str(file))
    if root is None:
        raise InputError(f"{file} is empty.", "Give settings by name, such as `scale: 2`.")
    return _Reader(str(file), file.parent, mistakes, ("description", *PRESET_SETTINGS)).job(root)


def _parse(name: str) -> yaml.Node | None:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}).", "Check the path.") from error
    if len(data) > _MAX_BYTES:
        raise InputError(f"{name} is larger than {_MAX_BYTES >> 20} MiB.", "Split it into several files.")
    try:
        node: yaml.Node | None = yaml.compose(data, yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or getattr(error, "reason", None) or "too deep"
        raise InputError(f"{name}{where} is not YAML: {why}.", "Check the indentation and the quotes there.") from error
    return node


class _Reader:
    """Turns the nodes of one file into drafts, and adds mistakes with their lines."""

    def __init__(self, name: str, folder: Path, mistakes: Mistakes, allowed: tuple[str, ...]) -> None:
        self._name, self._folder, self._mistakes, self._allowed = name, folder, mistakes, allowed

    def pairs(self, node: yaml.MappingNode, allowed: tuple[str, ...], whose: str) -> Iterator[tuple[str, yaml.Node]]:
        """Yield names and values; unknown and repeated names are mistakes."""
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name not in allowed:
                self._note(key, InputError(f"{whose} has no setting {name!r}.", _meant(name, allowed)))
            elif name in seen:
                self._note(key, InputError(f"{name} is set twice.", "Remove one."))
            else:
                seen.add(name)
                yield name, value

    def job(self, node: yaml.Node) -> dict[str, Any]:
        """Read the settings of a job, or of the defaults, without the wrong ones."""
        if not isinstance(node, yaml.MappingNode):
            self._note(
                node,
                InputError("Expected a mapping of job settings.", "Give settings by name, such as `input: clip.mov`."),
            )
            return {}
        values: dict[str, Any] = {}
        whose = "A preset" if "description" in self._allowed else "A job"
        for name, value in self.pairs(node, self._allowed, whose):
            try:
                if name in SOURCE_OPTIONS:
                    key, text = read_source_option(name, _text(name, value))
                    values["interpret"] = {**values.get("interpret", {}), key: text}
                else:
                    values[name] = self._read(name, value)
            except InputError as error:
                self._note(value, error)
        if values.pop("like_source", False):
            if values.get("codec"):
                self._note(node, InputError("codec and like_source exclude each other.", "Give one of them."))
            values["codec"] = LIKE_SOURCE
        if "audio" in values:
            values.setdefault("interpret", {})["sound"] = "yes" if values.pop("audio") else "no"
        preset = values.pop("preset", None)
        return values if preset is None else over(preset, values)

    def draft(self, node: yaml.Node, base: Mapping[str, Any]) -> Draft | None:
        """Read one job on top of the defaults; None if it has mistakes."""
        before = len(self._mistakes.found)
        values = over(base, self.job(node))
        return Draft.of(self._place(node), values) if len(self._mistakes.found) == before else None

    def _read(self, name: str, node: yaml.Node) -> object:
        if name == "options":
            return self._options(node)
        if name == "size" and isinstance(node, yaml.SequenceNode):
            return read_size("x".join(_text("size", each) for each in node.value))
        text = _text(name, node)
        if name in ("input", "output"):
            return absolute(text if "://" in text or not text else str(self._folder / Path(text).expanduser()))
        if name == "preset":
            from answerprint.cli.batch.presets import find_preset  # presets are read by this module

            return find_preset(text, self._folder).settings
        if name == "not_before":
            return parse_when(text)
        if name == "priority":
            return read_integer(name, text)
        if name in _SWITCHES:
            return read_bool(name, text)
        return text if name in ("label", "description") else read_setting(name, text)

    def _options(self, node: yaml.Node) -> dict[str, str]:
        if not isinstance(node, yaml.MappingNode):
            raise InputError("Expected a mapping of options.", "Give `options: {name: value}`.")
        return {_text("options", key): _text("options", value) for key, value in node.value}

    def _note(self, node: yaml.Node, error: InputError) -> None:
        self._mistakes.add(self._place(node), error)

    def _place(self, node: yaml.Node) -> str:
        return f"{self._name}:{node.start_mark.line + 1}"


def _meant(name: str, allowed: Sequence[str]) -> str:
    """What to give in place of a setting that there is not."""
    plain = name.replace("-", "_")
    near = _MEANT.get(plain) or nearest(plain, allowed)
    return f"Did you mean {near}?" if near else f"Settings: {', '.join(allowed)}."


def _text(name: str, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise InputError(f"{name} is not a single value.", "Put it in quotes if it is one.")
    return str(node.value)
