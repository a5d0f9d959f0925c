"""Which models there are: those of the package, the user's, and those known but not on this computer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from answerprint.home import models_folder

from .manifest import MANIFEST
from .verify import PACKAGE_FOLDER

__all__ = ["KNOWN", "KnownModel", "model_folders"]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that can be used once its files are in the user's model folder."""

    name: str
    family: str
    licence: str
    summary: str
    scale: int
    files: str
    """Which files it needs, in words, for the remedy of an error."""


KNOWN = (
    KnownModel(
        name="ldm-sr-x4",
        family="ldm_sr",
        licence="Apache-2.0",
        summary="latent diffusion 4x super-resolution by CompVis (OpenImages); wants a GPU",
        scale=4,
        files="the folder that diffusers' LDMSuperResolutionPipeline saves (model_index.json, unet, vqvae, scheduler), "
        "with .safetensors weights",
    ),
)
"""Named here so that asking for one says what is missing."""


def model_folders() -> dict[str, Path]:
    """Folder by model name. A user's folder cannot take the name of a model of the package."""
    found: dict[str, Path] = {}
    for root in (PACKAGE_FOLDER, models_folder()):
        if not root.is_dir():
            continue
        for folder in sorted(root.iterdir()):
            if (folder / MANIFEST).is_file():
                found.setdefault(folder.name, folder)
    return found
