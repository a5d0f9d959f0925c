"""`answerprint bench`: the cost of consistency, compared with per-frame restoration in one run on one machine."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch
from torch.utils.flop_counter import FlopCounterMode

from answerprint.arguments import PlainParser
from answerprint.backends.base import Backend
from answerprint.backends.load import load
from answerprint.errors import AnswerprintError, JobFailedError
from answerprint.flow.cache import FlowCache
from answerprint.flow.registry import get_estimator
from answerprint.flow.source import FlowSource
from answerprint.frames import FrameRange, OutputSpec
from answerprint.media import open_reader, open_writer, probe
from answerprint.metrics import bench_stages
from answerprint.metrics.own import DEFAULT_MODEL
from answerprint.pipeline.restore_clip import ClipSettings, restore_clip, timed_frames
from answerprint.temporal.grid import Grid
from answerprint.temporal.matching import radius, search_window
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.text import spoken
from answerprint.worker.devices import choose_device, peak_memory_bytes, stopwatch

__all__ = ["Run", "main", "measure_run"]

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """Measurements of one variant."""

    label: str
    frames: int
    seconds_per_frame: float
    flops: float
    """Counted floating-point operations of the networks; 0 if not counted."""
    peak_memory_bytes: int | None
    """Peak of its process so far; belongs to this run only if it had its own process."""
    flow_hits: int
    flow_misses: int
    flow_seconds: float
    stages: dict[str, float] = field(default_factory=dict)
    """Seconds by stage."""


@dataclass(frozen=True, slots=True)
class BenchmarkRun:
    """Everything needed for one measured run, so that it can run in its own process."""

    label: str
    clip: Path
    frames: FrameRange
    method: MethodOptions
    batch: int
    model: str
    device: str
    steps: int
    seed: int
    cache: Path
    count_flops: bool = False


def measure_run(plan: BenchmarkRun, backend: Backend | None = None) -> Run:
    """Decode, restore and losslessly encode `plan.frames`, and measure it."""
    device = choose_device(plan.device)
    backend = backend or load(plan.model, device)
    backend.configure(steps=plan.steps or backend.info.default_steps, sampler=backend.info.samplers[0], options={})
    flow = FlowSource(get_estimator("dis"), FlowCache(plan.cache, 2**30))
    info, watch = probe(plan.clip), stopwatch(device)
    settings = ClipSettings(plan.method, seed=plan.seed, batch=plan.batch)
    size = (info.width * backend.info.scale, info.height * backend.info.scale)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    counter = FlopCounterMode(display=False) if plan.count_flops else None
    with tempfile.TemporaryDirectory() as folder:
        spec = OutputSpec.for_clip(info, plan.frames, "ffv1-rgb", size=size)
        started = time.perf_counter()
        with (
            open_writer(Path(folder) / "out.mkv", spec) as writer,
            open_reader(info, plan.frames) as reader,
            counter if counter is not None else nullcontext(),
        ):
            for chunk in restore_clip(timed_frames(reader, watch), backend, flow, settings, watch=watch):
                with watch.stage("write"):
                    for frame in chunk:
                        writer.write(frame.picture, frame.alpha)
        seconds = time.perf_counter() - started
    return Run(
        plan.label, len(plan.frames), seconds / len(plan.frames),
        float(counter.get_total_flops()) if counter is not None else 0.0,
        peak_memory_bytes(device), flow.hits, flow.misses, flow.seconds, dict(watch.seconds),
    )  # fmt: skip


def _measure_in_own_process(plan: BenchmarkRun) -> Run:
    """`measure_run` in a new process, so that its peak memory is its own."""
    return _in_own_process(measure_run, plan)


def _in_own_process(function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Run `function` in a new process and return its result. Raises JobFailedError if the process dies.

    A `multiprocessing.Pool` would wait forever for a process killed by the system.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(function, *args, **named).result()
        except BrokenProcessPool as error:
            raise JobFailedError(
                "A run was killed, most likely because memory ran out.", "Choose fewer --frames or a smaller --chunk."
            ) from error


def _consistency(args: argparse.Namespace) -> dict[str, object]:
    """Per-frame (the faster of batch 1 and batch F) and consistent, alternating, and again with a warm flow cache."""
    device = choose_device(args.device)
    backend = load(args.model, device)
    own = MethodOptions(chunk=args.chunk)
    frames = FrameRange(args.start, args.start + args.frames)
    with tempfile.TemporaryDirectory() as folder:

        def plan(
            label: str, method: MethodOptions, batch: int, seed: int = 0, *, flops: bool = False, size: int = 0
        ) -> BenchmarkRun:
            chosen = FrameRange(frames.start, frames.start + size) if size else frames
            cache = Path(folder) / label.replace(" ", "-")
            return BenchmarkRun(
                label, args.clip, chosen, method, batch, args.model, args.device, args.steps or 0, seed, cache, flops
            )

        ways = (
            ("per frame, batch 1", per_frame(own), 1),
            (f"per frame, batch {args.chunk}", per_frame(own), 0),
            ("consistent", own, 0),
        )
        measure_run(plan("warm up", own, 0, size=min(2, args.frames)), backend)
        runs: dict[str, list[Run]] = {}
        for _ in range(args.repeat):
            for label, method, batch in ways:
                runs.setdefault(label, []).append(measure_run(plan(label, method, batch), backend))
        again = measure_run(plan("consistent", own, 0, seed=1), backend)
        flops = {
            label: measure_run(plan(f"{label} flops", method, 0, flops=True, size=args.chunk), backend).flops
            for label, method in (("per frame", per_frame(own)), ("consistent", own))
        }
        # Two chunks: the state carried from the first to the second takes memory too.
        peaks = {
            label: _measure_in_own_process(
                plan(f"{label} alone", method, batch, size=min(2 * args.chunk, args.frames))
            ).peak_memory_bytes
            for label, method, batch in ways
        }
    best = {
        label: replace(min(rows, key=lambda r: r.seconds_per_frame), peak_memory_bytes=peaks[label])
        for label, rows in runs.items()
    }
    alone = min((r for label, r in best.items() if label != "consistent"), key=lambda r: r.seconds_per_frame)
    tied = best["consistent"]
    first = runs["consistent"][0]
    return {
        "runs": [asdict(r) for r in best.values()],
        "per_frame": alone.label,
        "seconds_ratio": tied.seconds_per_frame / alone.seconds_per_frame,
        "flop_ratio": flops["consistent"] / flops["per frame"],
        "second_seed_flow_misses": again.flow_misses,
        "flow_time_saved": 1 - again.flow_seconds / first.flow_seconds if first.flow_seconds else 1.0,
    }


def _memory(args: argparse.Namespace) -> dict[str, object]:
    """Peak memory of a long run relative to a short one, each in its own process."""
    own = MethodOptions(chunk=args.chunk)
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in (args.frames // 4, args.frames):
            frames = FrameRange(args.start, args.start + count)
            plan = BenchmarkRun(
                f"{count} frames", args.clip, frames, own, 0, args.model, args.device, args.steps or 0, 0, Path(folder)
            )
            peaks[plan.label] = _measure_in_own_process(plan).peak_memory_bytes
    short, long = peaks.values()
    return {"peak_memory_bytes": peaks, "ratio": long / short if long and short else None}


def _search(shape: tuple[int, int, int, int], reach: int) -> tuple[float, int]:
    """Seconds and additional peak bytes of one windowed search; run in its own process."""
    frames, height, width, channels = shape
    source = torch.randn(frames - 1, height * width, channels, generator=torch.Generator().manual_seed(0))
    key = torch.randn(height * width, channels, generator=torch.Generator().manual_seed(1))
    grid = Grid(height, width, float(height), float(width))
    search_window(source[:, : 8 * width], key[: 8 * width], Grid(8, width, 8.0, float(width)), reach, radius(grid, 0))
    before = peak_memory_bytes(torch.device("cpu")) or 0
    started = time.perf_counter()
    search_window(source, key, grid, reach, radius(grid, 0))
    return time.perf_counter() - started, (peak_memory_bytes(torch.device("cpu")) or 0) - before


def _matching(args: argparse.Namespace) -> dict[str, object]:
    """One cosine layer at 1920x1080: 240 x 135 tokens, 10 frames, 320 channels."""
    shape = (10, 135, 240, 320)
    seconds, extra = _in_own_process(_search, shape, MethodOptions().window)
    frames, height, width, _ = shape
    full = (frames - 1) * (height * width) ** 2 * 4
    return {"tokens": height * width, "extra_bytes": extra, "full_matrix_bytes": full, "seconds": seconds}


def _parser() -> argparse.ArgumentParser:
    parser = PlainParser(prog="answerprint bench", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    stages = commands.add_parser(
        "stages",
        help="time per frame by stage, consistent and per-frame, for a model and a size",
        description="Time per frame by stage, for a model, size and options.",
        epilog=bench_stages.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    bench_stages.add_arguments(stages)
    stages.add_argument("--json", action="store_true", help="print JSON")
    texts = {
        "consistency": "time, operations and memory, consistent and per-frame",
        "memory": "peak memory of a long clip relative to a short one",
        "matching": "peak memory of one token search at 1920x1080",
    }
    for name, text in texts.items():
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        if name != "matching":
            command.add_argument("clip", type=Path, metavar="CLIP", help="low-resolution clip")
            default = 24 if name == "consistency" else 96
            command.add_argument("--frames", type=int, default=default, help="frames (default: %(default)s)")
            command.add_argument("--start", type=int, default=0, help="first frame (default: %(default)s)")
            command.add_argument("--chunk", type=int, default=8, help="frames per chunk (default: %(default)s)")
            command.add_argument("--steps", type=int, help="sampler steps (default: the model's)")
            command.add_argument("--model", default=DEFAULT_MODEL, help="model (default: %(default)s)")
            command.add_argument("--device", default="cpu", help="device (default: %(default)s)")
        if name == "consistency":
            command.add_argument("--repeat", type=int, default=2, help="runs of each; the fastest counts")
        command.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _text(name: str, figures: dict[str, object]) -> str:
    """The figures as text."""
    lines = []
    runs = figures.get("runs")
    if isinstance(runs, list):
        stages = sorted({stage for run in runs for stage in run["stages"]})
        lines.append(f"{'':22s}{'s/frame':>9s}{'peak':>10s}" + "".join(f"{stage[:14]:>15s}" for stage in stages))
        for run in runs:
            cells = "".join(f"{run['stages'].get(stage, 0.0) / run['frames']:15.4f}" for stage in stages)
            peak = _number(run["peak_memory_bytes"])
            lines.append(f"{run['label']:22s}{run['seconds_per_frame']:9.3f}{peak:>10s}{cells}")
    for key, value in figures.items():
        if key == "runs":
            continue
        if isinstance(value, dict):
            lines += [f"{key}, {k}: {_number(k2)}" for k, k2 in value.items()]
        else:
            lines.append(f"{key}: {_number(value)}")
    return f"bench {name}\n" + "\n".join(lines) + "\n"


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, int) and value > 10**6:
        return f"{value / 2**20:.0f} MiB"
    return str(value)


def main(argv: Sequence[str]) -> int:
    """Entry point of the benchmark child; returns the exit code."""
    benches = {
        "stages": bench_stages.measure_stages,
        "consistency": _consistency,
        "memory": _memory,
        "matching": _matching,
    }
    try:
        args = _parser().parse_args(argv)
        figures = benches[args.command](args)
    except AnswerprintError as error:
        sys.stderr.write(spoken(error))
        return error.exit_code
    to_text = bench_stages.report_text if args.command == "stages" else partial(_text, args.command)
    sys.stdout.write(json.dumps(figures) + "\n" if args.json else to_text(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
