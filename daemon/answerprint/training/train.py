"""Train the second stage of tiny-x4: a conditional diffusion model that predicts the clean latent.

    python -m answerprint.training.train --photos FOLDER --work FOLDER --steps N

Needs the trained first stage: restorer.safetensors in `--work` (see training/restorer.py).
Resumes from `--work`; writes the EMA weights there whenever the loss on held-out photographs decreases.
The learning rate is constant, then decays to zero over the last 30 % of `--steps`: resume with a smaller number to
finish a run early.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler
from safetensors.torch import load_file, save_file
from torch import Tensor

from answerprint.backends.tiny import codec
from answerprint.backends.tiny.network import CONTEXT_WIDTH, SCHEDULER_CONFIG, build_network
from answerprint.backends.tiny.restorer import RESTORER_CONFIG, ResidualRestorer
from answerprint.training.pictures import PhotoSet, load_photos, pairs

__all__ = ["TrainingPlan", "main", "train_diffusion"]


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """All hyperparameters of the training run."""

    steps: int = 20_000
    batch: int = 8
    crop_px: int = 128
    learning_rate: float = 5e-4
    warmup_steps: int = 200
    decay_share: float = 0.3
    weight_decay: float = 1e-3
    ema: float = 0.999
    loss_weight_clip: float = 4.0
    texture_share: float = 0.08
    seed: int = 7


def _loss(
    network: torch.nn.Module, pictures: tuple[Tensor, Tensor, Tensor], t: Tensor, eps: Tensor, abar: Tensor, clip: float
) -> Tensor:
    """Mean of |x0 - x0_theta(x_t, t)|^2 / (1 - abar), the weight clipped at `clip`; pictures are good, low and base."""
    good, low, base = pictures
    x0 = codec.encode(good, base)
    a = abar[t].view(-1, 1, 1, 1)
    x_t = a.sqrt() * x0 + (1 - a).sqrt() * eps
    context = torch.zeros(len(t), 1, CONTEXT_WIDTH)
    predicted = network(torch.cat([x_t, codec.condition(low, base)], 1), t, context).sample
    weight = (1 / (1 - a)).clamp(max=clip)
    loss: Tensor = (weight * (predicted - x0).square()).mean()
    return loss


def _rate(step: int, plan: TrainingPlan) -> float:
    """Learning rate at `step`: warm-up, constant, then linear decay to zero over the last `decay_share` of the run."""
    start = plan.steps * (1 - plan.decay_share)
    decay = 1.0 if step < start else max(0.0, (plan.steps - step) / (plan.steps - start))
    return plan.learning_rate * min(1.0, (step + 1) / plan.warmup_steps) * decay


def train_diffusion(plan: TrainingPlan, photos: Path, work: Path) -> None:
    """Train to `plan.steps`, resuming from `work`. Raises ValueError if a photograph cannot be read."""
    work.mkdir(parents=True, exist_ok=True)
    photo_set, held_out = load_photos(photos)
    restorer = ResidualRestorer(**RESTORER_CONFIG).eval().requires_grad_(False)
    restorer.load_state_dict({k: v.float() for k, v in load_file(work / "restorer.safetensors").items()})

    def drawn(source: PhotoSet, rng: np.random.Generator, count: int, texture: float) -> tuple[Tensor, Tensor, Tensor]:
        good, low = pairs(source, rng, count, plan.crop_px, texture_share=texture)
        return good, low, restorer(low).clamp(-1, 1)

    torch.manual_seed(plan.seed)
    network = build_network().to(memory_format=torch.channels_last)
    average = {k: v.detach().clone() for k, v in network.state_dict().items()}
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, betas=(0.9, 0.99)
    )
    abar = DDIMScheduler.from_config(SCHEDULER_CONFIG).alphas_cumprod
    step, best = 0, float("inf")
    state_file = work / "state.pt"
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        average, step, best = state["average"], state["step"], state["best"]
    validation = drawn(held_out, np.random.default_rng(1), 32, 0.0)
    generator = torch.Generator().manual_seed(1)
    val_t = torch.linspace(20, 979, 32).long()
    val_eps = torch.randn(32, codec.LATENT_CHANNELS, plan.crop_px // 8, plan.crop_px // 8, generator=generator)

    started, losses = time.monotonic(), []
    while step < plan.steps:
        rng = np.random.default_rng((plan.seed, step))
        pictures = drawn(photo_set, rng, plan.batch, plan.texture_share)
        # Stratified timesteps: the same mean as independent draws, with less variance.
        t = torch.from_numpy(((np.arange(plan.batch) + rng.random(plan.batch)) * (1000 / plan.batch)).astype(np.int64))
        eps = torch.from_numpy(rng.standard_normal((plan.batch, *val_eps.shape[1:]), dtype=np.float32))
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, plan)
        loss = _loss(network, pictures, t, eps, abar, plan.loss_weight_clip)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        keep = min(plan.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            now = network.state_dict()
            for name, value in average.items():
                value.lerp_(now[name], 1 - keep)
        losses.append(float(loss.detach()))
        if step % 250 == 0 or step == plan.steps:
            live = {k: v.clone() for k, v in network.state_dict().items()}
            network.load_state_dict(average)
            with torch.no_grad():
                held = float(_loss(network, validation, val_t, val_eps, abar, plan.loss_weight_clip))
            network.load_state_dict(live)
            better = held < best
            best = min(best, held)
            temporary = state_file.with_suffix(".part")
            torch.save(
                {"network": live, "optimiser": optimiser.state_dict(), "average": average, "step": step, "best": best},
                temporary,
            )
            temporary.replace(state_file)
            if better:
                half = {k: v.half().contiguous() for k, v in average.items()}
                weights = work / "diffusion_pytorch_model.safetensors"
                save_file(half, weights.with_suffix(".part"), metadata={"format": "pt", "step": str(step)})
                weights.with_suffix(".part").replace(weights)
            rate = len(losses) / (time.monotonic() - started)
            line = {"step": step, "loss": round(float(np.mean(losses)), 4), "held_out": round(held, 4), "best": better,
                    "steps_per_second": round(rate, 2)}  # fmt: skip
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
            started, losses = time.monotonic(), []


def main(argv: list[str] | None = None) -> int:
    """Command line of the training program; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m answerprint.training.train", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs (see training/fetch.py)")
    parser.add_argument("--work", type=Path, required=True, help="folder for the training state and the best weights")
    parser.add_argument(
        "--steps", type=int, default=TrainingPlan().steps, help="total optimiser steps (default %(default)s)"
    )
    args = parser.parse_args(argv)
    train_diffusion(TrainingPlan(steps=args.steps), args.photos, args.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
