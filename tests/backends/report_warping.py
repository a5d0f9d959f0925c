"""E_warp of every family with the method, beside that of the same frames restored one by one.

From the folder `tests`: `python -m backends.report_warping`; it fetches the public clips where they are not there yet.
All but tiny-x4 have random weights: their figures say that the method ties frames together in each family, not how
good it looks. The defaults of the method are each family's own; motion is that of the truth, known or by the flow of
`answerprint.metrics`, while the method estimates its own on the source.

What a random network draws comes from the noise alone, so with noise that all frames share it draws nearly the same
picture again and again. Nothing is steadier than that where the camera hardly moves: the column that compares with
shared noise has no bar.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends.base import Backend
from answerprint.backends.info import BackendInfo
from answerprint.backends.load import load
from answerprint.flow.opencv import DisEstimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.metrics.temporal import ReferenceMotion
from answerprint.pipeline.choices import resolve
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.training.fetch import clips_folder, fetch_clips
from backends.builders import CPU, small_ldm_sr
from backends.builders_diffbir import small_diffbir
from backends.builders_marigold import small_marigold
from backends.builders_one_step import small_one_step
from backends.builders_sd_x4 import small_sd_x4
from backends.footage import Footage, drawn_pan, real_clip
from tables import Row, Table, print_tables

SEED = 11
STEPS = 4
FRAMES = 12
"""A chunk, and one that is tied to it."""

CLIPS = ("bikes.mp4", "carphone_pristine.mp4")


@dataclass(frozen=True, slots=True)
class Maker:
    """How a small model of a family is made and set."""

    make: Callable[[], Backend]
    options: Mapping[str, str]
    """What its weights leave no choice in."""


FAMILIES: Mapping[str, Maker] = {
    "tiny-x4 (embedded)": Maker(lambda: load("tiny-x4", CPU), {}),
    "sd_x4": Maker(small_sd_x4, {}),
    "diffbir": Maker(small_diffbir, {"stage1": "none"}),
    "marigold": Maker(small_marigold, {}),
    "ldm_sr": Maker(small_ldm_sr, {}),
    "sd_one_step": Maker(small_one_step, {}),
}


@dataclass(frozen=True, slots=True)
class Warping:
    """E_warp of one family on one clip; values in [0, 1], squared."""

    truth: float
    alone: float
    """Frame by frame, each with noise of its own."""
    shared: float
    """Frame by frame, all with the same noise."""
    consistent: float

    @property
    def ratio(self) -> float:
        """Consistent beside frame by frame: the bar is 1."""
        return self.consistent / self.alone


def warping(family: str, footage: Footage, steps: int = STEPS, *, own: bool = False) -> Warping:
    """Restore in three ways, and measure; `own`: as the family starts, in place of tied as tightly as it can be."""
    maker = FAMILIES[family]
    backend = maker.make()
    backend.configure(
        steps=min(steps, backend.info.most_steps or steps),
        sampler=backend.info.samplers[0],
        options=dict(maker.options),
    )
    method = _method(backend.info, own)
    clip, motion = footage.reference(backend.info.scale)
    ways = (per_frame(method), per_frame(method, "shared"), method)
    truth = motion.warping_error(clip).value
    return Warping(truth, *(_e_warp(footage, backend, each, motion) for each in ways))


_TIGHT = {
    "fusion": "off", "noise": "shared", "warp_stage": "0-1", "warp_strength": "1", "warp_source": "fused",
    "warp_tolerance": "0", "merge_ratio_end": "0.9", "match_mid": "flow", "match_up": "flow", "unmerge": "average",
}  # fmt: skip
"""The method in all steps at full strength. Random weights show whether frames are tied; how good that looks they
cannot show, and the families' own settings, which are the paper's, give up some of it for detail."""


def _method(info: BackendInfo, own: bool) -> MethodOptions:
    """What a job with a model of the family gets that asks for nothing, or for the tightest ties."""
    draws = any(name == "warp_stage" for name, _ in info.method)
    options = _TIGHT if draws and not own else {}
    request = RestoreRequest(ClipRef("in"), "out", model=info.family, task=info.tasks[0], options=options)
    return resolve(request, info).method


def _e_warp(footage: Footage, backend: Backend, method: MethodOptions, motion: ReferenceMotion) -> float:
    frames = [Frame(k, picture, None) for k, picture in enumerate(footage.low)]
    chunks = restore_clip(frames, backend, FlowSource(DisEstimator()), ClipSettings(method, seed=SEED))
    return motion.warping_error([frame.picture for chunk in chunks for frame in chunk]).value


def measure() -> Iterator[Row]:
    """Every family on every clip."""
    folder = clips_folder()
    fetch_clips(folder)
    for footage in (drawn_pan(FRAMES), *(real_clip(folder / name, FRAMES) for name in CLIPS)):
        for family in FAMILIES:
            found, starts = warping(family, footage), warping(family, footage, own=True)
            values = (found.truth, found.alone, found.shared, found.consistent)
            ratios = (found.ratio, found.consistent / found.shared, starts.ratio)
            cells = (footage.name, family, *(f"{1e3 * v:.3f}" for v in values), *(f"{r:.2f}" for r in ratios))
            yield Row(cells, found.ratio < 1)


TABLE = Table(
    "E_warp x1e-3 (small random networks but for tiny-x4)",
    (
        "clip",
        "family",
        "truth",
        "per frame",
        "per frame, shared noise",
        "tied",
        "ratio",
        "to shared noise",
        "as it starts",
    ),
    measure,
)

if __name__ == "__main__":
    sys.exit(print_tables(TABLE))
