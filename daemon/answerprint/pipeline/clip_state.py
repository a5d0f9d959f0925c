"""The state that the next chunk of a clip needs from earlier ones, in memory and as one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from answerprint.flow.prepare import FlowPicture, flow_picture
from answerprint.store.receipts import DamagedChunkError
from answerprint.temporal.depth import Affine, DepthAnchor
from answerprint.temporal.sampler import CarriedState

__all__ = ["ClipState", "pack_state", "read_state"]

_VERSION = 2


@dataclass(frozen=True, slots=True)
class ClipState:
    """State between two chunks; with the remaining frames and the settings it determines the rest of the clip."""

    chunk: int
    """Number of the next chunk."""
    frame: int
    """Absolute source index of its first frame."""
    last: FlowPicture
    """Picture of the frame before, to detect a cut at the chunk boundary."""
    key: tuple[int, FlowPicture] | None = None
    """Source index and picture of the last keyframe."""
    carries: tuple[CarriedState, ...] = ()
    """State of that keyframe after each pass of the model; empty if frames are independent."""
    anchor: DepthAnchor | None = None
    """What depth is aligned to; None if the frames are not depth, or share no scale."""


def pack_state(state: ClipState) -> bytes:
    """Serialise a state; the inverse of `read_state`."""
    tensors: dict[str, Tensor] = {"luma/last": _luma(state.last)}
    head: dict[str, object] = {
        "version": _VERSION, "chunk": state.chunk, "frame": state.frame, "last": state.last.content_hash, "key": None,
        "carries": [carry.key_frame for carry in state.carries],
    }  # fmt: skip
    if state.key is not None:
        head["key"] = [state.key[0], state.key[1].content_hash]
        tensors["luma/key"] = _luma(state.key[1])
    for number, carry in enumerate(state.carries):
        for kind, by_step in ((f"x0.{number}", carry.x0), (f"noise.{number}", carry.noise)):
            tensors |= {f"{kind}/{step}": tensor.cpu().contiguous() for step, tensor in by_step.items()}
    if state.anchor is not None:
        affine = state.anchor.affine
        head["affine"] = [affine.scale, affine.shift]
        tensors["depth/anchor"] = state.anchor.depth.contiguous()
    return save(tensors, {"state": json.dumps(head)})


def read_state(path: Path) -> ClipState:
    """Read a file written from `pack_state`. Raises DamagedChunkError if it is anything else."""
    try:
        with safe_open(str(path), framework="pt") as file:
            head = json.loads((file.metadata() or {})["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return _state(head, tensors)
    # Measured: SafetensorError for damage, OSError for a missing file, the rest for a foreign header.
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedChunkError(f"{path} is not a valid chunk state.") from error


def _state(head: Mapping[str, object], tensors: Mapping[str, Tensor]) -> ClipState:
    if head["version"] != _VERSION:
        raise ValueError(f"version {head['version']}")
    key = None
    if isinstance(head["key"], list):
        index, content_hash = head["key"]
        key = (int(index), _picture(tensors["luma/key"], str(content_hash)))
    key_frames = head["carries"]
    if not isinstance(key_frames, list):
        raise ValueError("carries are not a list")
    carries = tuple(
        CarriedState(int(frame), _by_step(tensors, f"x0.{number}"), _by_step(tensors, f"noise.{number}"))
        for number, frame in enumerate(key_frames)
    )
    anchor = None
    affine = head.get("affine")
    if isinstance(affine, list):
        scale, shift = (float(value) for value in affine)
        anchor = DepthAnchor(tensors["depth/anchor"], Affine(scale, shift))
    last = _picture(tensors["luma/last"], str(head["last"]))
    return ClipState(int(str(head["chunk"])), int(str(head["frame"])), last, key, carries, anchor)


def _by_step(tensors: Mapping[str, Tensor], kind: str) -> dict[int, Tensor]:
    found = {name.partition("/"): tensor for name, tensor in tensors.items()}
    return {int(step): tensor for (group, _, step), tensor in sorted(found.items()) if group == kind}


def _luma(picture: FlowPicture) -> Tensor:
    return torch.from_numpy(picture.luma.copy())  # a copy: torch does not accept read-only arrays


def _picture(luma: Tensor, content_hash: str) -> FlowPicture:
    picture = flow_picture(luma.numpy())
    if picture.content_hash != content_hash:
        raise ValueError("a picture does not match its hash")
    return picture
