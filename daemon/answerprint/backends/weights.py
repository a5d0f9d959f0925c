"""Build networks from verified files. The only module that parses weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from answerprint.errors import ModelError
from answerprint.weights.header import tensor_shapes
from answerprint.weights.verify import VerifiedModel

__all__ = ["fill", "load_network", "parsing", "read_index", "read_weights", "shapes_alone", "tensor_mismatch"]

_Shapes = Mapping[str, Sequence[int]]


def tensor_mismatch(wanted: _Shapes, found: _Shapes) -> str:
    """Describe how tensors differ from those of a network, by name and shape; empty if they match.

    For each kind of difference the first tensor, in the network's order, is named and the others are counted.
    """
    odd = [name for name in wanted if name in found and tuple(found[name]) != tuple(wanted[name])]
    faults = [
        _count((name for name in wanted if name not in found), "missing"),
        _count((name for name in found if name not in wanted), "unknown"),
        _count(odd, "of another shape"),
    ]
    if not any(faults):
        return ""
    if odd:
        faults[-1] += f" is {_sides(found[odd[0]])} and should be {_sides(wanted[odd[0]])}"
    return f"{len(found)} tensors instead of {len(wanted)}; " + "; ".join(filter(None, faults))


def _count(names: Iterable[str], fault: str) -> str:
    """Their number, and the first of them."""
    some = list(names)
    return f"{len(some)} {fault}: {some[0]}" if some else ""


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"


_Network = TypeVar("_Network", bound=nn.Module)

_OF_WRONG_FILES = (
    *(TypeError, ValueError, KeyError, IndexError),  # from invalid configurations
    StrictDataclassError,  # from transformers' configurations
    RuntimeError,  # from weights with other shapes or names
    *(SafetensorError, OSError),  # from damaged files
)
"""What diffusers, transformers, torch and safetensors were measured to raise."""

_OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""Names of attention weights in files written before diffusers' AttentionBlock became Attention (2023)."""

_shapes_alone: ContextVar[bool] = ContextVar("shapes_alone", default=False)


def load_network(kind: type[_Network], model: VerifiedModel, part: str = "") -> _Network:
    """The network of class `kind` in the folder `part` of `model`, float32, on the CPU, for inference.

    diffusers' `from_pretrained` is not used: it would also read files that the manifest does not list (shards,
    variants), and it first draws random weights from the global generator. Raises ModelError if configuration and
    weights do not match.
    """
    prefix = f"{part}/" if part else ""
    config = model.read_json(f"{prefix}config.json")
    path = model.path(f"{prefix}diffusion_pytorch_model.safetensors")
    with parsing(path.parent):
        with torch.device("meta"):
            network: _Network = kind.from_config(config)  # type: ignore[attr-defined]
        fill(network, _renamed(read_weights(path), set(network.state_dict())))
    return network.eval().requires_grad_(False)


def read_index(model: VerifiedModel, pipeline: str) -> dict[str, Any]:
    """Read model_index.json. Raises ModelError if it describes another pipeline."""
    index = model.read_json("model_index.json")
    if (found := index.get("_class_name")) != pipeline:
        raise ModelError(
            f"{model.folder} contains a {found}; this family needs a {pipeline}.", "Correct the family in the manifest."
        )
    return index


def fill(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Assign `weights` to `network` without copying. Raises ValueError describing any mismatch."""
    wanted, found = ({name: t.shape for name, t in tensors.items()} for tensors in (network.state_dict(), weights))
    if fault := tensor_mismatch(wanted, found):
        raise ValueError(fault)
    network.load_state_dict(weights, strict=True, assign=True)


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Within this context weights are read from headers only: shapes without numbers.

    A model loaded on the device "meta" is then built and checked as usual, without taking time or memory.
    """
    before = _shapes_alone.set(True)
    try:
        yield
    finally:
        _shapes_alone.reset(before)


@contextmanager
def parsing(folder: Path) -> Iterator[None]:
    """Translate errors of invalid configurations or weights into a ModelError that names `folder`."""
    try:
        yield
    except _OF_WRONG_FILES as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"The files in {folder} do not form a network: {reason}", "Download the model again from its source."
        ) from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors in float32, copied into memory: the file may change or disappear while the model is loaded."""
    if _shapes_alone.get():
        return {name: torch.empty(shape, device="meta") for name, shape in tensor_shapes(path).items()}
    tensors: dict[str, Any] = load_file(path)
    return {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}


def _renamed(weights: dict[str, Tensor], wanted: set[str]) -> dict[str, Tensor]:
    """`weights` with outdated names of attention layers replaced if the network has the current ones."""
    out = {}
    for name, tensor in weights.items():
        new = name
        for old, current in _OLD_NAMES.items():
            new = new.replace(old, current)
        out[new if name not in wanted and new in wanted else name] = tensor
    return out
