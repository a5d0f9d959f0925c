"""DiffBIR v2: Stable Diffusion 2.1 with a ControlNet conditioned on a first restoration, from its original files.

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
    """diffusers and transformers networks from the tensors of the two original checkpoints.

    `base` has the layout of a Stable Diffusion 2.1 checkpoint, `control` that of DiffBIR's ControlNet; either may be
    wrapped in "state_dict" or have names with the prefix "module.". Other training state in the base (noise schedule,
    averaged weights) is ignored. `head_dim` is the width of an attention head in all networks; all other sizes are read
    from the tensors' shapes.

    The networks are float32, in inference mode, on the device of the tensors; float32 tensors are shared.
    Raises ModelError naming tensors that are missing, unknown or of another shape.
    """
    from answerprint.backends.diffbir.components import (
        build,  # imported here: diffusers and transformers take seconds
    )

    return build(base, control, head_dim=head_dim)
