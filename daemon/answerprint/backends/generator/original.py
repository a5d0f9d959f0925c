"""Convert one file of a restoration network, of any supported architecture, to the files of a model."""

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
    """Write weights and configuration into `folder`; the numbers are copied unchanged.

    Networks that are not built in need spandrel. Raises ModelError if the file is not a restoration network with a
    scale of 1 to 4, contains NaN or infinity, or needs a package that is not installed.
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
    """Description of a built-in network, for users."""
    if config["kind"] == "rrdb":
        return f"RRDBNet (ESRGAN), {config['blocks']} blocks, {config['features']} features"
    return f"SRVGGNetCompact (Real-ESRGAN), {config['convolutions']} convolutions, {config['features']} features"
