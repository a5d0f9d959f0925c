"""From verified files to a network: the one place where weights are parsed.

How the tensors of a file differ from those that a network has, in words.
"""

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

__all__ = ["fill", "load_network", "misfit", "parsing", "read_index", "read_weights", "shapes_alone"]

_Shapes = Mapping[str, Sequence[int]]


def misfit(wanted: _Shapes, found: _Shapes) -> str:
    """What is wrong with tensors of these shapes, by name; the empty text where they are those that are wanted.

    Of each kind of fault one tensor is named, the first in the order of the network, and the others are counted.
    """
    odd = [name for name in wanted if name in found and tuple(found[name]) != tuple(wanted[name])]
    faults = [
        _told((name for name in wanted if name not in found), "missing"),
        _told((name for name in found if name not in wanted), "unknown"),
        _told(odd, "of another shape"),
    ]
    if not any(faults):
        return ""
    if odd:
        faults[-1] += f" is {_sides(found[odd[0]])} and should be {_sides(wanted[odd[0]])}"
    return f"it has {len(found)} tensors and needs {len(wanted)}; " + "; ".join(filter(None, faults))


def _told(names: Iterable[str], fault: str) -> str:
    """How many there are, and the first of them."""
    some = list(names)
    return f"{len(some)} {fault}: {some[0]}" if some else ""


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"


_Network = TypeVar("_Network", bound=nn.Module)

_OF_WRONG_FILES = (
    *(TypeError, ValueError, KeyError, IndexError),  # from configurations that describe no network
    StrictDataclassError,  # from those of transformers
    RuntimeError,  # from weights of other shapes or names
    *(SafetensorError, OSError),  # from damaged files
)
"""What diffusers, transformers, torch and safetensors were measured to raise."""

_OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""Names of attention weights in files written before diffusers' AttentionBlock became Attention (2023)."""

_shapes_alone: ContextVar[bool] = ContextVar("shapes_alone", default=False)


def load_network(kind: type[_Network], model: VerifiedModel, part: str = "") -> _Network:
    """The network of class `kind` in the folder `part` of `model`, float32, on the CPU, for inference.

    diffusers' own `from_pretrained` is not used: it would also take files that the manifest does not name (shards,
    variants), and it draws random weights first, from the global generator. Raises ModelError when configuration and
    weights do not belong together.
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
    """What model_index.json says; raises ModelError where the folder holds something else than that pipeline."""
    index = model.read_json("model_index.json")
    if (found := index.get("_class_name")) != pipeline:
        raise ModelError(
            f"{model.folder} holds a {found}, and this family is {pipeline}.", "Name the right family in the manifest."
        )
    return index


def fill(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put `weights`, as they are, into `network`; raises ValueError, in words, where they are not all that it has."""
    wanted, found = ({name: t.shape for name, t in tensors.items()} for tensors in (network.state_dict(), weights))
    if fault := misfit(wanted, found):
        raise ValueError(fault)
    network.load_state_dict(weights, strict=True, assign=True)


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Within it weights have shapes and no numbers, for nothing but headers is read.

    A model that is then loaded on the device "meta" is built and fitted together as ever, in no time and memory.
    """
    before = _shapes_alone.set(True)
    try:
        yield
    finally:
        _shapes_alone.reset(before)


@contextmanager
def parsing(folder: Path) -> Iterator[None]:
    """Raise ModelError naming `folder` where its files turn out not to describe, or not to fill, a network."""
    try:
        yield
    except _OF_WRONG_FILES as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"The files in {folder} do not make a network: {reason}", "Get the model anew from its source."
        ) from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors in float32, in memory of their own: the file may change or go while the model lives."""
    if _shapes_alone.get():
        return {name: torch.empty(shape, device="meta") for name, shape in tensor_shapes(path).items()}
    tensors: dict[str, Any] = load_file(path)
    return {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}


def _renamed(weights: dict[str, Tensor], wanted: set[str]) -> dict[str, Tensor]:
    """`weights` with old names of attention layers brought up to date, where the network has the new ones."""
    out = {}
    for name, tensor in weights.items():
        new = name
        for old, current in _OLD_NAMES.items():
            new = new.replace(old, current)
        out[new if name not in wanted and new in wanted else name] = tensor
    return out
