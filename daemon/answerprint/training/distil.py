"""Distil Real-ESRGAN x4plus into a smaller network: swift-x4 (6 blocks), swift-x4-draft (compact), tiny-x4 (diffusion).

    python -m answerprint.training.distil swift-x4 --photos FOLDER --work FOLDER

The student is trained on the teacher's results and on the original photographs. For noisy examples the teacher's input
is the average of several noisy copies, and the student's is one of them. The losses are L1 and ST-LPIPS with the VGG
backbone; validation is ST-LPIPS with the Alex backbone to undegraded held-out photographs.

A run resumes from `--work`, and writes the EMA weights there whenever they validate better than all before, including
the initial ones. The learning rate decays to zero at `--steps`: resume with a smaller number to finish a run early.
Several students may train at once in the same `--work`; they share the teacher's results.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import nn

from answerprint.errors import AnswerprintError, InputError
from answerprint.text import spoken
from answerprint.training.fetch import measures_folder
from answerprint.training.judging import PerceptualLoss, judge, load_trunk
from answerprint.training.pictures import load_photos
from answerprint.training.pool import Pool
from answerprint.training.student import STUDENTS, Training
from answerprint.training.teacher import X4PLUS, load_published

__all__ = ["improves", "main", "pick_examples", "train_student"]

_SEED = 23
_CROP_PX = 40
_TEXTURE_SHARE = 0.06
_POOL = 1500
_FIRST, _STEPS_PER_EXAMPLE = 12, 4
_HELD_OUT = 16


def pick_examples(step: int, batch: int, made: int = 0) -> tuple[list[int], list[int]]:
    """Numbers and orientations of the examples of `step`: a new one every few steps, the others from earlier ones.

    If `made` examples already exist, left by other students, all of them are used, and new ones only when due.
    """
    rng = np.random.default_rng((_SEED, 2, step))
    due = min(_POOL, _FIRST + step // _STEPS_PER_EXAMPLE)
    numbers = [int(n) for n in rng.integers(0, max(made, due), batch)]
    if made <= due < _POOL and step % _STEPS_PER_EXAMPLE == 0:
        numbers[0] = due
    return numbers, [int(t) for t in rng.integers(0, 8, batch)]


def improves(figures: Mapping[str, float], best: float, plain: Mapping[str, float]) -> bool:
    """Whether weights validate better than the `best` so far.

    ST-LPIPS does not see blocks of the size of a source pixel, so they must also be closer to the teacher's results, in
    PSNR, than the `plain` enlargement.
    """
    return figures["p"] < best and figures["psnr_teacher"] > plain["psnr_teacher"]


def train_student(
    name: str, photos: Path, work: Path, measures: Path, steps: int | None = None
) -> Iterator[dict[str, object]]:
    """Train student `name` up to `steps`, resuming from `work`; yields metrics at regular intervals.

    `measures` is the folder of ST-LPIPS's files. Raises InputError, and ModelError if the teacher is not available.
    """
    student = STUDENTS[name]
    steps = steps or student.steps
    home, models = work / name, work / "models"
    for folder in (home, models):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        photo_set, held_out = load_photos(photos)
    except ValueError as e:
        raise InputError(f"Cannot train on {photos}: {e}.", "Download photographs: see training/fetch.py.") from e
    measure, perceptual = load_trunk("alex", measures), PerceptualLoss(load_trunk("vgg", measures))
    x4plus = load_published(X4PLUS, models)
    pool = Pool(work / "pool", photo_set, x4plus, seed=_SEED, crop_px=_CROP_PX, texture_share=_TEXTURE_SHARE)
    judged = Pool(work / "held-out", held_out, x4plus, seed=_SEED + 1, crop_px=_CROP_PX, texture_share=0.0)
    examples = [judged.batch([number]) for number in range(_HELD_OUT)]
    training = Training(student, student.way.load(student.source, models), _SEED)
    plain = judge(nn.Upsample(scale_factor=4, mode="bicubic"), examples, measure)
    state = home / "state.pt"
    if state.exists():
        training.load(state)
    else:
        start = judge(training.restorer(), examples, measure)
        training.best = start["p"]
        yield {"teacher": judge(x4plus, examples, measure), "bicubic": plain, "start": start}
    losses, started = [], time.monotonic()
    while training.step < steps:
        losses.append(
            training.advance(pool.batch(*pick_examples(training.step, student.batch, pool.made())), perceptual, steps)
        )
        if training.step % student.report_every == 0 or training.step == steps:
            figures = judge(training.restorer(), examples, measure)
            better = improves(figures, training.best, plain)
            training.best = figures["p"] if better else training.best
            training.save(state)
            if better:
                training.export(home / "diffusion_pytorch_model.safetensors")
            seconds = (time.monotonic() - started) / len(losses)
            yield {"step": training.step, "loss": round(float(np.mean(losses)), 4), **figures, "best": better,
                   "seconds_per_step": round(seconds, 2)}  # fmt: skip
            losses, started = [], time.monotonic()


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the distillation; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m answerprint.training.distil",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("student", choices=tuple(STUDENTS))
    parser.add_argument("--photos", type=Path, required=True, help="photographs (see training/fetch.py)")
    parser.add_argument("--work", type=Path, required=True, help="folder for results, training state and weights")
    parser.add_argument("--steps", type=int, default=None, help="total optimiser steps (default: the student's)")
    parser.add_argument("--measures", type=Path, default=None, help="ST-LPIPS's files (default: the program's cache)")
    args = parser.parse_args(argv)
    try:
        for line in train_student(args.student, args.photos, args.work, args.measures or measures_folder(), args.steps):
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
    except AnswerprintError as error:
        sys.stderr.write(spoken(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
