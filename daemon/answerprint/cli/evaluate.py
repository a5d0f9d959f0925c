"""`answerprint eval`."""

from __future__ import annotations

from argparse import REMAINDER, ArgumentParser, Namespace

from answerprint.cli.context import Context
from answerprint.cli.run_program import forward

__all__ = ["add_arguments", "run"]

_EPILOG = """\
Degrades good clips, restores them in several ways and compares each result with the original: PSNR and SSIM for
fidelity, a perceptual distance for visible quality, warping error and inter-frame difference for consistency.

  answerprint eval clips CLIP...      compare variants
  answerprint eval table N CLIP...    run the ablations of a table in the paper
  answerprint eval degrade CLIP OUT   only write the degraded clip
  answerprint eval clips --help       all options

example:
  answerprint eval clips good.mp4 --frames 24 --compare per-frame,consistent,nlmeans --report page
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("what", choices=["clips", "table", "degrade"], help="what to measure")
    parser.add_argument("rest", nargs=REMAINDER, metavar="...", help="clips and options")


def run(args: Namespace, context: Context) -> int:
    """Measure and return the exit code."""
    return forward("eval", [args.what, *args.rest], context)
