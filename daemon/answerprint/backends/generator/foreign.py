"""Third-party restoration networks supported by spandrel, identified by their tensors."""

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
    """A network built by spandrel; results are in [0, 1].

    Single precision only: some architectures hold numbers that a change of precision does not reach.
    """

    single = True

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        """Build the network of a state dict, whatever its architecture.

        Raises ModelError if it is unknown, does not restore colour pictures or has a scale other than 1 to 4, or if
        spandrel is not usable.
        """
        super().__init__()
        found = _read(state)
        _check(found)
        self.scale, self.multiple_of = int(found.scale), int(found.size_requirements.multiple_of)
        self.about = " ".join([found.architecture.name, *found.tags])
        self.model = found.model
        self._call = found

    def forward(self, low: Tensor) -> Tensor:
        """Restore; spandrel pads pictures below the network's minimum size."""
        restored: Tensor = self._call(low)
        return restored


def _read(state: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - spandrel is optional
    spandrel = _spandrel()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # architectures that use deprecated torch calls
            return spandrel.ModelLoader().load_from_state_dict({name: _single(each) for name, each in state.items()})
    # Measured: UnsupportedModelError for unknown names; KeyError, ValueError, RuntimeError, IndexError,
    # AttributeError, TypeError and AssertionError for known names with parts missing or of other shapes.
    except (
        *(spandrel.UnsupportedModelError, KeyError, ValueError, RuntimeError, IndexError),
        *(AttributeError, TypeError, AssertionError, ZeroDivisionError),
    ) as error:
        raise ModelError("The file does not contain a known restoration network.", _REMEDY) from error


def _single(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _check(found: Any) -> None:  # noqa: ANN401
    """Raise ModelError unless the network is supported."""
    name = found.architecture.name
    if found.purpose not in ("SR", "Restoration"):
        raise ModelError(f"{name} is a network for {found.purpose}, which is not supported.", _REMEDY)
    if (found.input_channels, found.output_channels) != (3, 3):
        raise ModelError(
            f"This {name} has {found.input_channels} input and {found.output_channels} output channels instead of 3.",
            _REMEDY,
        )
    if found.scale not in _SCALES:
        raise ModelError(f"This {name} has a scale of {found.scale}; only 1 to 4 are supported.", _REMEDY)
    if found.size_requirements.square:
        raise ModelError(f"This {name} supports square pictures only.", _REMEDY)


def _spandrel() -> Any:  # noqa: ANN401
    try:
        return importlib.import_module("spandrel")
    # Measured: RuntimeError from a torchvision built for another torch.
    except (ImportError, RuntimeError) as error:
        raise ModelError(
            "The file does not contain a built-in network. Other networks need the packages spandrel and "
            f"torchvision: {error}.",
            how_to_install("spandrel torchvision"),
        ) from error
