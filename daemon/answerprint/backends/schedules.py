"""diffusers' schedulers behind the method's `Schedule`: driven by predicted clean latents, with noise passed in."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from torch import Tensor

from answerprint.errors import InputError, ModelError
from answerprint.temporal.parametrisation import PARAMETRISATIONS

__all__ = ["SAMPLERS", "DiffusersSchedule", "DiffusionSchedule", "OneStep", "parse_eta"]

SAMPLERS = ("ddim", "ddpm", "dpm++", "dpm++sde")
"""ddim: deterministic; ddpm: ancestral, fresh noise at each step; dpm++: second-order, for few steps; dpm++sde: its
ancestral form."""


def parse_eta(text: str) -> float:
    """Parse the option eta. Raises InputError for an invalid value."""
    try:
        eta = float(text)
    except ValueError:
        eta = -1.0
    if not 0 <= eta <= 1:
        raise InputError(f"Invalid value for option eta: {text}.", "Valid: 0 to 1.")
    return eta


@dataclass(frozen=True, slots=True)
class OneStep:
    """Sampler of models that predict the clean latent in one step, without noise."""

    timestep: int
    """The network's timestep."""

    @property
    def timesteps(self) -> Sequence[int]:
        """The one timestep."""
        return (self.timestep,)

    @property
    def stochastic(self) -> bool:
        """False: no noise is used."""
        return False

    @property
    def from_noise(self) -> bool:
        """False: the start is zero."""
        return False

    def start(self, noise: Tensor) -> Tensor:
        """Zeros of the shape of `noise`, without allocating them."""
        return noise.new_zeros(()).expand(noise.shape)

    def model_input(self, x: Tensor, i: int) -> Tensor:
        """x itself."""
        return x

    def x0(self, output: Tensor, x: Tensor, i: int) -> Tensor:
        """The output itself."""
        return output

    def step(self, x0: Tensor, x: Tensor, i: int, noise: Tensor | None) -> Tensor:
        """The clean latent."""
        return x0


class DiffusionSchedule:
    """What samplers of diffusion models share: they begin with pure noise, and most add fresh noise at each step."""

    _timesteps: list[int]

    @property
    def timesteps(self) -> Sequence[int]:
        """The timesteps t, most noise first."""
        return self._timesteps

    @property
    def stochastic(self) -> bool:
        """True: fresh noise is used."""
        return True

    @property
    def from_noise(self) -> bool:
        """True: sampling starts from pure noise."""
        return True

    def start(self, noise: Tensor) -> Tensor:
        """x_T is standard normal."""
        return noise

    def model_input(self, x: Tensor, i: int) -> Tensor:
        """x itself: the samplers are variance-preserving."""
        return x


@contextmanager
def _without_numpy_warning() -> Iterator[None]:
    """diffusers 0.42 passes tensors to numpy in a way that numpy 2 deprecates; hide the warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
        yield


@dataclass(slots=True)
class DiffusersSchedule(DiffusionSchedule):
    """A diffusers sampler for one chunk.

    Ancestral DDPM is DDIM with eta = 1 (Song et al. 2021, section 4.1), which takes its noise as an argument;
    diffusers' DDPMScheduler draws its own.
    """

    config: dict[str, Any]
    """The scheduler configuration of the model's training."""
    sampler: str
    steps: int
    eta: float = 0.0
    """Share of ancestral noise in ddim, 0..1."""
    _scheduler: Any = field(init=False)
    _to_x0: Callable[[Tensor, Tensor, float], Tensor] = field(init=False)

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise InputError(f"Unknown sampler {self.sampler!r}.", f"Samplers: {', '.join(SAMPLERS)}.")
        if self.sampler == "ddpm":
            self.eta = 1.0
        # Configurations from before diffusers 0.9 lack it; every scheduler's default is epsilon.
        prediction = self.config.get("prediction_type", "epsilon")
        if prediction not in PARAMETRISATIONS:
            raise ModelError(f"The model has an unknown prediction type {prediction!r}.", "Download the model again.")
        self._to_x0 = PARAMETRISATIONS[prediction]
        try:
            self._scheduler = self._make()
            trained = int(self._scheduler.config.num_train_timesteps)
            if not 1 <= self.steps <= trained:
                raise InputError(f"The model does not support {self.steps} steps.", f"Choose 1 to {trained}.")
            with _without_numpy_warning():
                self._scheduler.set_timesteps(self.steps)
        # Measured: NotImplementedError for an unknown beta_schedule, ValueError for an unknown timestep_spacing,
        # TypeError for numbers given as text.
        except (TypeError, ValueError, NotImplementedError) as error:
            raise ModelError(f"Could not create the model's scheduler: {error}", "Download the model again.") from error
        self._timesteps = [int(t) for t in self._scheduler.timesteps]
        falls = all(a > b for a, b in pairwise(self._timesteps))
        if not falls or not 0 <= self._timesteps[-1] <= self._timesteps[0] < trained:
            # diffusers rounds the spacing, so close to the number of training steps some timesteps repeat or overrun.
            raise InputError(f"The sampler {self.sampler} does not support {self.steps} steps.", "Choose fewer steps.")

    def _make(self) -> Any:  # noqa: ANN401 - diffusers has no types
        # Imported here: diffusers takes seconds, and models of one step need none of its schedulers.
        if self.sampler in ("ddim", "ddpm"):
            from diffusers import DDIMScheduler

            return DDIMScheduler.from_config(self.config, prediction_type="sample")
        from diffusers import DPMSolverMultistepScheduler

        return DPMSolverMultistepScheduler.from_config(
            self.config,
            prediction_type="sample",
            algorithm_type="dpmsolver++" if self.sampler == "dpm++" else "sde-dpmsolver++",
            solver_order=2,
            final_sigmas_type="zero",
            # The cosine schedule's first log-SNR is out of the solver's range: clipped as diffusers recommends.
            lambda_min_clipped=-5.1 if self.config.get("beta_schedule") == "squaredcos_cap_v2" else -float("inf"),
        )

    @property
    def stochastic(self) -> bool:
        """Whether `step` uses fresh noise."""
        return self.sampler == "dpm++sde" or (self.sampler != "dpm++" and self.eta > 0)

    def start(self, noise: Tensor) -> Tensor:
        """x_T from standard normal noise."""
        return noise * float(self._scheduler.init_noise_sigma)

    def x0(self, output: Tensor, x: Tensor, i: int) -> Tensor:
        """Predicted clean latent, by the model's `prediction_type`."""
        abar = float(self._scheduler.alphas_cumprod[self._timesteps[i]])
        return self._to_x0(output, x, abar)

    def step(self, x0: Tensor, x: Tensor, i: int, noise: Tensor | None) -> Tensor:
        """x at step i + 1; steps must be in order. Without `noise` the step is deterministic."""
        if self.sampler in ("ddim", "ddpm"):
            return self._ddim_step(x0, x, i, noise)
        if self.sampler == "dpm++sde" and noise is None:
            noise = x.new_zeros(x.shape)
        out: Tensor = self._scheduler.step(x0, self._timesteps[i], x, variance_noise=noise).prev_sample
        return out

    def _ddim_step(self, x0: Tensor, x: Tensor, i: int, noise: Tensor | None) -> Tensor:
        """Eq. 12 and 16 of Song et al. 2021, from each timestep to the next one.

        diffusers' DDIMScheduler steps to t - T // n instead. If n does not divide T, that falls short of the next
        timestep, and residual noise accumulates: 25 % too much at 15 trailing steps, three times too much at 600. If n
        divides T, and with leading spacing at any n, both are the same.
        """
        scheduler, config = self._scheduler, self._scheduler.config
        last = i + 1 == len(self._timesteps)
        a = float(scheduler.alphas_cumprod[self._timesteps[i]])
        a_next = float(scheduler.final_alpha_cumprod if last else scheduler.alphas_cumprod[self._timesteps[i + 1]])
        eps = (x - a**0.5 * x0) / (1 - a) ** 0.5
        if config.thresholding:
            x0 = scheduler._threshold_sample(x0)
        elif config.clip_sample:
            x0 = x0.clamp(-config.clip_sample_range, config.clip_sample_range)
        variance = 0.0 if noise is None else self.eta**2 * (1 - a_next) / (1 - a) * (1 - a / a_next)
        out: Tensor = a_next**0.5 * x0 + max(1 - a_next - variance, 0.0) ** 0.5 * eps
        return out if noise is None else out + variance**0.5 * noise
