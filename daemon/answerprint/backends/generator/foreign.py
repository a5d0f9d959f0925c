"""Restoration networks of others, as spandrel knows them: told by their tensors, and driven like our own."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from answerprint.backends.generator.network import GeneratorNetwork
from answerprint.errors import ModelError
from answerprint.optional import how_to_install

__all__ = ["ForeignNetwork"]

_SCALES = (1, 2, 3, 4)
_REMEDY = "Import a network that restores or enlarges colour pictures, as spandrel lists them."


class ForeignNetwork(GeneratorNetwork):
    """A network of spandrel's; results lie in [0, 1].

    It computes in single precision: some architectures keep numbers where no change of precision finds them.
    """

    single = True

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        """The network that a state dict belongs to, whatever its architecture.

        Raises ModelError for one that is unknown, restores no colour pictures or enlarges otherwise than 1 to 4 times,
        and where spandrel cannot be used.
        """
        super().__init__()
        found = _read(state)
        _check(found)
        self.scale, self.multiple_of = int(found.scale), int(found.size_requirements.multiple_of)
        self.about = " ".join([found.architecture.name, *found.tags])
        self.model = found.model
        self._call = found

    def forward(self, low: Tensor) -> Tensor:
        """Restore; spandrel pads what is smaller than the network can take."""
        restored: Tensor = self._call(low)
        return restored


def _read(state: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - spandrel is optional
    spandrel = _spandrel()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # architectures that call torch as it was called once
            return spandrel.ModelLoader().load_from_state_dict({name: _single(each) for name, each in state.items()})
    # Measured: UnsupportedModelError for unknown names; KeyError, ValueError, RuntimeError, IndexError,
    # AttributeError, TypeError and AssertionError for known names with parts missing or of other shapes.
    except (
        *(spandrel.UnsupportedModelError, KeyError, ValueError, RuntimeError, IndexError),
        *(AttributeError, TypeError, AssertionError, ZeroDivisionError),
    ) as error:
        raise ModelError("The file is of no restoration network that is known.", _REMEDY) from error


def _single(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _check(found: Any) -> None:  # noqa: ANN401
    """Raise ModelError unless the method can drive it."""
    name = found.architecture.name
    if found.purpose not in ("SR", "Restoration"):
        raise ModelError(f"{name} is a network for {found.purpose}, and needs more than a picture.", _REMEDY)
    if (found.input_channels, found.output_channels) != (3, 3):
        raise ModelError(
            f"This {name} takes {found.input_channels} channels and gives {found.output_channels}; colour has 3.",
            _REMEDY,
        )
    if found.scale not in _SCALES:
        raise ModelError(f"This {name} enlarges {found.scale} times; 1 to 4 times can be used.", _REMEDY)
    if found.size_requirements.square:
        raise ModelError(f"This {name} takes square pictures only.", _REMEDY)


def _spandrel() -> Any:  # noqa: ANN401
    try:
        return importlib.import_module("spandrel")
    # Measured: RuntimeError from a torchvision that was built for another torch.
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            "The file is of no network of Answerprint's own; to know those of others the packages spandrel and "
            f"torchvision are needed: {error}.",
            how_to_install("spandrel torchvision"),
        ) from error
