"""Named presets of the method's options."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from answerprint.option import Option
from answerprint.temporal.options import PAPER, describe

__all__ = ["OWN", "PRESET", "PRESETS", "PUBLISHED"]

OWN = "model"
"""The preset that keeps the model's own defaults."""

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
"""The best settings of the paper's tables for generative models; the default of those models.

The keyframe is warped in the early steps only. Tokens are matched by flow in down blocks and by distance-weighted
similarity in up blocks, and replaced; the merge ratio ends at 0. Attention stays bounded, which costs less than
restoring frames alone; the paper's is joint.
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
"""Options by name, as texts; options that a preset does not name keep the model's default."""

PRESET = Option(
    name="preset",
    kind="choice",
    choices=tuple(PRESETS),
    default=OWN,
    help="Consistency settings: model, the model's defaults, for most clips; steady, for quiet shots, faces and "
    "titles, where flicker is worse than softness; detail, for film, foliage and texture, where softness is "
    "worse; paper, the settings of the paper's runs, for comparison. Options that are set override the preset.",
    group="basic",
)
