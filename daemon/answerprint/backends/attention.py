"""Route the self-attention layers of a diffusers network through the method's token hook."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from answerprint.backends.network_state import attention_layers
from answerprint.temporal.protocols import Block, TokenHook, TokenLayer
from answerprint.temporal.stopwatch import Stopwatch

__all__ = ["HookSlot", "coarsest_scale", "hook_attention", "self_attention_layers"]

_RUN_ORDER: dict[Block, int] = {"down": 0, "mid": 1, "up": 2}


@dataclass(slots=True)
class HookSlot:
    """Holds the current hook for all layers of a model."""

    hook: TokenHook | None = None
    watch: Stopwatch | None = None
    layers: list[TokenLayer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Ops:
    """The parts of one diffusers `Attention` module."""

    attn: Any

    def project(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value, each [B, heads, N, d]."""
        batch, count, _ = tokens.shape
        q, k, v = self.attn.to_q(tokens), self.attn.to_k(tokens), self.attn.to_v(tokens)
        split = (batch, count, self.attn.heads, -1)
        return q.view(split).transpose(1, 2), k.view(split).transpose(1, 2), v.view(split).transpose(1, 2)

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Scaled dot-product attention [B, heads, N, d]."""
        return F.scaled_dot_product_attention(q, k, v)

    def output(self, heads: Tensor) -> Tensor:
        """Output projection and dropout (inactive at inference): [B, N, C]."""
        batch, _, count, _ = heads.shape
        flat = heads.transpose(1, 2).reshape(batch, count, -1)
        out: Tensor = self.attn.to_out[1](self.attn.to_out[0](flat))
        return out


class HookedProcessor:
    """Attention processor that calls the hook first, and falls back to diffusers' own processor."""

    def __init__(self, layer: TokenLayer, own: Any, slot: HookSlot) -> None:  # noqa: ANN401 - diffusers has no types
        self._layer = layer
        self._own = own
        self._slot = slot

    def __call__(
        self,
        attn: Any,  # noqa: ANN401
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """Attention of `hidden_states` [B, A, C] or [B, C, H, W], with the layer's residual and rescaling.

        The parameter names matter: diffusers passes only arguments it finds by name, and warns about others at each
        call.
        """
        watch = self._slot.watch
        with watch.stage("attention") if watch is not None else nullcontext():
            if self._slot.hook is not None and encoder_hidden_states is None and attention_mask is None:
                out = self._hooked(attn, hidden_states, self._slot.hook)
                if out is not None:
                    return out
            result: Tensor = self._own(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
            return result

    def _hooked(self, attn: Any, hidden_states: Tensor, hook: TokenHook) -> Tensor | None:  # noqa: ANN401
        tokens = hidden_states.flatten(2).transpose(1, 2) if hidden_states.ndim == 4 else hidden_states
        if attn.group_norm is not None:
            tokens = attn.group_norm(tokens.transpose(1, 2)).transpose(1, 2)
        out = hook(self._layer, tokens, _Ops(attn))
        if out is None:
            return None
        if hidden_states.ndim == 4:
            out = out.transpose(1, 2).reshape(hidden_states.shape)
        if attn.residual_connection:
            out = out + hidden_states
        scaled: Tensor = out / attn.rescale_output_factor
        return scaled


def self_attention_layers(network: nn.Module) -> list[tuple[TokenLayer, Any]]:
    """All self-attention layers of a diffusers UNet, found by its structure, in execution order.

    Other networks give an empty list.
    """
    levels = len(getattr(network, "down_blocks", ()))
    found = []
    for name, module in attention_layers(network):
        if module.is_cross_attention or name.endswith("attn2"):
            continue
        head, _, rest = name.partition(".")
        block: Block
        if head == "down_blocks":
            block, scale = "down", 2 ** int(rest.split(".")[0])
        elif head == "up_blocks":
            block, scale = "up", 2 ** (levels - 1 - int(rest.split(".")[0]))
        elif head == "mid_block":
            block, scale = "mid", 2 ** (levels - 1)
        else:
            continue
        found.append((TokenLayer(name, block, scale), module))
    # Some classes register the middle block last; the sort is stable, so the order within a block is kept.
    return sorted(found, key=lambda pair: _RUN_ORDER[pair[0].block])


def coarsest_scale(network: nn.Module) -> int:
    """Latent cells per coarsest token of a diffusers UNet; latent sides must be multiples of it."""
    return int(2 ** (len(network.down_blocks) - 1))  # type: ignore[arg-type]


def hook_attention(network: nn.Module, slot: HookSlot) -> Sequence[TokenLayer]:
    """Install a hooked processor on each self-attention layer of `network`; returns the layers."""
    found = self_attention_layers(network)
    for layer, module in found:
        module.set_processor(HookedProcessor(layer, module.processor, slot))
    slot.layers.extend(layer for layer, _ in found)
    return [layer for layer, _ in found]
