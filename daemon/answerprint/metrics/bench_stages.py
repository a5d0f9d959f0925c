"""`answerprint bench stages`: time per frame by stage, for a model, size and options."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from answerprint.api.clip_ref import ClipRef
from answerprint.api.request import RestoreRequest
from answerprint.backends.base import number_type
from answerprint.backends.load import load
from answerprint.errors import InputError
from answerprint.frames import Frame, FrameRange
from answerprint.media import open_reader, probe
from answerprint.metrics.own import DEFAULT_MODEL
from answerprint.metrics.stages import CONSISTENT, PER_FRAME, Spent, drawn_clip, spend, stage_table
from answerprint.pipeline.choices import resolve
from answerprint.pipeline.restore_clip import ClipSettings
from answerprint.temporal.options import per_frame
from answerprint.text import counted
from answerprint.worker.devices import choose_device
from answerprint.worker.loading import tiles_for
from answerprint.worker.threads import use_threads

__all__ = ["EPILOG", "add_arguments", "measure_stages", "report_text"]

EPILOG = """\
Columns are milliseconds per frame: per-frame restoration (the faster of one by one and a chunk at a time) and
consistent restoration. Stages: flow, motion estimation; fuse, frame averaging; encode and decode latents, the
codec; network, without attention; attention; matching of tokens; warp; noise; rest, everything else.
Reading and writing files is not measured.

examples:
  answerprint bench stages --model tiny-x4 --size 160x90
  answerprint bench stages clip.mov --size 480x270 --option quality=draft --threads 4
"""
_DRAWN_SIZE = (160, 90)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("clip", nargs="?", type=Path, metavar="CLIP", help="clip (default: a synthetic moving one)")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="model (default: %(default)s)")
    parser.add_argument("--task", help="the model's task (default: its first)")
    parser.add_argument(
        "--size", metavar="WxH", help="size of the source (default: the clip's; 160x90 for the synthetic one)"
    )
    parser.add_argument("--frames", type=int, default=12, help="frames (default: %(default)s)")
    parser.add_argument("--start", type=int, default=0, help="first frame of the clip (default: %(default)s)")
    parser.add_argument("--chunk", type=int, help="frames per chunk (default: the model's)")
    parser.add_argument("--steps", type=int, help="sampler steps (default: the model's)")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="as for `answerprint restore`; repeatable"
    )
    parser.add_argument("--device", default="cpu", help="device (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: one per core)")
    parser.add_argument("--repeat", type=int, default=2, help="runs of each variant; the fastest counts (default: 2)")


def measure_stages(args: argparse.Namespace) -> dict[str, object]:
    """Measure each variant. Raises InputError and ModelError."""
    _check(args)
    use_threads(args.threads)
    device = choose_device(args.device)
    backend = load(args.model, device)
    request = RestoreRequest(
        ClipRef("in"), "out", model=args.model, task=args.task or backend.info.tasks[0], chunk=args.chunk,
        steps=args.steps, options=_options(args.option),
    )  # fmt: skip
    choices = resolve(request, backend.info)
    backend.configure(steps=choices.steps, sampler=choices.sampler, options=dict(choices.model_options))
    clip = _clip(args)
    info = backend.info
    settings = ClipSettings(choices.method, tiles=tiles_for(info, info.tile_cells))
    alone = replace(settings, method=per_frame(choices.method))
    ways = {f"{PER_FRAME}, one by one": replace(alone, batch=1), PER_FRAME: alone, CONSISTENT: settings}
    spend("warm up", clip[:2], backend, settings)
    # Alternating, so that other load on the machine affects all variants alike.
    runs = [(label, spend(label, clip, backend, way)[0]) for _ in range(args.repeat) for label, way in ways.items()]
    best = {label: min((r for name, r in runs if name == label), key=lambda r: r.seconds) for label in ways}
    *alones, tied = best.values()
    one = min(alones, key=lambda r: r.seconds)
    return {
        "model": args.model,
        "device": str(device),
        "number_type": number_type(backend),
        "threads": torch.get_num_threads(),
        "source": "x".join(str(side) for side in reversed(clip[0].picture.shape[:2])),
        "frames": len(clip),
        "steps": choices.steps,
        "ways": [asdict(way) for way in (one, tied)],
        "seconds_ratio": tied.seconds / one.seconds,
    }


def report_text(figures: Mapping[str, object]) -> str:
    """The figures as text: settings, a table of stages, and the ratio."""
    ways = figures["ways"]
    if not isinstance(ways, list):
        raise TypeError("the figures have no variants")
    rows = stage_table([Spent(**way) for way in ways])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [f"{name}: {value}" for name, value in figures.items() if name not in ("ways", "seconds_ratio")]
    lines += ["", *("  ".join([row[0].ljust(widths[0]), *_right(row[1:], widths[1:])]) for row in rows)]
    return "\n".join([*lines, "", f"consistent / per frame: {figures['seconds_ratio']:.2f}"]) + "\n"


def _right(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]


def _check(args: argparse.Namespace) -> None:
    """Raise InputError for invalid numbers."""
    for name, least in (("frames", 2), ("start", 0), ("repeat", 1), ("threads", 0)):
        if getattr(args, name) < least:
            raise InputError(f"Invalid value {getattr(args, name)} for --{name}.", f"Use {least} or more.")


def _options(texts: Sequence[str]) -> dict[str, str]:
    """Options by name. Raises InputError."""
    found = {}
    for each in texts:
        name, sign, value = each.partition("=")
        if not sign:
            raise InputError(f"{each!r} is not an option.", "Write NAME=VALUE.")
        found[name] = value
    return found


def _clip(args: argparse.Namespace) -> list[Frame]:
    """The frames, at the requested size. Raises InputError and what reading raises."""
    size = None if args.size is None else _size(args.size)
    if args.clip is None:
        return drawn_clip(args.frames, *(size or _DRAWN_SIZE))
    info = probe(args.clip)
    stop = min(args.start + args.frames, info.frames)
    if stop - args.start < 2:
        raise InputError(
            f"{args.clip.name} has only {counted(info.frames, 'frame')}, too few from {args.start} on.",
            "Choose a smaller --start.",
        )
    with open_reader(info, FrameRange(args.start, stop)) as reader:
        return [frame if size is None else _resized(frame, size) for frame in reader]


def _resized(frame: Frame, size: tuple[int, int]) -> Frame:
    picture = cv2.resize(frame.picture, size, interpolation=cv2.INTER_AREA)
    return Frame(frame.index, np.ascontiguousarray(picture, np.float32), None)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise InputError(f"{text!r} is not a size.", "Write WIDTHxHEIGHT, such as 480x270.")
    return int(width), int(height)
