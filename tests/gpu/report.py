"""How the program does on a graphics card, in one call of at most eight minutes: `make report-gpu`.

Models of the published sizes with random weights, drawn on the card: how long a frame takes consistent and per frame,
how much memory, in which stages the time goes, and how far results in 16 bits are from those in 32. Nothing is fetched
and no file of a model is read. Each row is written to `report.json` and `report.md` in the folder OUT as soon as it is
measured, so what a lost machine had done is not lost.

In a checkout that is not installed, where torch with CUDA, diffusers, transformers, NumPy and OpenCV are there:

  cd tests && PYTHONPATH=../daemon:. python3 -m gpu.report --out /tmp/report-gpu
  cd tests && PYTHONPATH=../daemon:. python3 -m gpu.report --out /tmp/try --tiny --device cpu    (to try it, anywhere)
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from answerprint.backends.base import Backend
from answerprint.errors import AnswerprintError
from answerprint.worker.devices import DeviceMemory, choose_device
from answerprint.worker.memory_fallbacks import is_out_of_memory
from gpu.budget import Budget
from gpu.full_size import MODELS, Model
from gpu.measuring import NoTimeError, Size, compare_precisions, compare_ways
from gpu.writing import Report

__all__ = ["Piece", "main", "measure", "pieces"]

SECONDS = 450.0
"""Of all rows; the rest of eight minutes is for starting and for the last row's rounding."""
SIZES = (Size("480x854", 854, 480), Size("1080p", 1920, 1080))
TINY_SIZES = (Size("480x854", 64, 48), Size("1080p", 96, 64))
"""Under the same names, so that the same rows come out."""

_LIBRARIES = ("diffusers", "transformers", "numpy", "opencv-python-headless")


@dataclass(frozen=True, slots=True)
class Piece:
    """A row to measure."""

    model: Model
    size: Size
    kind: str
    """`ways`, consistent beside per frame, or `precisions`."""
    weight: float
    """Of its share of the time."""


def pieces(models: Sequence[Model], sizes: Sequence[Size]) -> list[Piece]:
    """All rows, model by model, so that one is in memory at a time."""
    small, large = sizes
    return [
        piece
        for model in models
        for piece in (
            Piece(model, small, "ways", 2.0),
            Piece(model, small, "precisions", 1.0),
            Piece(model, large, "ways", 6.0),
        )
    ]


def measure(
    todo: Sequence[Piece], device: torch.device, budget: Budget, make: Callable[[Model], Backend]
) -> Iterator[dict[str, Any]]:
    """Row after row; one that fails or has no time left says so, and those after it are measured."""
    backend: Backend | None = None
    held: Model | None = None
    for piece in todo:
        share, begun = budget.share(piece.weight), budget.spent
        row: dict[str, Any] = {"model": piece.model.name, "size": piece.size.name, "kind": piece.kind}
        try:
            if budget.left <= 0:
                raise NoTimeError("none is left")
            if held is not piece.model or backend is None:
                backend = None
                DeviceMemory(device).release()
                backend, held = make(piece.model), piece.model
                row["build_seconds"] = round(budget.spent - begun, 2)
            if piece.kind == "ways":
                row |= compare_ways(piece.model, backend, piece.size, share - (budget.spent - begun))
            else:
                row |= compare_precisions(piece.model, backend, piece.size)
        except NoTimeError as reason:
            row["skipped"] = f"no time: {reason}"
        except Exception as error:  # noqa: BLE001 - the other rows are still wanted, whatever a library raised here
            row["failed"] = _words(error)
        if "failed" in row:  # the except block has ended: the exception kept the tensors alive
            DeviceMemory(device).release()
        row["seconds"] = round(budget.spent - begun, 2)
        yield row


def _words(error: Exception) -> str:
    first = str(error).partition("\n")[0]
    return f"out of memory: {first}" if is_out_of_memory(error) else f"{type(error).__name__}: {first}"


def about(device: torch.device) -> dict[str, Any]:
    """The machine and the libraries: what figures are worth nothing without."""
    cuda = device.type == "cuda"
    properties = torch.cuda.get_device_properties(device) if cuda else None
    return {
        "device": properties.name if properties is not None else platform.processor() or platform.machine(),
        "memory_gib": properties.total_memory / 2**30 if properties is not None else None,
        "driver": _driver() if cuda else None,
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda,
        "cudnn": _cudnn() if cuda else None,
        "tf32": {"matmul": torch.backends.cuda.matmul.allow_tf32, "cudnn": torch.backends.cudnn.allow_tf32},
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "libraries": dict(_versions()),
    }


def _cudnn() -> str:
    return str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]


def _driver() -> str:
    """Version of the driver, as its own tool says it."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return said.splitlines()[0].strip() if said.strip() else "unknown"


def _versions() -> Iterator[tuple[str, str]]:
    for name in _LIBRARIES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            yield name, "not installed under this name"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="report-gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where report.json and report.md go")
    parser.add_argument("--device", default="cuda", help="device (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="time for all rows (default: %(default)g)")
    parser.add_argument("--tiny", action="store_true", help="small models and pictures, to try the script")
    names = [model.name for model in MODELS]
    parser.add_argument(
        "--only", nargs="+", choices=names, default=names, metavar="MODEL", help=f"of {', '.join(names)} (default: all)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; 0 when every row was measured and no bar missed, 1 otherwise, 2 for wrong arguments."""
    args = _parser().parse_args(argv)
    try:
        device = choose_device(args.device)
    except AnswerprintError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sizes = TINY_SIZES if args.tiny else SIZES
    todo = pieces([model for model in MODELS if model.name in args.only], sizes)
    report = Report(args.out, about(device) | {"tiny": args.tiny, "seconds": args.seconds})
    budget = Budget(args.seconds, sum(piece.weight for piece in todo))
    for row in measure(todo, device, budget, lambda model: model.make(device, args.tiny)):
        sys.stdout.write(report.add(row) + "\n")
        sys.stdout.flush()
    report.finish(budget.spent)
    sys.stdout.write(f"{args.out / 'report.md'}\n")
    return 0 if report.all_well else 1


if __name__ == "__main__":
    sys.exit(main())
