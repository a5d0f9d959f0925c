"""Named settings of the method: one choice in place of many, each for somebody."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from answerprint.option import Option
from answerprint.temporal.options import PAPER, describe

__all__ = ["OWN", "PRESET", "PRESETS", "PUBLISHED"]

OWN = "model"
"""The preset that stands for what the model starts with."""

PUBLISHED: Mapping[str, str] = MappingProxyType(
    {
        "warp_stage": "0-0.1",
        "warp_strength": "1",
        "warp_source": "key",
        "warp_tolerance": "0",
        "noise": "chunk",
        "merge_ratio": "0.9",
        "merge_ratio_end": "0",
        "match_down": "flow",
        "match_mid": "none",
        "match_up": "cosine",
        "unmerge": "replace",
    }
)
"""What the paper's tables favour for models that draw detail of their own, and those models start with.

Warping the keyframe in the early steps alone, matches by flow below and by similarity with distance above, merging that
ends at nothing, replacement. Attention stays bounded, which costs less than restoring frames alone; the paper's is
joint.
"""

PRESETS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        OWN: MappingProxyType({}),
        "paper": MappingProxyType({option.name: option.text(getattr(PAPER, option.name)) for option in describe()}),
        "steady": MappingProxyType(
            {
                "noise": "shared",
                "fusion": "strong",
                "warp": "on",
                "warp_stage": "0-1",
                "warp_strength": "1",
                "warp_source": "fused",
                "warp_tolerance": "0.2",
                "merge_ratio_end": "0.9",
                "unmerge": "average",
            }
        ),
        "detail": MappingProxyType(
            {
                "fusion": "weak",
                "warp": "on",
                "warp_stage": "0-0.1",
                "warp_strength": "0.7",
                "warp_source": "key",
                "warp_tolerance": "0.05",
                "warp_sampling": "sharp",
                "merge_ratio_end": "0",
                "unmerge": "replace",
            }
        ),
    }
)
"""Options by name, as texts; what a preset does not name stays as the model starts."""

PRESET = Option(
    name="preset",
    kind="choice",
    choices=tuple(PRESETS),
    default=OWN,
    help="How frames are tied together: model, as suits the model (for most clips); steady, for quiet shots, faces and "
    "titles, where flicker is worse than softness; detail, for film, foliage and texture, where softness is worse; "
    "paper, the settings of the published runs, to compare with. Options that are given count before it.",
    group="basic",
)
