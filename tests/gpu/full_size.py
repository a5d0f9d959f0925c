"""Models of the published sizes with random weights, drawn where they are to run, in seconds; and small ones, to try.

Nothing is read from files. What the weights draw is no picture of anything; that it varies, and how long it takes,
is all that is asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from answerprint.backends.base import Backend
from answerprint.backends.diffbir import load_components
from answerprint.backends.diffbir.adapter import SHORT_SIDE, DiffbirBackend
from answerprint.backends.marigold.adapter import MarigoldBackend
from answerprint.backends.sd_x4.adapter import SdX4Backend
from answerprint.backends.text import Text
from backends.builders_diffbir import (
    HEAD_DIM,
    SMALL,
    TEXT,
    UNET,
    Shapes,
    Sizes,
    base_shapes,
    control_shapes,
    only_enlarge,
    random_weights,
)
from backends.builders_full_generator import COMPACT, X4PLUS, random_generator
from backends.builders_full_generator import SMALL as SMALL_GENERATORS
from backends.builders_marigold import MARIGOLD_SCHEDULER, small_tokenizer
from backends.builders_marigold import small_codec as small_marigold_codec
from backends.builders_marigold import small_unet as small_marigold_unet
from backends.builders_sd_x4 import FULL_CODEC, FULL_UNET, LOW_RES_SCHEDULER, SCHEDULER
from backends.builders_sd_x4 import small_codec as small_x4_codec
from backends.builders_sd_x4 import small_unet as small_x4_unet
from backends.builders_text import WIDTH, small_vocabulary
from backends.published import MARIGOLD_UNET, SD2_CODEC

__all__ = ["MODELS", "Model"]

Device = torch.device

_FULL_TEXT_WIDTH = 1024
_FULL_HEAD_DIM = 64


@dataclass(frozen=True, slots=True)
class Model:
    """A model to measure."""

    name: str
    make: Callable[[Device, bool], Backend]
    """On a device; True makes a small one."""
    task: str = "sr"
    enlarges: int = 4
    """Output pixels per input pixel, along each axis."""
    options: Mapping[str, str] = field(default_factory=dict)
    bars_gib: Mapping[str, float] = field(default_factory=dict)
    """Most memory that it is to take, by the name of the output's size."""


def _diffbir(device: Device, small: bool) -> Backend:
    words = len(small_vocabulary())
    # The text encoder stays on the processor and reads two prompts a job: two of its 24 blocks say as much.
    sizes = SMALL if small else Sizes(text_blocks=2, words=words)
    shapes = base_shapes(sizes)
    told: Shapes = {name: shape for name, shape in shapes.items() if name.startswith(TEXT)}
    drawn: Shapes = {name: shape for name, shape in shapes.items() if name not in told}
    base = random_weights(drawn, 0, device) | random_weights(told, 1)
    base[UNET + "out.2.weight"] *= 0.3  # guidance multiplies its rounding errors
    control = random_weights(control_shapes(sizes), 2, device)
    components = load_components(base, control, head_dim=HEAD_DIM if small else _FULL_HEAD_DIM)
    return DiffbirBackend(
        components,
        Text(small_tokenizer(), components.text_encoder),
        only_enlarge,
        device,
        short_side=1 if small else SHORT_SIDE,
    )


def _sd_x4(device: Device, small: bool) -> Backend:
    full = (lambda: UNet2DConditionModel(**FULL_UNET), lambda: AutoencoderKL(**FULL_CODEC))
    unet, codec = (_on(device, make) for make in ((small_x4_unet, small_x4_codec) if small else full))
    return SdX4Backend(unet, codec, _text(small), SCHEDULER, LOW_RES_SCHEDULER, device)


def _marigold(device: Device, small: bool) -> Backend:
    full = (lambda: UNet2DConditionModel(**MARIGOLD_UNET), lambda: AutoencoderKL(**SD2_CODEC))
    unet, codec = (_on(device, make) for make in ((small_marigold_unet, small_marigold_codec) if small else full))
    schedule = {"_class_name": "DDIMScheduler", **MARIGOLD_SCHEDULER}
    return MarigoldBackend(unet, codec, _text(small), schedule, device)


def _generator(config: dict[str, Any]) -> Callable[[Device, bool], Backend]:
    return lambda device, small: random_generator(SMALL_GENERATORS[config["kind"]] if small else config, device)


MODELS = (
    Model("diffbir", _diffbir, "denoise", 1, {"stage1": "none", "enlarge": "1"}, {"480x854": 10.0, "1080p": 24.0}),
    Model("sd_x4", _sd_x4),
    Model("marigold", _marigold, "depth", 1, {"processing_resolution": "0"}),
    Model("x4plus", _generator(X4PLUS)),
    Model("compact", _generator(COMPACT)),
)
"""DiffBIR without its first network and at the source's size; Marigold at the source's size, not at 768 pixels."""


def _text(small: bool) -> Text:
    """A text encoder of the published width, with one block, on the processor."""
    width = WIDTH if small else _FULL_TEXT_WIDTH
    config = CLIPTextConfig(
        vocab_size=len(small_vocabulary()),
        hidden_size=width,
        intermediate_size=width,
        num_hidden_layers=1,
        num_attention_heads=2,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Text(small_tokenizer(), CLIPTextModel(config).eval())


def _on(device: Device, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - diffusers has no types
    """A network whose weights are drawn on `device`, as `random_weights` draws them."""
    with torch.device("meta"):
        network: nn.Module = make()
    state = network.state_dict()
    shapes: Shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    network.load_state_dict(random_weights(shapes, 0, device), strict=True, assign=True)
    return network
