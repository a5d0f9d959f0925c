"""Flow-fused input: noise goes, the picture stays, and frames that show something else have no say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from answerprint.temporal.fusion import fuse_frames, limited, neighbours
from answerprint.temporal.protocols import Correspondence

FRAMES = 8
SIZE = (48, 64)


@dataclass
class Shifts:
    """Motion of frames that each show the same scene, moved by whole pixels."""

    per_frame: float = 0.0
    asked: list[tuple[int, int]] = field(default_factory=list)

    def flow(self, source: int, target: int) -> Tensor:
        self.asked.append((source, target))
        flow = torch.zeros(2, *SIZE)
        flow[0] = self.per_frame * (target - source)
        return flow

    def between(self, source: int, target: int) -> Correspondence:
        raise AssertionError("fusion judges pictures, not the flow's round trip")

    def likeness(self, frames: Sequence[int]) -> Sequence[float]:
        return [0.0] * len(frames)


def scene(shift: int = 0) -> Tensor:
    """Clean frames [F, 3, h, w] of a smooth scene that moves by `shift` pixels a frame."""
    rough = torch.rand(1, 3, 9, 20, generator=torch.Generator().manual_seed(1))
    wide = F.interpolate(rough, size=(SIZE[0], SIZE[1] + FRAMES * abs(shift)), mode="bicubic").clamp(0.1, 0.9)[0]
    return torch.stack([wide[..., k * shift : k * shift + SIZE[1]] for k in range(FRAMES)])


def noisy(clean: Tensor, sigma: float) -> Tensor:
    """`clean` with white noise of `sigma`, on the 0..255 scale."""
    return clean + sigma / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))


def error(frames: Tensor, clean: Tensor) -> float:
    """Root mean square, on the 0..255 scale, away from the border, where a neighbour does not reach."""
    return 255 * float((frames - clean)[..., 8:-8].square().mean().sqrt())


def test_a_clean_clip_passes_unchanged() -> None:
    clean = scene(1)
    fused = fuse_frames(clean, range(FRAMES), Shifts(-1.0), "strong")
    assert torch.equal(fused.frames, clean)
    assert fused.noise < 0.2 / 255


@pytest.mark.parametrize("sigma", [2.0, 10.0, 50.0])
@pytest.mark.parametrize("shift", [0, 1])
def test_noise_falls_by_nearly_the_root_of_the_frames_that_take_part(sigma: float, shift: int) -> None:
    clean = scene(shift)
    fused = fuse_frames(noisy(clean, sigma), range(FRAMES), Shifts(-float(shift)), "strong")
    assert fused.noise * 255 == pytest.approx(sigma, rel=0.15)
    count = 5 if sigma < 5 else FRAMES
    assert error(fused.frames, clean) < 1.25 * sigma / count**0.5


def test_weak_fusion_takes_less() -> None:
    clean = scene()
    low = noisy(clean, 10)
    weak, strong = (fuse_frames(low, range(FRAMES), Shifts(), kind).frames for kind in ("weak", "strong"))
    assert error(strong, clean) < error(weak, clean) < error(low, clean)


def test_off_leaves_the_frames_and_still_tells_their_noise() -> None:
    low = noisy(scene(), 10)
    fused = fuse_frames(low, range(FRAMES), Shifts(), "off")
    assert torch.equal(fused.frames, low)
    assert fused.noise * 255 == pytest.approx(10, rel=0.15)


def test_flat_noisy_places_count_although_the_flow_fails_its_round_trip_there() -> None:
    """Noise of sigma 50 on a flat wall: no flow is right there, and none is needed."""
    clean = torch.full((FRAMES, 3, *SIZE), 0.5)
    fused = fuse_frames(noisy(clean, 50), range(FRAMES), Shifts(3.0), "strong")
    assert error(fused.frames, clean) < 0.5 * 50


def test_what_comes_into_view_leaves_no_ghost() -> None:
    """A bright square stands in one frame alone: neither does it fade there, nor does it show in another frame."""
    clean = torch.full((FRAMES, 3, *SIZE), 0.3)
    clean[3, :, 16:32, 24:40] = 0.8
    fused = fuse_frames(noisy(clean, 5), range(FRAMES), Shifts(), "strong").frames
    assert float(fused[3, :, 20:28, 28:36].mean()) == pytest.approx(0.8, abs=0.01)
    others = [k for k in range(FRAMES) if k != 3]
    assert float((fused[others][:, :, 16:32, 24:40].mean((1, 2, 3)) - 0.3).abs().max()) < 0.01


def test_copies_that_a_codec_made_do_not_hide_the_noise_of_other_places() -> None:
    low = noisy(scene(), 8)
    low[:, :, :, :20] = low[:1, :, :, :20]
    fused = fuse_frames(low, range(FRAMES), Shifts(), "strong")
    assert fused.noise * 255 == pytest.approx(8, rel=0.3)


def test_what_changes_all_over_a_part_of_the_picture_is_no_noise() -> None:
    """Broad stripes that come and go on a still ground, as in titles and charts."""
    clean = torch.full((FRAMES, 3, *SIZE), 0.2)
    for k in range(FRAMES):
        for bit in range(3):
            clean[k, ..., 8 * bit : 8 * bit + 8] += 0.6 * ((k >> bit) & 1)
    fused = fuse_frames(clean, range(FRAMES), Shifts(), "strong")
    assert torch.equal(fused.frames, clean)
    assert fused.noise == 0


def test_a_part_that_moves_as_no_flow_says_is_no_noise() -> None:
    clean = torch.full((FRAMES, 3, *SIZE), 0.5)
    for k in range(FRAMES):
        clean[k, :, :24, :32] = torch.rand(3, 24, 32, generator=torch.Generator().manual_seed(k))
    fused = fuse_frames(clean, range(FRAMES), Shifts(), "strong")
    assert torch.equal(fused.frames, clean)


@pytest.mark.parametrize("sigma", [0.0, 4.0])
def test_a_fade_is_no_noise(sigma: float) -> None:
    light = torch.linspace(0.7, 1.0, FRAMES)[:, None, None, None]
    faded = noisy(scene() * light, sigma)
    fused = fuse_frames(faded, range(FRAMES), Shifts(), "strong")
    assert 255 * fused.noise == pytest.approx(sigma, abs=0.8)
    then, now = (frames.mean(dim=(1, 2, 3)) for frames in (faded, fused.frames))
    assert 255 * float((then - now).abs().max()) < 1.0


def test_only_near_frames_are_asked_for_where_there_is_little_noise() -> None:
    quiet, loud = Shifts(), Shifts()
    fuse_frames(noisy(scene(), 2), range(FRAMES), quiet, "strong")
    fuse_frames(noisy(scene(), 20), range(FRAMES), loud, "strong")
    assert max(abs(a - b) for a, b in quiet.asked) == 4  # of a frame at the border
    assert len(set(loud.asked)) == FRAMES * (FRAMES - 1)
    assert len(loud.asked) == len(set(loud.asked))


def test_a_single_frame_is_left_alone_and_its_noise_guessed() -> None:
    low = noisy(torch.full((1, 3, *SIZE), 0.5), 10)
    fused = fuse_frames(low, [7], Shifts(), "strong")
    assert torch.equal(fused.frames, low)
    # The luma of three channels of independent noise has less than one of them.
    assert 5 < fused.noise * 255 < 10
    assert fuse_frames(low[..., :1, :1], [7], Shifts(), "strong").noise == 0.0


def test_neighbours_are_the_nearest_also_at_the_border() -> None:
    assert neighbours(7, 8, 4) == [6, 5, 4, 3]
    assert neighbours(3, 8, 4) == [2, 4, 1, 5]
    assert neighbours(0, 2, 4) == [1]


def test_values_that_are_no_numbers_do_not_spread() -> None:
    low = torch.full((2, 3, 4, 4), 0.5)
    low[0, 0, 0, 0], low[0, 0, 1, 1], low[1, 0, 0, 0] = float("nan"), float("inf"), -3.0
    found = limited(low)
    assert (float(found[0, 0, 0, 0]), float(found[0, 0, 1, 1]), float(found[1, 0, 0, 0])) == (0.0, 1.0, 0.0)
