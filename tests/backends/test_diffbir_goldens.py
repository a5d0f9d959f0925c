"""DiffBIR's networks from their original files compute what the original networks computed."""

from __future__ import annotations

import pytest

from answerprint.backends.diffbir.spaced import SCHEDULERS, SpacedSchedule, alphas_cumprod, spaced_timesteps
from backends.report_diffbir import Output, measure, recorded, told


@pytest.fixture(scope="module")
def outputs() -> list[Output]:
    return list(measure())


def test_every_recorded_output_is_within_what_is_accepted(outputs: list[Output]) -> None:
    assert [output for output in outputs if not output.fits] == []
    computed = {output.name.removeprefix("wavelet ") for output in outputs}
    inputs = {"x_t", "cond_latent", "timesteps", "context", "uncond_context", "image", "vae_z", "clip_tokens"}
    inputs |= {"step_x_t", "step_eps", "step_noise", "traj_x_T", "traj_noise"}
    assert set(recorded()) - inputs <= computed, "an output was recorded and is not compared"


def test_difference_that_is_too_far_or_no_number_does_not_fit() -> None:
    assert Output("eps", 1e-5, 1e-5).fits
    assert not any(Output("eps", wrong, 1e-5).fits for wrong in (2e-5, float("nan")))


def test_noise_schedule_and_its_spacing_are_the_recorded_ones() -> None:
    sampler = told("sampler.json")
    abar = alphas_cumprod(SCHEDULERS["v2"]).tolist()
    assert abar[:3] + abar[-3:] == pytest.approx(
        sampler["alphas_cumprod"]["first"] + sampler["alphas_cumprod"]["last"], rel=1e-12
    )
    assert list(SpacedSchedule(SCHEDULERS["v2"], 50).timesteps) == sampler["timesteps_sampling_order"]
    for steps, timesteps in sampler["spaced_timesteps_ascending"].items():
        assert spaced_timesteps(int(steps), 1000) == timesteps
    for row in sampler["rows_at_index"]:
        assert abar[row["timestep"]] == pytest.approx(row["alpha_cumprod"], rel=1e-12)
