"""Named settings of the method, so that comparisons and ablations are one word on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from answerprint.errors import InputError
from answerprint.temporal.options import PAPER, Match, MethodOptions, parse_option, per_frame

__all__ = ["ABLATIONS", "Variant", "parse_variants"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of restoring a clip."""

    name: str
    method: MethodOptions


_OWN = MethodOptions()

_NAMED: Mapping[str, MethodOptions] = {
    "per-frame": per_frame(_OWN),
    "per-frame-shared-noise": per_frame(_OWN, "shared"),
    "consistent": _OWN,
    "no-merge": replace(_OWN, merge=False),
    "no-warp": replace(_OWN, warp=False),
    "noise-only": replace(_OWN, merge=False, warp=False),
    "paper": PAPER,
    "paper-shared-noise": replace(PAPER, noise="shared"),
    "hybrid": replace(_OWN, match_mid="none", match_up="cosine"),
}

_EARLY, _MID, _LATE, _ALL = (0.0, 0.3), (0.3, 0.7), (0.7, 1.0), (0.0, 1.0)


def _matched(down: Match, up: Match, *, spatial: bool) -> MethodOptions:
    """Our defaults with other matches; the middle block is left out, as in the paper, and so is the search window.

    Without the spatial weight the paper searches the whole frame.
    """
    return replace(_OWN, match_down=down, match_mid="none", match_up=up, spatial=spatial, window=3 if spatial else 0)


ABLATIONS: Mapping[str, Mapping[str, MethodOptions]] = {
    "2-correspondence": {
        "down flow, up flow": _matched("flow", "flow", spatial=False),
        "down cos, up cos": _matched("cosine", "cosine", spatial=False),
        "down cos, up flow": _matched("cosine", "flow", spatial=False),
        "down flow, up cos": _matched("flow", "cosine", spatial=False),
        "down flow, up cos, spatial": _matched("flow", "cosine", spatial=True),
    },
    "2-stages": {
        "neither": replace(_OWN, warp=False, merge=False),
        "warp early, merge early": replace(_OWN, warp_stage=_EARLY, merge_stage=_EARLY),
        "warp early+mid, merge all": replace(_OWN, warp_stage=(0.0, 0.7), merge_stage=_ALL),
        "warp all, merge all": replace(_OWN, warp_stage=_ALL, merge_stage=_ALL),
        "warp early, merge all": replace(_OWN, warp_stage=_EARLY, merge_stage=_ALL),
    },
    "4": {
        "averaging": replace(_OWN, unmerge="average"),
        "replacement": replace(_OWN, unmerge="replace"),
    },
}
"""The paper's ablations on our defaults: Table 2 (left: how tokens are matched; right: which stages) and Table 4."""


def parse_variants(text: str) -> list[Variant]:
    """Variants of "per-frame,consistent,consistent:merge_ratio=0.6;noise=shared"; raises InputError for an unknown one.

    A variant is a name, or a name with changed options behind a colon, separated by semicolons.
    """
    return list(_parse(text))


def _parse(text: str) -> Iterator[Variant]:
    for word in (w.strip() for w in text.split(",") if w.strip()):
        name, _, changes = word.partition(":")
        if name not in _NAMED:
            raise InputError(f"There is no variant {name!r}.", f"Variants: {', '.join(_NAMED)}.")
        method = _NAMED[name]
        for change in (c for c in changes.split(";") if c):
            key, _, value = change.partition("=")
            method = parse_option(method, key.strip(), value.strip())
        yield Variant(word, method)
