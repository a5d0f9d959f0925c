"""Help texts and limits of the method's options, for editors; shown by every front end.

Names, types, choices and defaults come from `options.MethodOptions`, whose docstrings use the paper's terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from answerprint.option import OptionGroup

__all__ = ["HELP", "OptionText"]


@dataclass(frozen=True, slots=True)
class OptionText:
    """What the fields of `MethodOptions` do not hold."""

    help: str
    group: OptionGroup = "advanced"
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""


HELP: Mapping[str, OptionText] = MappingProxyType(
    {
        "consistency": OptionText(
            "Restore frames together so that detail does not flicker; off restores each frame alone.", "basic"
        ),
        "chunk": OptionText(
            "Frames restored together around one keyframe; fewer need less memory.",
            "basic",
            minimum=1,
            unit="frames",
        ),
        "keyframe": OptionText(
            "The keyframe of each chunk: the middle frame, a random one (by seed), or the one most similar to all "
            "others (connected)."
        ),
        "noise": OptionText(
            "Initial noise: the same for all frames (shared), moving with the picture (flow), the same series in each "
            "chunk (chunk), or new for each frame (independent).",
            "basic",
        ),
        "fusion": OptionText(
            "Average neighbouring frames along their motion before restoring, where they agree. Reduces noise and "
            "grain; clean clips stay unchanged.",
            "basic",
        ),
        "warp": OptionText("Warp latents along the motion from frame to frame while restoring.", "basic"),
        "warp_stage": OptionText(
            "Part of the steps in which latents are warped, from the first (0) to the last (1).",
            minimum=0,
            maximum=1,
        ),
        "warp_global": OptionText("Warp from each chunk's keyframe to the next chunk's."),
        "warp_local": OptionText("Warp from the keyframe to the other frames of its chunk."),
        "warp_strength": OptionText(
            "How closely a frame follows the warped picture: 0 not at all, 1 fully.",
            "basic",
            minimum=0,
            maximum=1,
        ),
        "warp_source": OptionText(
            "What is warped: the keyframe (key), or the average of all frames of the chunk (fused)."
        ),
        "warp_mask": OptionText(
            "Occlusion mask of the warp: on or off for each point (hard), or weighted by the confidence of the "
            "motion (soft)."
        ),
        "warp_tolerance": OptionText(
            "How far the warped picture may differ from the frame before it gets less weight; 0 turns this off.",
            minimum=0,
        ),
        "warp_carry": OptionText("The keyframe passed on to the next chunk: before or after its own warping."),
        "warp_sampling": OptionText(
            "Interpolation of the warp: bilinear is soft, bicubic is sharper, sharp also restores the fine detail that "
            "bicubic loses."
        ),
        "back_projection": OptionText(
            "Pull the result towards the source, compared at the source's size: 0 keeps the model's tone and shapes, 1 "
            "corrects them fully. The source's noise is not brought back.",
            minimum=0,
            maximum=1,
        ),
        "merge": OptionText(
            "Merge matching tokens of neighbouring frames, so that shared detail stays the same.", "basic"
        ),
        "merge_stage": OptionText(
            "Part of the steps in which tokens are merged, from the first (0) to the last (1).",
            minimum=0,
            maximum=1,
        ),
        "merge_ratio": OptionText(
            "Largest share of tokens merged with the keyframe's: 0 none, 1 all.",
            "basic",
            minimum=0,
            maximum=1,
        ),
        "merge_ratio_end": OptionText(
            "Value of merge_ratio at the last step; lower values keep each frame's own fine detail.",
            minimum=0,
            maximum=1,
        ),
        "merge_delta": OptionText(
            "When merge_ratio reaches merge_ratio_end: 1 at the last step, 2 halfway, 0 never.", minimum=0
        ),
        "merge_alignment": OptionText(
            "Largest distance between a token moved by the flow and its match; 0.5 always takes the nearest.",
            minimum=0,
            maximum=0.5,
            unit="tokens",
        ),
        "match_down": OptionText(
            "Matching in the network's down blocks: by motion (flow), by similarity (cosine), or off (none)."
        ),
        "match_mid": OptionText(
            "Matching in the network's middle block: by motion (flow), by similarity (cosine), or off (none)."
        ),
        "match_up": OptionText(
            "Matching in the network's up blocks: by motion (flow), by similarity (cosine), or off (none)."
        ),
        "merge_max_scale": OptionText(
            "Coarsest layers that merge: 1 only the finest, 2 also those with tokens twice as large, and so on.",
            minimum=1,
            unit="latent cells per token",
        ),
        "spatial": OptionText("Prefer near matches when matching by similarity."),
        "spatial_radius": OptionText(
            "Squared distance within which matches by similarity keep full weight; 0 derives it from the width.",
            minimum=0,
            unit="squared tokens",
        ),
        "window": OptionText(
            "Search range of matching by similarity; 0 finds the best match of the whole frame.",
            minimum=0,
            unit="tokens",
        ),
        "centre": OptionText(
            "Centre of the search by similarity: the token's own position (own), or where the motion points (flow)."
        ),
        "refresh": OptionText(
            "Steps between searches for matches by similarity; 1 is slowest.", minimum=1, unit="steps"
        ),
        "unmerge": OptionText(
            "What merged tokens use: the keyframe's token (replace), or the average of all merged tokens (average)."
        ),
        "attention": OptionText(
            "What a frame attends to: itself and the keyframe (bounded), or all frames of its chunk (joint, slower)."
        ),
    }
)
"""By field name."""
