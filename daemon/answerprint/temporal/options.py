"""Every switch of the method, as data: names, defaults, ranges and what each one does. Imports nothing heavy.

The defaults are the best trade measured on real footage with the embedded model; the values that the paper's own
runs used are `PAPER`. Fractions of the step count become steps by `stage_steps`, which never rounds a component away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_type_hints

from answerprint.errors import InputError

__all__ = ["PAPER", "MethodOptions", "Stage", "describe", "parse_option", "per_frame", "stage_steps"]

Stage = tuple[float, float]
"""Part of the denoising process as fractions of the step count: from (inclusive) and to (exclusive)."""

Keyframe = Literal["middle", "random", "connected"]
Noise = Literal["independent", "shared", "chunk", "flow"]
Match = Literal["flow", "cosine", "none"]
Attention = Literal["bounded", "joint"]
Unmerge = Literal["replace", "average"]
Centre = Literal["own", "flow"]
WarpSource = Literal["key", "fused"]
Mask = Literal["hard", "soft"]
Carry = Literal["before", "after"]
Sampling = Literal["bilinear", "bicubic"]


def _check(holds: bool, name: str, value: object, valid: str) -> None:
    if not holds:
        raise InputError(f"Option {name} cannot be {value}.", f"Valid: {valid}.")


@dataclass(frozen=True, slots=True)
class MethodOptions:
    """How the frames of a chunk are tied together; every field is an option of the command line."""

    consistency: bool = True
    """Tie frames together at all; off restores every frame alone."""
    chunk: int = 8
    """Frames per chunk: one keyframe and the frames that lean on it."""
    keyframe: Keyframe = "middle"
    """Which frame of a chunk is the keyframe: middle, random (by seed), or connected (most like all others)."""
    noise: Noise = "shared"
    """independent: own noise for every frame; shared: one noise for the clip; chunk: drawn anew for every frame of a
    chunk and repeated from chunk to chunk; flow: noise that moves with the picture."""

    warp: bool = True
    """Hierarchical latent warping (paper, section 3.2)."""
    warp_stage: Stage = (0.0, 1.0)
    """Part of the denoising process in which latents are warped."""
    warp_global: bool = True
    """Warp from the previous keyframe to this one (Eq. 4)."""
    warp_local: bool = True
    """Warp from the keyframe to the other frames of its chunk."""
    warp_strength: float = 0.6
    """0..1, how much of a valid warped latent replaces the frame's own; 1 is the paper's."""
    warp_source: WarpSource = "fused"
    """What is spread over a chunk: the keyframe's latent, or all frames' latents fused on the keyframe's grid."""
    warp_mask: Mask = "hard"
    """hard: the occlusion mask alone; soft: weighted by the forward-backward confidence as well."""
    warp_tolerance: float = 0.06
    """Difference between a warped and a frame's own clean latent at which the warp loses trust; 0 trusts the mask
    alone, as the paper does."""
    warp_carry: Carry = "after"
    """Which latent of a keyframe the next chunk sees: the one before or after its own warping."""
    warp_sampling: Sampling = "bicubic"
    """Interpolation of the warp."""

    merge: bool = True
    """Hybrid flow-guided spatial-aware token merging (paper, section 3.3)."""
    merge_stage: Stage = (0.0, 1.0)
    """Part of the denoising process in which tokens are merged."""
    merge_ratio: float = 0.9
    """0..1, r of Eq. 8: upper bound of the share of tokens that merge, at the first merged step."""
    merge_ratio_end: float = 0.9
    """0..1, the share at the last merged step."""
    merge_delta: float = 1.0
    """Speed of annealing, delta of Eq. 8."""
    merge_alignment: float = 0.5
    """0..0.5, how far beside a target's centre, in tokens along each axis, the flow may point; 0.5 takes the nearest
    target always, as the paper does."""
    match_down: Match = "flow"
    """How tokens are matched in down blocks."""
    match_mid: Match = "flow"
    """How tokens are matched in the middle block."""
    match_up: Match = "flow"
    """How tokens are matched in up blocks."""
    merge_max_scale: int = 2
    """Coarsest token grid that merges, in latent cells per token: 2 is the paper's ds1 and ds2."""
    spatial: bool = True
    """Weight cosine similarity by distance (Eq. 7)."""
    spatial_radius: float = 0.0
    """R of Eq. 7, in squared tokens; 0 chooses it from the width of the token grid."""
    window: int = 3
    """Cosine search reaches this many tokens from its centre; 0 searches the whole frame."""
    centre: Centre = "own"
    """Centre of search and weight: the token's own place (the paper's), or where the flow points."""
    refresh: int = 4
    """Cosine matches are found anew every so many steps."""
    unmerge: Unmerge = "average"
    """replace: a merged token takes its target's output; average: target and sources enter attention as their mean."""
    attention: Attention = "bounded"
    """joint: all kept tokens of a chunk attend to each other (the paper's); bounded: a frame's kept tokens attend to
    their own frame's and the keyframe's, and the keyframe to itself."""

    def __post_init__(self) -> None:
        """Check ranges; raises InputError naming the option and its range."""
        _check(self.chunk >= 1, "chunk", self.chunk, "1 or more")
        _check(self.refresh >= 1, "refresh", self.refresh, "1 or more")
        _check(self.window >= 0, "window", self.window, "0 (whole frame) or more")
        _check(self.merge_max_scale >= 1, "merge_max_scale", self.merge_max_scale, "1 or more")
        _check(self.spatial_radius >= 0, "spatial_radius", self.spatial_radius, "0 (automatic) or more")
        _check(self.warp_tolerance >= 0, "warp_tolerance", self.warp_tolerance, "0 (off) or more")
        _check(self.merge_delta > 0, "merge_delta", self.merge_delta, "above 0")
        _check(0 <= self.merge_alignment <= 0.5, "merge_alignment", self.merge_alignment, "0 to 0.5")
        for name in ("warp_strength", "merge_ratio", "merge_ratio_end"):
            _check(0 <= getattr(self, name) <= 1, name, getattr(self, name), "0 to 1")
        for name in ("warp_stage", "merge_stage"):
            begin, end = getattr(self, name)
            _check(0 <= begin <= end <= 1, name, f"{begin}-{end}", "FROM-TO with 0 <= FROM <= TO <= 1")
        hints = get_type_hints(MethodOptions)
        for field in fields(self):
            allowed = get_args(hints[field.name]) if hints[field.name] not in (Stage,) else ()
            if allowed and all(isinstance(a, str) for a in allowed):
                _check(getattr(self, field.name) in allowed, field.name, getattr(self, field.name), ", ".join(allowed))


PAPER = MethodOptions(
    chunk=10,
    noise="chunk",
    warp_stage=(0.0, 0.1),
    warp_strength=1.0,
    warp_source="key",
    warp_tolerance=0.0,
    warp_sampling="bilinear",
    merge_ratio=0.9,
    merge_ratio_end=0.0,
    match_down="flow",
    match_mid="none",
    match_up="cosine",
    unmerge="replace",
    attention="joint",
    refresh=1,
)
"""The settings of the paper's own runs (facts as published: chunk of 10, warping in the first tenth of the steps)."""


def per_frame(options: MethodOptions, noise: Noise = "independent") -> MethodOptions:
    """`options` with every tie between frames cut: the baseline of every comparison."""
    return replace(options, consistency=False, warp=False, merge=False, noise=noise)


def stage_steps(stage: Stage, steps: int) -> range:
    """Steps i of `steps` that lie in `stage`; a stage that is not empty never rounds to no step at all."""
    begin, end = stage
    if end <= begin:
        return range(0)
    first = min(math.floor(begin * steps + 1e-9), steps - 1)
    last = max(first + 1, round(end * steps))
    return range(first, min(last, steps))


def parse_option(options: MethodOptions, name: str, text: str) -> MethodOptions:
    """`options` with `name` set from `text`; raises InputError naming what would have been valid."""
    hints = get_type_hints(MethodOptions)
    key = name.replace("-", "_")
    if key not in hints:
        raise InputError(f"There is no option {name!r}.", f"Options: {', '.join(sorted(hints))}.")
    hint = hints[key]
    try:
        value: Any
        if hint is bool:
            value = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}[text.lower()]
        elif hint is int:
            value = int(text)
        elif hint is float:
            value = float(text)
        elif hint == Stage:
            begin, _, end = text.partition("-")
            value = (float(begin), float(end))
        else:
            value = text
    except (ValueError, KeyError) as error:
        raise InputError(f"Option {name} does not take {text!r}.", f"Give {_form(hint)}.") from error
    return replace(options, **{key: value})


def describe() -> list[dict[str, str]]:
    """Name, form and default of each option, for help texts and front ends."""
    hints = get_type_hints(MethodOptions)
    rows = []
    for field in fields(MethodOptions):
        value = field.default
        if isinstance(value, tuple):
            text = f"{value[0]:g}-{value[1]:g}"
        elif isinstance(value, bool):
            text = "on" if value else "off"
        else:
            text = str(value)
        rows.append({"name": field.name, "form": _form(hints[field.name]), "default": text})
    return rows


def _form(hint: Any) -> str:  # noqa: ANN401 - a type hint has no narrower type
    if hint is bool:
        return "on or off"
    if hint is int:
        return "a whole number"
    if hint is float:
        return "a number"
    if hint == Stage:
        return "two fractions FROM-TO, such as 0-0.3"
    return "one of " + ", ".join(get_args(hint))
