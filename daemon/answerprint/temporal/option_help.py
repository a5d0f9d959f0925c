"""What front ends say of each option of the method, for whoever edits the film, and the limits of its numbers.

Names, types, choices and defaults are those of `options.MethodOptions`, which explains them in the paper's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from answerprint.option import OptionGroup

__all__ = ["HELP", "OptionText"]


@dataclass(frozen=True, slots=True)
class OptionText:
    """What the fields of `MethodOptions` do not say themselves."""

    help: str
    group: OptionGroup = "advanced"
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""


HELP: Mapping[str, OptionText] = MappingProxyType(
    {
        "consistency": OptionText(
            "Tie frames together so that detail does not flicker; off restores every frame alone.", "basic"
        ),
        "chunk": OptionText(
            "How many frames are restored together, around one key frame; fewer take less memory.",
            "basic",
            minimum=1,
            unit="frames",
        ),
        "keyframe": OptionText(
            "Which frame of a group the others lean on: the middle one, a random one that the seed decides, or the "
            "one most like all the others (connected)."
        ),
        "noise": OptionText(
            "The grain that restoring starts from: one for the whole clip (shared), grain that moves with the picture "
            "(flow), a series that every group of frames repeats (chunk), or new grain for every frame (independent).",
            "basic",
        ),
        "fusion": OptionText(
            "Average neighbouring frames along their motion before they are restored, as far as they agree: it takes "
            "away noise and grain, and leaves clean clips alone.",
            "basic",
        ),
        "warp": OptionText(
            "Carry the picture, while it is being restored, along the motion from frame to frame.", "basic"
        ),
        "warp_stage": OptionText(
            "The part of the work, from its start (0) to its end (1), in which the picture is carried along.",
            minimum=0,
            maximum=1,
        ),
        "warp_global": OptionText("Carry the picture from each group of frames to the next one as well."),
        "warp_local": OptionText("Carry the picture from the key frame to the other frames of its group."),
        "warp_strength": OptionText(
            "How closely a frame follows the picture that is carried to it: 0 not at all, 1 wholly.",
            "basic",
            minimum=0,
            maximum=1,
        ),
        "warp_source": OptionText(
            "What is carried: the picture of the key frame (key), or all frames of the group in one (fused)."
        ),
        "warp_mask": OptionText(
            "How places that come into view are left out: each point wholly or not at all (hard), or the less the "
            "surer the motion is (soft)."
        ),
        "warp_tolerance": OptionText(
            "How far a carried picture may differ from the frame's own before it is trusted less; 0 trusts it always.",
            minimum=0,
        ),
        "warp_carry": OptionText(
            "Which picture of a key frame the next group is given: the one before or after it was itself adjusted."
        ),
        "warp_sampling": OptionText(
            "How the picture is resampled where it is carried along: bilinear is soft, bicubic sharper, sharp gives "
            "back the fine detail that bicubic takes."
        ),
        "back_projection": OptionText(
            "How closely the restored picture, made as small as the source, agrees with it: 0 leaves tone and shape as "
            "the model draws them, 1 puts them right; noise is never put back.",
            minimum=0,
            maximum=1,
        ),
        "merge": OptionText(
            "Restore details that neighbouring frames have in common as one, so that they stay alike.", "basic"
        ),
        "merge_stage": OptionText(
            "The part of the work, from its start (0) to its end (1), in which common details are restored as one.",
            minimum=0,
            maximum=1,
        ),
        "merge_ratio": OptionText(
            "How much of a picture may be restored as one with the key frame: 0 nothing, 1 everything.",
            "basic",
            minimum=0,
            maximum=1,
        ),
        "merge_ratio_end": OptionText(
            "What merge_ratio becomes towards the end of the work; less leaves each frame its own finest detail.",
            minimum=0,
            maximum=1,
        ),
        "merge_delta": OptionText(
            "How soon merge_ratio turns into merge_ratio_end: 1 at the end of the work, 2 halfway, 0 never.", minimum=0
        ),
        "merge_alignment": OptionText(
            "How far apart two details may lie, once motion is followed, to be restored as one; 0.5 takes the nearest.",
            minimum=0,
            maximum=0.5,
            unit="tokens",
        ),
        "match_down": OptionText(
            "How common details are found where the model takes the picture in: by motion (flow), by likeness (cosine) "
            "or not at all (none)."
        ),
        "match_mid": OptionText(
            "How common details are found in the middle of the model: by motion (flow), by likeness (cosine) or not at "
            "all (none)."
        ),
        "match_up": OptionText(
            "How common details are found where the model puts the picture out: by motion (flow), by likeness (cosine) "
            "or not at all (none)."
        ),
        "merge_max_scale": OptionText(
            "The coarsest details that are restored as one: 1 only the finest, 2 also those twice as large, and so on.",
            minimum=1,
            unit="latent cells per token",
        ),
        "spatial": OptionText("Where details are found by likeness, prefer those that lie near."),
        "spatial_radius": OptionText(
            "How far details may lie apart before likeness counts for less; 0 chooses it by the width of the picture.",
            minimum=0,
            unit="squared tokens",
        ),
        "window": OptionText(
            "How far around a place likeness is looked for; 0 looks as far as the best match of the frame can lie.",
            minimum=0,
            unit="tokens",
        ),
        "centre": OptionText(
            "Where likeness is looked for: around the same place of the frame (own), or around where the motion leads "
            "(flow)."
        ),
        "refresh": OptionText(
            "Details found by likeness are looked for anew every so many steps; 1 is slowest.", minimum=1, unit="steps"
        ),
        "unmerge": OptionText(
            "What details restored as one start from: those of the key frame (replace), or the mean of all (average)."
        ),
        "attention": OptionText(
            "What a frame looks at while it is restored: itself and the key frame (bounded), or all frames of its "
            "group (joint), which is slower."
        ),
    }
)
"""By the name of the field."""
