"""The files of a model, made of one file of a restoration network, whatever its names and architecture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from answerprint.backends.generator.adapter import CONFIG, FOREIGN, WEIGHTS, check_numbers
from answerprint.backends.generator.foreign import ForeignNetwork
from answerprint.backends.generator.layouts import own_config, renamed

__all__ = ["arrange"]


def arrange(checkpoint: Path, folder: Path) -> None:
    """Write weights and configuration into `folder`; the numbers are copied as they are.

    A network of ours needs nothing else; any other needs spandrel, and is built for it. Raises ModelError for what is
    no restoration network of 1 to 4 times, holds values that are no numbers, or needs a package that is not here.
    """
    state = load_file(checkpoint)
    check_numbers(state, "The file")
    own = renamed(state)
    config = own_config(own)
    if config is None:
        network = ForeignNetwork(state)
        config = {"kind": FOREIGN, "scale": network.scale, "about": network.about}
    else:
        state = own
        config |= {"about": _about(config)}
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n")


def _about(config: dict[str, Any]) -> str:
    """What a network of ours is, for people."""
    if config["kind"] == "rrdb":
        return f"RRDBNet (ESRGAN), {config['blocks']} blocks, {config['features']} features"
    return f"SRVGGNetCompact (Real-ESRGAN), {config['convolutions']} convolutions, {config['features']} features"
