"""Train the first stage of tiny-x4: L1 regression from degraded low-resolution pictures to good ones.

    python -m answerprint.training.restorer --photos FOLDER --work FOLDER --steps N

Resumes from `--work`; writes restorer.safetensors there whenever the error on held-out photographs decreases.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from answerprint.backends.tiny.restorer import RESTORER_CONFIG, ResidualRestorer
from answerprint.training.pictures import load_photos, pairs

__all__ = ["main", "train_restorer"]

_RATE = 1e-3
_BATCH = 8
_CROP_PX = 128
_EMA = 0.998
_SEED = 11


def train_restorer(photos: Path, work: Path, steps: int) -> None:
    """Train to `steps`; the learning rate decays to zero over the last third."""
    work.mkdir(parents=True, exist_ok=True)
    photo_set, held_out = load_photos(photos)
    torch.manual_seed(_SEED)
    network = ResidualRestorer(**RESTORER_CONFIG)
    average = {k: v.detach().clone() for k, v in network.state_dict().items()}
    optimiser = torch.optim.Adam(network.parameters(), lr=_RATE)
    step, best = 0, float("inf")
    state_file = work / "restorer.pt"
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        average, step, best = state["average"], state["step"], state["best"]
    val_good, val_low = pairs(held_out, np.random.default_rng(1), 48, _CROP_PX, texture_share=0.0)
    started, since = time.monotonic(), step
    while step < steps:
        good, low = pairs(photo_set, np.random.default_rng((_SEED, step)), _BATCH, _CROP_PX)
        decay = min(1.0, (steps - step) / (steps / 3))
        for group in optimiser.param_groups:
            group["lr"] = _RATE * decay * min(1.0, (step + 1) / 100)
        loss = F.l1_loss(network(low), good)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimiser.step()
        step += 1
        keep = min(_EMA, (1 + step) / (10 + step))
        with torch.no_grad():
            now = network.state_dict()
            for name, value in average.items():
                value.lerp_(now[name], 1 - keep)
        if step % 200 == 0 or step == steps:
            judge = ResidualRestorer(**RESTORER_CONFIG)
            judge.load_state_dict(average)
            with torch.no_grad():
                error = float((judge(val_low) - val_good).square().mean())
                plain = F.interpolate(val_low, scale_factor=4.0, mode="bicubic", align_corners=False)
                gain = 10 * np.log10(float((plain - val_good).square().mean()) / error)
            better, best = error < best, min(best, error)
            state = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "average": average}
            torch.save(state | {"step": step, "best": best}, state_file.with_suffix(".part"))
            state_file.with_suffix(".part").replace(state_file)
            if better:
                weights = work / "restorer.safetensors"
                half = {k: v.half().contiguous() for k, v in average.items()}
                save_file(half, weights.with_suffix(".part"), metadata={"format": "pt", "step": str(step)})
                weights.with_suffix(".part").replace(weights)
            rate = (step - since) / (time.monotonic() - started)
            line = {"step": step, "gain_db": round(gain, 3), "best": better, "steps_per_second": round(rate, 2)}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


def main(argv: list[str] | None = None) -> int:
    """Command line of the training program; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m answerprint.training.restorer", description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs (see training/fetch.py)")
    parser.add_argument("--work", type=Path, required=True, help="folder for the training state and the best weights")
    parser.add_argument("--steps", type=int, default=4000, help="total optimiser steps (default %(default)s)")
    args = parser.parse_args(argv)
    train_restorer(args.photos, args.work, args.steps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
