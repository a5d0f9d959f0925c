"""Distillation learns, goes on where it stopped, keeps held-out photographs apart, and writes weights that load."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler
from safetensors.torch import load_file
from torch import nn

from answerprint.backends.generator.network import GeneratorNetwork
from answerprint.backends.tiny import codec
from answerprint.backends.tiny.network import NETWORK_CONFIG, SCHEDULER_CONFIG
from answerprint.metrics.shift_tolerant import ShiftTolerantNetwork
from answerprint.training import distil
from answerprint.training.judging import PerceptualLoss, judge
from answerprint.training.pictures import HELD_OUT, PhotoSet, load_photos
from answerprint.training.pool import Batch, Pool
from answerprint.training.student import STUDENTS, Student, Training
from answerprint.training.ways import Diffusion, Generator
from answerprint.weights.published_models import find_known

CONFIG = {"kind": "compact", "features": 8, "convolutions": 2}
SMALL = Student(MappingProxyType(CONFIG), "", batch=2, rate=2e-3, steps=40, report_every=10, warmup_steps=2)
UNET = NETWORK_CONFIG | {"block_out_channels": (32, 64), "attention_head_dim": (1, 2)}
SMALL_DIFFUSION = replace(SMALL, config=MappingProxyType(UNET), way=Diffusion())


class Doubler(nn.Module):
    """A teacher that enlarges, and counts how often it is asked."""

    asked = 0

    def forward(self, low: torch.Tensor) -> torch.Tensor:
        """[B, 3, 4h, 4w]."""
        self.asked += 1
        return F.interpolate(low, scale_factor=4.0, mode="bicubic")


class Difference(nn.Module):
    """Mean absolute difference as a measure."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """[B]."""
        return (a - b).abs().mean((1, 2, 3))


def _photographs(folder: Path, *names: str, level: int | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(len(names))
    for name in names:
        picture = rng.integers(0, 256, (40, 40, 3), np.uint8)
        large = cv2.resize(picture, (320, 320), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / name), large if level is None else np.full_like(large, level))
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> PhotoSet:
    folder = _photographs(tmp_path / "photographs", "one.png", "two.png")
    return PhotoSet(sorted(folder.iterdir()))


@pytest.fixture
def pool(tmp_path: Path, shelf: PhotoSet) -> Pool:
    return Pool(tmp_path / "pool", shelf, Doubler(), seed=1, crop_px=16, texture_share=0.0)


def _training(student: Student = SMALL) -> Training:
    torch.manual_seed(3)
    return Training(student, student.way.build(student.config), seed=1)


kinds = pytest.mark.parametrize("student", [SMALL, SMALL_DIFFUSION], ids=["generator", "diffusion"])


@kinds
def test_a_few_steps_lower_the_loss_of_a_batch(pool: Pool, student: Student) -> None:
    training, batch = _training(student), pool.batch([0, 1])
    losses = [training.advance(batch, None, 200) for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.8 * losses[0]


@kinds
def test_a_run_that_was_put_aside_goes_on_as_if_it_had_not_been(tmp_path: Path, pool: Pool, student: Student) -> None:
    whole, first, second = (_training(student) for _ in range(3))
    for step in range(6):
        whole.advance(pool.batch([step, 7]), None, 6)
        if step < 3:
            first.advance(pool.batch([step, 7]), None, 6)
    first.save(tmp_path / "state.pt")
    second.load(tmp_path / "state.pt")
    assert (second.step, second.best) == (3, first.best)
    for step in range(3, 6):
        second.advance(pool.batch([step, 7]), None, 6)
    for name, value in whole.average.items():
        torch.testing.assert_close(second.average[name], value, rtol=0, atol=0)


def test_brightness_is_the_truths_where_the_teacher_is_darker(pool: Pool) -> None:
    batch = pool.batch([0, 1])
    dark = replace(batch, target=batch.good - 0.15)
    shifts = []
    for coarse in (0.0, 4.0):
        torch.manual_seed(3)
        student = replace(SMALL, coarse=coarse)
        training = Training(student, GeneratorNetwork.from_config(dict(CONFIG)), seed=1)
        for _ in range(80):
            training.advance(dark, None, 80)
        with torch.inference_mode():
            shifts.append(float((training.restorer()(batch.low) - batch.good).mean()))
    assert abs(shifts[1]) < 0.02
    assert shifts[0] < -0.04


@pytest.mark.parametrize(("repeats", "wanted"), [(True, 10 * 0.02), (False, 0.0)], ids=["a grid", "noise"])
def test_a_grid_costs_more_than_noise_as_strong(pool: Pool, repeats: bool, wanted: float) -> None:
    class Drawing(Generator):
        def learn(self, network: nn.Module, batch: Batch, rng: np.random.Generator) -> torch.Tensor:
            signs = np.random.default_rng(1).choice([-0.02, 0.02], (8, 8) if repeats else batch.good.shape[-2:])
            drawn = torch.from_numpy(np.tile(signs, (8, 8) if repeats else (1, 1)).astype(np.float32))
            return batch.good + drawn + 0 * next(network.parameters()).sum()

    losses = [
        _training(replace(SMALL, lattice=weight, way=Drawing())).advance(pool.batch([0]), None, 9) for weight in (0, 10)
    ]
    assert losses[1] - losses[0] == pytest.approx(wanted, abs=0.03)


def test_the_rate_rises_and_then_falls_to_nothing() -> None:
    training = _training()
    rates = []
    for training.step in range(41):
        rates.append(training.rate(40))
    assert rates[0] < rates[1] == max(rates) <= SMALL.rate
    assert rates[40] == pytest.approx(0.0, abs=1e-12)
    assert all(a >= b for a, b in pairwise(rates[1:]))


def test_exported_weights_are_half_precision_and_load_within_rounding(tmp_path: Path) -> None:
    training = _training()
    training.export(tmp_path / "weights.safetensors")
    kept = load_file(tmp_path / "weights.safetensors")
    assert {value.dtype for value in kept.values()} == {torch.float16}
    network = GeneratorNetwork.from_config(dict(CONFIG))
    network.load_state_dict({k: v.float() for k, v in kept.items()})
    low = torch.rand(1, 3, 12, 12)
    with torch.inference_mode():
        torch.testing.assert_close(network(low), training.restorer()(low), rtol=0, atol=2e-3)


def test_a_diffusion_student_is_judged_by_the_same_picture_every_time() -> None:
    training, low = _training(SMALL_DIFFUSION), torch.rand(1, 3, 12, 16)
    with torch.inference_mode():
        one, two = (training.restorer()(low) for _ in range(2))
    assert one.shape == (1, 3, 48, 64)
    torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_most_examples_of_the_diffusion_student_are_almost_all_noise(pool: Pool) -> None:
    """Few-step sampling decides the picture there."""
    seen: list[int] = []

    class Listening(nn.Module):
        def forward(
            self, x: torch.Tensor, t: torch.Tensor, context: torch.Tensor, return_dict: bool
        ) -> tuple[torch.Tensor]:
            seen.extend(int(each) for each in t)
            return (x[:, : codec.LATENT_CHANNELS],)

    batch = pool.batch([0, 1, 2])
    for step in range(100):
        Diffusion().learn(Listening(), batch, np.random.default_rng(step))
    assert 0 <= min(seen) < 500
    assert 990 <= max(seen) < 1000
    assert np.mean(np.array(seen) > 750) == pytest.approx(1 - 0.75**3, abs=0.05)


def test_what_the_diffusion_student_learns_from_is_the_teachers_picture_under_noise(pool: Pool) -> None:
    """A network that takes all noise away gives the teacher's picture back."""

    class Oracle(nn.Module):
        def forward(
            self, x: torch.Tensor, t: torch.Tensor, context: torch.Tensor, return_dict: bool
        ) -> tuple[torch.Tensor]:
            a = DDIMScheduler.from_config(SCHEDULER_CONFIG).alphas_cumprod[t].view(-1, 1, 1, 1)
            eps = np.random.default_rng(5)
            eps.random(len(t))
            noise = torch.from_numpy(
                eps.standard_normal((len(t), *x[:, : codec.LATENT_CHANNELS].shape[1:]), np.float32)
            )
            return ((x[:, : codec.LATENT_CHANNELS] - (1 - a).sqrt() * noise) / a.sqrt(),)

    batch = pool.batch([0, 1, 2])
    drawn = Diffusion().learn(Oracle(), batch, np.random.default_rng(5))
    torch.testing.assert_close(drawn, batch.target, rtol=0, atol=2e-3)


@pytest.mark.parametrize(("name", "most"), [("swift-x4", 10e6), ("swift-x4-draft", 1.5e6), ("tiny-x4", 24e6)])
def test_students_in_half_precision_are_small_enough_to_ship(name: str, most: float) -> None:
    network = STUDENTS[name].way.build(STUDENTS[name].config)
    assert 2 * sum(p.numel() for p in network.parameters()) < most


def test_held_out_photographs_are_never_drawn(tmp_path: Path) -> None:
    """The held-out ones here are white and the others grey: no crop to train on is white, every judged one is."""
    folder = _photographs(tmp_path / "p", "grey.png", "also.png", level=90)
    _photographs(folder, *HELD_OUT, level=255)
    train, held_out = load_photos(folder)
    rng = np.random.default_rng(1)
    assert {int(train.crop(64, rng).max()) for _ in range(30)} == {90}
    assert min(int(held_out.crop(64, rng).min()) for _ in range(30)) >= 253


def test_the_teacher_is_asked_once_for_an_example(tmp_path: Path, shelf: PhotoSet) -> None:
    teacher = Doubler()
    pool = Pool(tmp_path / "kept", shelf, teacher, seed=1, crop_px=16, texture_share=0.0)
    first, again = pool.batch([0, 1]), pool.batch([0, 1])
    assert teacher.asked == 2
    torch.testing.assert_close(first.target, again.target, rtol=0, atol=0)
    assert first.target.shape == first.good.shape == (2, 3, 64, 64)


@pytest.mark.parametrize("turn", range(8))
def test_input_and_targets_are_turned_alike(pool: Pool, turn: int) -> None:
    batch = pool.batch([3], [turn])
    small = F.interpolate(batch.target, size=(16, 16), mode="area")
    assert float((small - batch.cleaner).abs().mean()) < 0.03


def test_examples_that_others_left_are_drawn_at_once_and_none_is_made_until_they_are_too_few() -> None:
    numbers = {number for step in range(40) for number in distil.pick_examples(step, 4, made=30)[0]}
    assert max(numbers) == 29
    assert len(numbers) > 22
    assert distil.pick_examples(4 * (30 - 12), 4, made=30)[0][0] == 30


def test_examples_are_counted_whole(tmp_path: Path, pool: Pool) -> None:
    assert pool.made() == 0
    pool.batch([0, 5])
    (tmp_path / "pool" / "000007.123.part.npz").touch()
    assert pool.made() == 2


def test_examples_are_those_that_were_new_before() -> None:
    new = set(range(12))
    for step in range(60):
        numbers, turns = distil.pick_examples(step, 4)
        new |= {12 + step // 4} if step % 4 == 0 else set()
        assert set(numbers) <= new
        assert len(turns) == 4


def test_weights_that_draw_blocks_are_no_better_whatever_the_judge_says() -> None:
    """Figures of a compact student that fell back to its nearest enlargement: P fell, and so did PSNR."""
    plain = {"p": 0.3904, "psnr_teacher": 25.0}
    assert not distil.improves({"p": 0.3177, "psnr_teacher": 24.36}, 0.3537, plain)
    assert distil.improves({"p": 0.3177, "psnr_teacher": 25.3}, 0.3537, plain)
    assert not distil.improves({"p": 0.36, "psnr_teacher": 25.3}, 0.3537, plain)


def test_the_perceptual_loss_has_a_slope_everywhere_and_none_at_the_goal() -> None:
    torch.manual_seed(1)
    network = ShiftTolerantNetwork("vgg")
    for value in network.state_dict().values():
        torch.nn.init.constant_(value, 1.0) if value.ndim < 2 else torch.nn.init.normal_(value, 0.0, 0.05)
    loss = PerceptualLoss(network.eval().requires_grad_(False), layers=2)
    drawn, goal = torch.zeros(1, 3, 32, 32, requires_grad=True), torch.rand(1, 3, 32, 32)
    (to_goal, to_itself) = loss(drawn, goal, drawn.detach())
    assert float(to_itself.detach()) == 0.0
    torch.autograd.backward(to_goal.sum())
    assert drawn.grad is not None
    assert bool(drawn.grad.isfinite().all())
    assert float(drawn.grad.abs().max()) > 0


def test_the_judge_sees_a_picture_that_is_too_bright() -> None:
    class Brighter(nn.Module):
        def forward(self, low: torch.Tensor) -> torch.Tensor:
            return F.interpolate(low, scale_factor=4.0) + 2 / 255

    low = torch.rand(1, 3, 8, 8) * 0.8
    good = F.interpolate(low, scale_factor=4.0)
    batch = Batch(low, low, good, good)
    figures = judge(Brighter(), [batch], Difference())
    assert figures["shift"] == pytest.approx(2.0, abs=1e-3)
    assert figures["psnr_teacher"] == pytest.approx(20 * np.log10(255 / 2), abs=0.01)


def test_missing_weights_of_the_measure_are_named_with_their_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photographs = _photographs(tmp_path / "p", "one.png", *HELD_OUT)
    arguments = ["swift-x4", "--photos", str(photographs), "--work", str(tmp_path / "w")]
    assert distil.main([*arguments, "--measures", str(tmp_path)]) == 2
    message, remedy = capsys.readouterr().err.splitlines()
    assert "does not contain the weights of ST-LPIPS" in message
    assert "training.fetch measures" in remedy


def test_no_photographs_is_an_error_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p").mkdir()
    arguments = ["swift-x4", "--photos", str(tmp_path / "p"), "--work", str(tmp_path / "w")]
    assert distil.main([*arguments, "--measures", str(tmp_path)]) == 2
    assert "no photograph is large enough" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["swift-x4", "swift-x4-draft"])
def test_a_student_has_the_shape_of_what_it_starts_from(name: str) -> None:
    """So each tensor has a place, and none is left as it was drawn."""
    known = find_known(STUDENTS[name].source)
    published = next(file.content for file in known.files if file.name == "config.json")
    assert published is not None
    networks = [GeneratorNetwork.from_config(dict(config)) for config in (published, STUDENTS[name].config)]
    first, second = ({k: v.shape for k, v in network.state_dict().items()} for network in networks)
    assert first == second


def test_the_diffusion_student_starts_as_the_embedded_model(tmp_path: Path) -> None:
    student = STUDENTS["tiny-x4"]
    shapes = [
        {k: v.shape for k, v in network.state_dict().items()}
        for network in (student.way.load(student.source, tmp_path), student.way.build(student.config))
    ]
    assert shapes[0] == shapes[1]


def test_help_says_what_is_learnt_and_how_to_resume(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        distil.main(["--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert "resumes from `--work`" in told
    assert json.dumps(list(STUDENTS))[2:10] in told
