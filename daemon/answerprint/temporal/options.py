"""Every switch of the method, as data: names, defaults, ranges and what each one does. Imports nothing heavy.

The defaults are the best trade measured on real footage with the embedded model; the values that the paper's own
runs used are `PAPER`. Fractions of the step count become steps by `stage_steps`, which never rounds a component away.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any, Literal, get_args, get_type_hints

from answerprint.errors import InputError
from answerprint.option import Option
from answerprint.temporal.option_help import HELP

__all__ = ["PAPER", "MethodOptions", "StepSpan", "describe", "parse_option", "per_frame", "stage_steps"]

StepSpan = tuple[float, float]
"""Part of the denoising process as fractions of the step count: from (inclusive) and to (exclusive)."""

Keyframe = Literal["middle", "random", "connected"]
Noise = Literal["independent", "shared", "chunk", "flow"]
Match = Literal["flow", "cosine", "none"]
Attention = Literal["bounded", "joint"]
Unmerge = Literal["replace", "average"]
Centre = Literal["own", "flow"]
WarpSource = Literal["key", "fused"]
WarpMask = Literal["hard", "soft"]
Carry = Literal["before", "after"]
Sampling = Literal["bilinear", "bicubic", "sharp"]
Fusion = Literal["off", "weak", "strong"]


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
    fusion: Fusion = "strong"
    """Average a chunk's frames along the flow before the model sees them, as far as the clip is noisy."""

    warp: bool = True
    """Hierarchical latent warping (paper, section 3.2)."""
    warp_stage: StepSpan = (0.0, 1.0)
    """Part of the denoising process in which latents are warped."""
    warp_global: bool = True
    """Warp from the previous keyframe to this one (Eq. 4)."""
    warp_local: bool = True
    """Warp from the keyframe to the other frames of its chunk."""
    warp_strength: float = 0.6
    """How much of a valid warped latent replaces the frame's own; 1 is the paper's."""
    warp_source: WarpSource = "fused"
    """What is spread over a chunk: the keyframe's latent, or all frames' latents fused on the keyframe's grid."""
    warp_mask: WarpMask = "hard"
    """hard: the occlusion mask alone; soft: weighted by the forward-backward confidence as well."""
    warp_tolerance: float = 0.06
    """Difference between a warped and a frame's own clean latent, both low-passed, at which the warp loses trust, in a
    clip without noise; 0 trusts the mask alone, as the paper does."""
    warp_carry: Carry = "after"
    """Which latent of a keyframe the next chunk sees: the one before or after its own warping."""
    warp_sampling: Sampling = "bicubic"
    """Interpolation of the warp; sharp: bicubic, with the fine detail given back that it takes between cells."""

    back_projection: float = 0.0
    """How much of a restored picture's drift from the source, at the source's size, is put back; as far as the source
    is noisy, only its slow part."""

    merge: bool = True
    """Hybrid flow-guided spatial-aware token merging (paper, section 3.3)."""
    merge_stage: StepSpan = (0.0, 1.0)
    """Part of the denoising process in which tokens are merged."""
    merge_ratio: float = 0.9
    """r of Eq. 8: upper bound of the share of tokens that merge, at the first merged step."""
    merge_ratio_end: float = 0.9
    """The share at the last merged step."""
    merge_delta: float = 1.0
    """Speed of annealing, delta of Eq. 8."""
    merge_alignment: float = 0.5
    """How far beside a target's centre, in tokens along each axis, the flow may point; 0.5 takes the nearest
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
    window: int = 0
    """Cosine search reaches this many tokens from its centre; 0 finds the best match of the whole frame, which the
    weight by distance lets it do from what is near."""
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
        """Check every value; raises InputError naming the option and what is allowed."""
        for option in describe():
            option.check(getattr(self, option.name))


@cache
def describe() -> tuple[Option, ...]:
    """Every option of the method, for help texts and front ends, in the order in which they are shown."""
    hints = get_type_hints(MethodOptions)
    return tuple(_describe(field.name, hints[field.name], field.default) for field in fields(MethodOptions))


def _describe(name: str, hint: Any, default: Any) -> Option:  # noqa: ANN401 - the type and the default of any field
    about = asdict(HELP[name]) | {"name": name, "default": default}
    if hint == StepSpan:
        return Option(kind="text", format="span", **about)
    if hint in (bool, int, float):
        return Option(kind=hint.__name__, **about)
    return Option(kind="choice", choices=get_args(hint), **about)


PAPER = MethodOptions(
    chunk=10,
    noise="chunk",
    fusion="off",
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
    """`options` with every tie between frames cut, and the model left to itself: the baseline of every comparison."""
    return replace(options, consistency=False, fusion="off", warp=False, merge=False, back_projection=0.0, noise=noise)


def stage_steps(stage: StepSpan, steps: int) -> range:
    """Steps i of `steps` that lie in `stage`; a stage that is not empty never rounds to no step at all."""
    begin, end = stage
    if end <= begin:
        return range(0)
    first = min(math.floor(begin * steps + 1e-9), steps - 1)
    last = max(first + 1, round(end * steps))
    return range(first, min(last, steps))


def parse_option(options: MethodOptions, name: str, text: str) -> MethodOptions:
    """`options` with `name` set from `text`; raises InputError naming what would have been valid."""
    key = name.replace("-", "_")
    option = next((option for option in describe() if option.name == key), None)
    if option is None:
        valid = ", ".join(sorted(option.name for option in describe()))
        raise InputError(f"There is no option {name!r}.", f"Options: {valid}.")
    value: Any = option.parse(text)  # of the field's own type, which a name in a variable hides from the checker
    return replace(options, **{key: value})
