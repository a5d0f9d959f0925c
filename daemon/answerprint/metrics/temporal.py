"""Figures of a clip over time: E_warp, E_inter, tOF, and the temporal profile that shows flicker to the eye.

Clips are frames [H, W, 3] float32 RGB in [0, 1] (see `checks.Clip`). Motion always comes from the reference (the ground
truth if there is one, else the input at the result's size), never from the result, so that blur cannot win by being
easy to follow. Blur wins E_warp and E_inter all the same: quote them with `picture.detail_ratio` and the truth's own
figure, which is the floor.

Across a scene cut there is no motion: pairs and triples of frames with a cut inside are left out of every figure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from answerprint.flow.cuts import CutDetector
from answerprint.flow.pair import Flow
from answerprint.flow.prepare import prepare
from answerprint.frames.frame import Picture
from answerprint.metrics.checks import Clip, require_clip, require_same_clips, require_same_size
from answerprint.metrics.motion import (
    FlowFunction,
    Mask,
    farneback_flow,
    grey,
    non_occluded,
    target_inside,
    warp_picture,
)

__all__ = [
    "InterpolationError",
    "ReferenceMotion",
    "WarpingError",
    "find_cuts",
    "interpolation_error",
    "profile_sheet",
    "t_of",
    "temporal_profile",
    "warping_error",
]

_LABEL_PX = 22


@dataclass(frozen=True, slots=True)
class WarpingError:
    """E_warp of a clip, values in [0, 1] squared, un-scaled; printed x1e-3 as the field does."""

    value: float
    """Mean over pairs within a scene; nan if none had a visible pixel."""
    masked_fraction: float
    """Share of their pixels left out, occluded or out of frame: 0..1, a property of the reference alone."""
    pairs: int
    """Pairs of frames that went into the mean."""

    @property
    def milli(self) -> float:
        """The figure as papers print it: E_warp x1e-3, so 0.0012 is 1.2."""
        return self.value * 1e3

    def __str__(self) -> str:
        return f"{self.milli:.3f}e-3 ({100 * self.masked_fraction:.1f} % masked)"


@dataclass(frozen=True, slots=True)
class InterpolationError:
    """E_inter of a clip: root mean square on 0..255, mean over the frames that have both neighbours in their scene."""

    value: float
    motion_from: Literal["reference", "clip"]
    """Whose motion guided the interpolation: figures of the two kinds are not comparable."""
    frames: int

    def __str__(self) -> str:
        return f"{self.value:.3f} (motion of the {self.motion_from})"


class ReferenceMotion:
    """Flows and masks of a reference clip, found when first asked for and kept for all results measured against it.

    Keeps the grey frames, and 4 bytes a pixel a flow (float16: steps of 1/64 px up to a motion of 32 px). A flow is
    rounded before its first use too, so a figure does not depend on what was measured before. Not thread-safe.

    `cuts` are the frames that begin a new scene; None finds them on the reference, by the detector that the method
    itself uses on its input.
    """

    def __init__(
        self, reference_clip: Clip, flow: FlowFunction = farneback_flow, cuts: Collection[int] | None = None
    ) -> None:
        self.shape = require_clip(reference_clip)
        self.frames = len(reference_clip)
        self.cuts = find_cuts(reference_clip) if cuts is None else frozenset(cuts)
        self._flow_function = flow
        self._grey = [grey(frame) for frame in reference_clip]
        self._flows: dict[tuple[int, int], NDArray[np.float16]] = {}
        self._masks: dict[int, Mask] = {}

    @property
    def pairs(self) -> list[int]:
        """Every frame t that lies in one scene with frame t + 1."""
        return [t for t in range(self.frames - 1) if t + 1 not in self.cuts]

    @property
    def middles(self) -> list[int]:
        """Every frame t that lies in one scene with frames t - 1 and t + 1."""
        return [t for t in range(1, self.frames - 1) if self.cuts.isdisjoint((t, t + 1))]

    def flow(self, source: int, target: int) -> Flow:
        """Flow [H, W, 2] in pixels from frame `source` to frame `target` of the reference."""
        key = (source, target)
        if key not in self._flows:
            self._flows[key] = self._flow_function(self._grey[source], self._grey[target]).astype(np.float16)
        return self._flows[key].astype(np.float32)

    def visible(self, t: int) -> Mask:
        """True [H, W] where a pixel of frame t is still seen in frame t + 1."""
        if t not in self._masks:
            self._masks[t] = non_occluded(self.flow(t, t + 1), self.flow(t + 1, t))
        return self._masks[t]

    def warping_error(self, clip: Clip) -> WarpingError:
        """E_warp of `clip` (Lai et al. 2018): see `warping_error`. ValueError if its length or size is not ours."""
        self._require(clip, frames=2)
        errors, masked = [], []
        for t in self.pairs:
            visible = self.visible(t)
            count = int(np.count_nonzero(visible))
            masked.append(1.0 - count / visible.size)
            if count:
                gap = warp_picture(clip[t + 1], self.flow(t, t + 1)) - clip[t]
                squared = np.einsum("hwc,hwc->hw", gap, gap)
                errors.append(float(np.sum(squared, where=visible, dtype=np.float64)) / (3 * count))
        return WarpingError(_mean(errors), _mean(masked), len(errors))

    def interpolated(self, clip: Clip, t: int) -> Picture:
        """Frame t of `clip` rebuilt from its frames t - 1 and t + 1 alone; 0 < t < frames - 1.

        Our interpolator, fixed: flows of the reference between t - 1 and t + 1 both ways; half-way flow to the later
        frame g = (f_ab - f_ba) / 4 (Super SloMo, Jiang et al. 2018, eq. 4 at the middle), to the earlier one -g; mean
        of the two warps, or the one that lies in the frame. No occlusion reasoning, as motion is taken to be even.
        """
        if not 0 < t < self.frames - 1:
            raise ValueError(f"frame {t} of {self.frames} has no two neighbours to interpolate from")
        half = (self.flow(t - 1, t + 1) - self.flow(t + 1, t - 1)) / np.float32(4.0)
        earlier, later = warp_picture(clip[t - 1], -half), warp_picture(clip[t + 1], half)
        only_later = target_inside(half) & ~target_inside(-half)
        only_earlier = target_inside(-half) & ~target_inside(half)
        mean = (earlier + later) * np.float32(0.5)
        mean[only_later] = later[only_later]
        mean[only_earlier] = earlier[only_earlier]
        return mean

    def interpolation_error(self, clip: Clip) -> InterpolationError:
        """E_inter of `clip` under the reference's motion: see `interpolation_error`."""
        self._require(clip, frames=3)
        errors = [_rms_255(self.interpolated(clip, t), clip[t]) for t in self.middles]
        return InterpolationError(_mean(errors), "reference", len(errors))

    def t_of(self, clip: Clip) -> float:
        """tOF of `clip` against the reference: see `t_of`."""
        self._require(clip, frames=2)
        own = ReferenceMotion(clip, self._flow_function, self.cuts)
        gaps = [np.abs(own.flow(t, t + 1) - self.flow(t, t + 1)).sum(axis=-1) for t in self.pairs]
        return _mean([float(gap.mean(dtype=np.float64)) for gap in gaps])

    def figures(self, clip: Clip) -> dict[str, float]:
        """All figures over time, by name. `report.COLUMNS` says how they are shown."""
        warping = self.warping_error(clip)
        return {
            "e_warp": warping.value,
            "e_inter": self.interpolation_error(clip).value,
            "t_of": self.t_of(clip),
            "masked_fraction": warping.masked_fraction,
        }

    def _require(self, clip: Clip, frames: int) -> None:
        shape = require_clip(clip, frames)
        if len(clip) != self.frames:
            raise ValueError(f"the clips differ in length: {len(clip)} and {self.frames} frames")
        if shape != self.shape:
            raise ValueError(f"the clips differ in size: {shape[1]}x{shape[0]} and {self.shape[1]}x{self.shape[0]}")


def find_cuts(clip: Clip) -> frozenset[int]:
    """Frames of `clip` that begin a new scene; the first one of all is none."""
    detector = CutDetector()
    return frozenset(t for t, pair in enumerate(pairwise(map(prepare, clip)), 1) if detector.is_cut(*pair))


def warping_error(result_clip: Clip, reference_clip: Clip, flow: FlowFunction = farneback_flow) -> WarpingError:
    """E_warp: squared difference of frame t and frame t + 1 warped back to t by the reference's flow.

    Mean over non-occluded pixels and channels, then over pairs (Lai et al. 2018; occlusion: `motion.non_occluded`).
    Measuring several results against one reference: make one `ReferenceMotion` and ask it.
    """
    require_same_clips(result_clip, reference_clip)
    return ReferenceMotion(reference_clip, flow).warping_error(result_clip)


def interpolation_error(
    clip: Clip, reference_clip: Clip | None = None, flow: FlowFunction = farneback_flow
) -> InterpolationError:
    """E_inter: RMS on 0..255 between each frame and its interpolation from its two neighbours, mean over frames.

    Motion is the reference's, or the clip's own where there is no reference: the answer says which. The interpolator is
    that of `ReferenceMotion.interpolated`; the paper names none, so these figures compare only with each other.
    """
    if reference_clip is None:
        own = ReferenceMotion(clip, flow).interpolation_error(clip)
        return InterpolationError(own.value, "clip", own.frames)
    require_same_clips(clip, reference_clip)
    return ReferenceMotion(reference_clip, flow).interpolation_error(clip)


def t_of(result_clip: Clip, truth_clip: Clip, flow: FlowFunction = farneback_flow) -> float:
    """TecoGAN's tOF: mean over pixels and pairs of |du| + |dv| px between the flows of the result and of the truth.

    Here, and only here, flow is found on the result too: it asks whether the result moves as the truth does.
    """
    require_same_clips(result_clip, truth_clip)
    return ReferenceMotion(truth_clip, flow).t_of(result_clip)


def temporal_profile(clip: Clip, row: int) -> Picture:
    """Row `row` of each frame, first frame on top: [T, W, 3]. Steady lines mean steady footage, jitter is flicker."""
    height = require_clip(clip)[0]
    if not 0 <= row < height:
        raise ValueError(f"row {row} is not in a frame of {height} rows")
    return np.stack([np.asarray(frame[row], np.float32) for frame in clip])


def profile_sheet(clips: Mapping[str, Clip], row: int, magnify: int = 4) -> NDArray[np.uint8]:
    """Temporal profiles of several clips under each other, each below its label: [H, W, 3] uint8 RGB.

    A frame is `magnify` rows tall (a clip of 24 frames is otherwise a thread). ValueError unless all clips have one
    frame size and there is at least one.
    """
    if not clips:
        raise ValueError("a profile sheet needs at least one clip")
    first = next(iter(clips.values()))
    strips = []
    for label, clip in clips.items():
        require_same_size(first[0], clip[0])
        profile = np.rint(np.clip(temporal_profile(clip, row), 0.0, 1.0) * 255.0).astype(np.uint8)
        bar = np.zeros((_LABEL_PX, profile.shape[1], 3), np.uint8)
        cv2.putText(bar, label, (4, _LABEL_PX - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
        strips += [bar, np.repeat(profile, magnify, axis=0)]
    return np.concatenate(strips)


def _mean(values: Sequence[float]) -> float:
    """nan where there is nothing to take the mean of."""
    return float(np.mean(values)) if values else float("nan")


def _rms_255(a: Picture, b: Picture) -> float:
    return 255.0 * float(np.sqrt(np.mean(np.square(a - b), dtype=np.float64)))
