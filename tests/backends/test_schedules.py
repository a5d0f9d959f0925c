"""Stepping on predicted clean latents is what diffusers' schedulers do with any other prediction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from torch import Tensor

from answerprint.backends.schedules import DiffusersSchedule, parse_eta
from answerprint.backends.tiny.network import SCHEDULER_CONFIG
from answerprint.errors import InputError, ModelError
from answerprint.temporal.parametrisation import x0_from_epsilon, x0_from_sample, x0_from_v
from backends.builders import LDM_SCHEDULER

# diffusers' own DPM-Solver, used here as the reference, trips over numpy 2; `DiffusersSchedule` keeps it to itself.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SHAPE = (2, 3, 8, 8)
LINEAR = {**LDM_SCHEDULER, "timestep_spacing": "leading"}
OFFSET = {**LINEAR, "steps_offset": 1}
COSINE = {**SCHEDULER_CONFIG, "prediction_type": "epsilon"}
CLIPPED = {**LINEAR, "clip_sample": True}
CONFIGS = {"linear": LINEAR, "offset": OFFSET, "cosine": COSINE, "clipped": CLIPPED}


def network(x: Tensor, t: int) -> Tensor:
    """A smooth stand-in whose output looks like noise: of unit size, and dependent on x and t."""
    return torch.tanh(x) + 0.3 * torch.sin(3 * x + t / 100)


def noise_at(i: int) -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(100 + i))


def ours(config: dict[str, Any], sampler: str, steps: int, eta: float = 0.0) -> list[Tensor]:
    schedule = DiffusersSchedule(config, sampler, steps, eta)
    x, trail = schedule.start(noise_at(-1)), []
    for i, t in enumerate(schedule.timesteps):
        x = schedule.step(schedule.x0(network(x, t), x, i), x, i, noise_at(i))
        trail.append(x)
    return trail


def theirs(scheduler: Any, steps: int, step: Callable[[Any, Tensor, Any, Tensor, int], Tensor]) -> list[Tensor]:  # noqa: ANN401
    scheduler.set_timesteps(steps)
    x, trail = noise_at(-1) * scheduler.init_noise_sigma, []
    for i, t in enumerate(scheduler.timesteps):
        x = step(scheduler, network(x, int(t)), t, x, i)
        trail.append(x)
    return trail


def furthest(a: list[Tensor], b: list[Tensor]) -> float:
    """Largest difference at any step, relative to the size of x there."""
    assert len(a) == len(b)
    return max(float((p - q).abs().max() / q.abs().max().clamp(min=1)) for p, q in zip(a, b, strict=True))


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_on_clean_latents_is_ddim_on_noise(name: str, eta: float) -> None:
    scheduler = DDIMScheduler.from_config(CONFIGS[name])

    def step(s: Any, out: Tensor, t: Any, x: Tensor, i: int) -> Tensor:  # noqa: ANN401
        result: Tensor = s.step(out, t, x, eta=eta, variance_noise=noise_at(i) if eta else None).prev_sample
        return result

    assert furthest(ours(CONFIGS[name], "ddim", 10, eta), theirs(scheduler, 10, step)) <= 1e-5


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("sampler", ["dpm++", "dpm++sde"])
@pytest.mark.parametrize("steps", [4, 20])
def test_dpm_solver_on_clean_latents_is_dpm_solver_on_noise(name: str, sampler: str, steps: int) -> None:
    config = CONFIGS[name]
    scheduler = DPMSolverMultistepScheduler.from_config(
        config,
        algorithm_type="dpmsolver++" if sampler == "dpm++" else "sde-dpmsolver++",
        final_sigmas_type="zero",
        lambda_min_clipped=-5.1 if name == "cosine" else -float("inf"),
    )

    def step(s: Any, out: Tensor, t: Any, x: Tensor, i: int) -> Tensor:  # noqa: ANN401
        result: Tensor = s.step(out, t, x, variance_noise=noise_at(i)).prev_sample
        return result

    assert furthest(ours(config, sampler, steps), theirs(scheduler, steps, step)) <= 1e-5


@pytest.mark.parametrize("name", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [7, 10, 50])
def test_ddpm_sampler_walks_the_path_of_ddpm(name: str, steps: int) -> None:
    """Ancestral sampling is DDIM with eta 1; diffusers' DDPMScheduler draws the same noise from a generator."""
    config = {**CONFIGS[name], "set_alpha_to_one": True}
    ddpm = DDPMScheduler.from_config(config, variance_type="fixed_small")

    def step(s: Any, out: Tensor, t: Any, x: Tensor, i: int) -> Tensor:  # noqa: ANN401
        result: Tensor = s.step(out, t, x, generator=torch.Generator().manual_seed(100 + i)).prev_sample
        return result

    assert furthest(ours(config, "ddpm", steps), theirs(ddpm, steps, step)) <= 1e-5


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_step_counts_that_do_not_divide_the_schedule_leave_no_noise_behind(sampler: str) -> None:
    """Narrow Gaussian data with its ideal denoiser: the result never spreads wider than the data.

    diffusers' own DDIMScheduler spreads it 3.3 times as wide at 600 steps.
    """
    abars, spread = DDIMScheduler.from_config(COSINE).alphas_cumprod, 0.05
    found = []
    for steps in (12, 15, 60, 150, 600):
        schedule = DiffusersSchedule({**COSINE, "prediction_type": "sample"}, sampler, steps)
        generator = torch.Generator().manual_seed(steps)
        x = torch.randn(100, 100, generator=generator)
        for i, t in enumerate(schedule.timesteps):
            a = float(abars[t])
            x0 = a**0.5 * spread**2 / (a * spread**2 + 1 - a) * x
            x = schedule.step(x0, x, i, torch.randn(x.shape, generator=generator) if schedule.stochastic else None)
        found.append(float(x.std()) / spread)
    assert max(found) <= 1.02
    assert found == sorted(found), "more steps come closer"


@pytest.mark.parametrize("abar", [0.999, 0.5, 0.01])
def test_parametrisations_agree_on_the_clean_latent(abar: float) -> None:
    x0, eps = noise_at(0), noise_at(1)
    x = abar**0.5 * x0 + (1 - abar) ** 0.5 * eps
    v = abar**0.5 * eps - (1 - abar) ** 0.5 * x0
    assert (x0_from_epsilon(eps, x, abar) - x0).abs().max() <= 1e-5
    assert (x0_from_v(v, x, abar) - x0).abs().max() <= 1e-5
    assert torch.equal(x0_from_sample(x0, x, abar), x0)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "dpm++", "dpm++sde"])
def test_schedules_of_all_predictions_take_the_same_path(sampler: str) -> None:
    trails = []
    for kind in ("epsilon", "v_prediction", "sample"):
        schedule = DiffusersSchedule({**COSINE, "prediction_type": kind}, sampler, 10)
        abars = DDIMScheduler.from_config(COSINE).alphas_cumprod
        x, trail = noise_at(-1), []
        for i, t in enumerate(schedule.timesteps):
            a = float(abars[t])
            x0 = torch.tanh(x)
            eps = (x - a**0.5 * x0) / (1 - a) ** 0.5
            out = {"epsilon": eps, "sample": x0, "v_prediction": a**0.5 * eps - (1 - a) ** 0.5 * x0}[kind]
            x = schedule.step(schedule.x0(out, x, i), x, i, noise_at(i))
            trail.append(x)
        trails.append(trail)
    # At the first steps abar is 2e-6 and epsilon is divided by its root: single precision gives no more there.
    assert furthest(trails[1], trails[2]) <= 1e-5
    assert furthest(trails[0], trails[2]) <= 1e-3


def test_configuration_without_a_prediction_type_predicts_noise() -> None:
    """The published LDM-SR's is that old."""
    assert "prediction_type" not in LDM_SCHEDULER
    a = ours(LDM_SCHEDULER, "ddim", 5)
    b = ours({**LDM_SCHEDULER, "prediction_type": "epsilon"}, "ddim", 5)
    assert furthest(a, b) == 0


def test_schedulers_that_no_sampler_can_be_made_from_are_model_errors() -> None:
    for damage in ({"prediction_type": "flow"}, {"beta_schedule": "wave"}, {"timestep_spacing": "tight"}):
        with pytest.raises(ModelError):
            DiffusersSchedule({**LINEAR, **damage}, "ddim", 5)


def test_step_counts_that_the_spacing_cannot_give_are_refused() -> None:
    """diffusers would repeat timestep 1 here a thousand times, or look beyond the last training step."""
    for sampler, steps in (("dpm++", 1000), ("ddim", 1000), ("ddim", 0), ("ddim", 1001)):
        with pytest.raises(InputError):
            DiffusersSchedule(OFFSET, sampler, steps)
    assert len(DiffusersSchedule(LINEAR, "ddim", 1000).timesteps) == 1000


def test_eta_is_a_share() -> None:
    assert parse_eta("0.25") == 0.25
    for text in ("", "-0.1", "1.01", "nan", "inf", "much"):
        with pytest.raises(InputError):
            parse_eta(text)


def test_eta_belongs_to_ddim_alone() -> None:
    stochastic = {s: DiffusersSchedule(LINEAR, s, 5, eta=0.5).stochastic for s in ("ddim", "ddpm", "dpm++", "dpm++sde")}
    assert stochastic == {"ddim": True, "ddpm": True, "dpm++": False, "dpm++sde": True}
