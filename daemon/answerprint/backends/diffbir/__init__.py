"""DiffBIR v2: Stable Diffusion 2.1 under a ControlNet that sees a first restoration, from its original files.

Lin et al., DiffBIR: Toward Blind Image Restoration with Generative Diffusion Prior, ECCV 2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from answerprint.backends.diffbir.components import Components

__all__ = ["load_components"]


def load_components(base: Mapping[str, Tensor], control: Mapping[str, Tensor], *, head_dim: int = 64) -> Components:
    """Networks of diffusers and transformers around the tensors of the two original checkpoints.

    `base` has the layout of a Stable Diffusion 2.1 checkpoint, `control` that of DiffBIR's ControlNet; either may be
    wrapped in "state_dict" or have its names begin with "module.". What else a training run saves in the base (the
    noise schedule, averages of weights) is left out. `head_dim` is the width of an attention head in all networks;
    every other size comes from the tensors' shapes.

    The networks are for inference, float32, on the device of the tensors, which they share where these are float32.
    Raises ModelError that names what is missing, unknown or of another shape.
    """
    from answerprint.backends.diffbir.components import (
        build,  # here, for it imports diffusers and transformers, which take seconds
    )

    return build(base, control, head_dim=head_dim)
