"""Named settings of the method, so that comparisons and ablations are one word on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from answerprint.temporal.options import PAPER, Match, MethodOptions, Unmerge, per_frame

__all__ = ["ABLATIONS", "NAMED", "MethodChange"]

MethodChange = Callable[[MethodOptions], MethodOptions]
"""What a variant makes of the settings that a model has by default."""

_VIDTOME = replace(
    PAPER,
    warp=False,
    match_down="cosine",
    match_mid="none",
    match_up="cosine",
    spatial=False,
    merge_ratio_end=PAPER.merge_ratio,
)


def _same(method: MethodOptions) -> MethodOptions:
    return method


def _fixed(method: MethodOptions) -> MethodChange:
    """The same settings whatever the model's are."""
    return lambda _: method


NAMED: Mapping[str, MethodChange] = {
    "per-frame": per_frame,
    "per-frame-shared-noise": lambda own: per_frame(own, "shared"),
    "consistent": _same,
    "no-merge": lambda own: replace(own, merge=False),
    "no-warp": lambda own: replace(own, warp=False),
    "no-fusion": lambda own: replace(own, fusion="off"),
    "noise-only": lambda own: replace(own, fusion="off", merge=False, warp=False),
    "paper": _fixed(PAPER),
    "paper-shared-noise": _fixed(replace(PAPER, noise="shared")),
    "cosine": _fixed(_VIDTOME),
    "hybrid": lambda own: replace(own, match_mid="none", match_up="cosine"),
}
"""Variants by name. `consistent` is what a job with the model gets; `cosine` merges tokens by their likeness alone, in
the whole frame and without motion, as VidToMe does."""

_EARLY, _ALL = (0.0, 0.3), (0.0, 1.0)


def _matched(down: Match, up: Match, *, spatial: bool) -> MethodChange:
    """Other matches; the middle block is left out, as in the paper, and so is the search window.

    Without the spatial weight the paper searches the whole frame.
    """
    return lambda own: replace(
        own, match_down=down, match_mid="none", match_up=up, spatial=spatial, window=3 if spatial else 0
    )


def _stages(warp: tuple[float, float], merge: tuple[float, float]) -> MethodChange:
    return lambda own: replace(own, warp_stage=warp, merge_stage=merge)


def _unmerged(how: Unmerge) -> MethodChange:
    return lambda own: replace(own, unmerge=how)


ABLATIONS: Mapping[str, Mapping[str, MethodChange]] = {
    "2-correspondence": {
        "down flow, up flow": _matched("flow", "flow", spatial=False),
        "down cos, up cos": _matched("cosine", "cosine", spatial=False),
        "down cos, up flow": _matched("cosine", "flow", spatial=False),
        "down flow, up cos": _matched("flow", "cosine", spatial=False),
        "down flow, up cos, spatial": _matched("flow", "cosine", spatial=True),
    },
    "2-stages": {
        "neither": NAMED["noise-only"],
        "warp early, merge early": _stages(_EARLY, _EARLY),
        "warp early+mid, merge all": _stages((0.0, 0.7), _ALL),
        "warp all, merge all": _stages(_ALL, _ALL),
        "warp early, merge all": _stages(_EARLY, _ALL),
    },
    "4": {"averaging": _unmerged("average"), "replacement": _unmerged("replace")},
}
"""The paper's ablations on a model's defaults: Table 2 (left: how tokens are matched; right: which stages), Table 4."""
