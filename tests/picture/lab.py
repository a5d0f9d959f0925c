"""What the rows of the report measure with: models, sizes, and every comparison once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import Frame
from answerprint.frames.frame import Picture
from answerprint.metrics import picture as still
from answerprint.metrics.degradations import Degradation, degrade_clip
from answerprint.metrics.own import DEFAULT_MODEL, Own, Studio
from answerprint.metrics.perceptual import Distance, mean_distance
from answerprint.metrics.rivals.base import DamagedClip, RestorationMethod
from answerprint.metrics.rivals.plain import Plain
from answerprint.metrics.temporal import ReferenceMotion
from answerprint.metrics.variants import NAMED
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip
from picture.figures import key_detail
from picture.footage import DAMAGES, Clip, truth_of

__all__ = ["QUICK", "RIVAL", "SCALE", "Extent", "Figures", "Lab"]

SCALE = 4
RIVAL = "realesrgan-x4plus"

_ROUNDS = 2
"""How often a time is taken; the least counts, as what disturbs only adds."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    frames: int = 12
    """Of a clip: a chunk, and part of one that is tied to it."""
    largest: tuple[int, int] = (640, 360)
    """Of the truth."""
    noise_largest: tuple[int, int] = (320, 176)
    """Of clips that are restored at their own size."""
    noise_frames: int = 8
    clips_of_noise: int = 2
    timed_frames: int = 8
    timed: tuple[int, int] = (160, 90)
    """Of the source whose time is taken."""
    timed_large: tuple[int, int] = (480, 270)
    large_frames: int = 2


QUICK = Extent(
    frames=6, largest=(320, 176), noise_largest=(160, 96), noise_frames=6, clips_of_noise=1, timed_frames=6,
    large_frames=1,
)  # fmt: skip
"""For a look: small pictures, whose figures are not those that the page shows."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One way on one clip."""

    psnr: float
    p: float
    """nan where there is no perceptual measure."""
    detail: float
    """Energy over the truth's."""
    e_warp: float
    key_detail: float
    """nan for a way that has no keyframes."""
    seconds: float | None


@dataclass(slots=True)
class Lab:
    """The place."""

    studio: Studio
    distance: Distance | None
    extent: Extent = field(default_factory=Extent)
    model: str = DEFAULT_MODEL
    pictures: dict[str, dict[str, Sequence[Picture]]] = field(default_factory=dict)
    """Of every comparison, by its title and way; filled where `keep` is set."""
    keep: bool = False
    _found: dict[tuple[str, str], dict[str, Figures]] = field(default_factory=dict)

    def own(self, variant: str = "consistent", model: str = "", **options: str) -> Own:
        """A row of this program: the default model where none is named."""
        name = model or self.model
        return Own(f"{name} {variant}", name, NAMED[variant], self.studio, options)

    def compare(self, clip: Clip, damage: str) -> dict[str, Figures]:
        """Truth, bicubic, default and x4plus per frame on one clip; measured when first asked for."""
        found = self._found.get((clip.name, damage))
        if found is None:
            truth = truth_of(clip, self.extent.frames, self.extent.largest, SCALE)
            ways: dict[str, RestorationMethod] = {
                "bicubic": Plain("bicubic"),
                "default": self.own(),
                "x4plus": self.own("per-frame", RIVAL),
            }
            found, pictures = self.measure(truth, DAMAGES[damage], clip.first, ways)
            self._found[clip.name, damage] = found
            if self.keep:
                self.pictures[f"{clip.name}, {damage}"] = pictures
        return found

    def measure(
        self,
        truth: list[Picture],
        damage: Degradation,
        first: int,
        ways: dict[str, RestorationMethod],
        scale: int = SCALE,
        task: str = "sr",
    ) -> tuple[dict[str, Figures], dict[str, Sequence[Picture]]]:
        """Figures and pictures of each way on a damaged clip, and of the truth."""
        low = degrade_clip(truth, scale, damage, 0, first)
        height, width = truth[0].shape[:2]
        shot, motion = DamagedClip(low, (width, height), first, 0, task), ReferenceMotion(truth, cuts=())
        pictures: dict[str, Sequence[Picture]] = {"truth": truth}
        found = {"truth": self._figures(truth, truth, motion, (), None)}
        for name, way in ways.items():
            made = way.restore(shot)
            pictures[name] = made.pictures
            found[name] = self._figures(made.pictures, truth, motion, made.keyframes, made.seconds_per_frame)
        return found, pictures

    def seconds(self, rows: Sequence[Own], low: Sequence[Picture], size: tuple[int, int]) -> list[float]:
        """Seconds a frame of each row, estimated flow and all; in turns, so that all meet the same disturbance."""
        least = [float("inf")] * len(rows)
        for _ in range(_ROUNDS):
            for k, row in enumerate(rows):
                least[k] = min(least[k], self.time(row, low, size))
        return least

    def time(self, row: Own, low: Sequence[Picture], size: tuple[int, int]) -> float:
        """Seconds a frame, once."""
        choices, backend = row.choices("sr"), self.studio.model(row.model)
        backend.configure(steps=choices.steps, sampler=choices.sampler, options=dict(choices.model_options))
        flow, settings = FlowSource(get_estimator("dis")), ClipSettings(choices.method, size=size)
        started = time.perf_counter()
        for chunk in restore_clip((Frame(k, p, None) for k, p in enumerate(low)), backend, flow, settings):
            for _ in chunk:
                pass
        return (time.perf_counter() - started) / len(low)

    def _figures(
        self,
        clip: Sequence[Picture],
        truth: Sequence[Picture],
        motion: ReferenceMotion,
        keys: Sequence[int],
        seconds: float | None,
    ) -> Figures:
        pairs = list(zip(clip, truth, strict=True))
        return Figures(
            psnr=sum(still.psnr(a, b) for a, b in pairs) / len(pairs),
            p=float("nan") if self.distance is None else mean_distance(self.distance, clip, truth),
            detail=sum(still.detail_ratio(a, b) for a, b in pairs) / len(pairs),
            e_warp=motion.warping_error(clip).value,
            key_detail=key_detail(clip, truth, keys),
            seconds=seconds,
        )
