"""Whether every tensor of the published files finds its place in the full-size networks, which take no memory here.

From the folder `tests`: `python -m backends.report_full_size`. DiffBIR's lists of names and shapes are written down in
`builders_diffbir`; those of files in diffusers' layout follow from the published configurations and the names of their
time. A network is built by the program's own loaders, which refuse what is missing and what is left over; that as many
numbers are in the network as in the file shows that they do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel, UNet2DModel, VQModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from answerprint.backends.diffbir import load_components
from answerprint.backends.ldm_sr.compvis import from_checkpoint
from answerprint.backends.text import fill_text_encoder
from answerprint.backends.weights import _renamed, fill
from backends.builders_compvis import original
from backends.builders_diffbir import TEXT, UNET, VAE, Sizes, base_shapes, control_shapes, empty_weights
from backends.builders_sd_x4 import FULL_CODEC, FULL_UNET
from backends.builders_text import FULL_TEXT
from backends.published import LDM_CODEC, LDM_UNET, MARIGOLD_UNET, SD2_CODEC, SD2_UNET, aged
from tables import Row, Table, print_tables

State = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class File:
    """A published file, or the part of one that belongs together."""

    family: str
    part: str
    tensors: int
    """As its publication counts them."""
    published: State
    build: Callable[[State], Sequence[nn.Module]]
    """The networks of it; raises an error that names what is missing or left over."""
    unread: tuple[str, ...] = ()
    """Beginnings of the names that nothing reads, on purpose."""

    def unplaced(self) -> str:
        """What did not find its place, in words; empty when everything did."""
        try:
            networks = self.build(self.published)
        except Exception as error:  # noqa: BLE001 - whatever the loader says is a line of the table
            return str(error) or repr(error)
        numbers = sum(_numbers(network.state_dict()) for network in networks)
        left = _numbers({n: t for n, t in self.published.items() if n not in self.passed_over}) - numbers
        return f"{left} numbers" if left else ""

    @property
    def passed_over(self) -> set[str]:
        """Names that nothing reads."""
        return {name for name in self.published if self.unread and name.startswith(self.unread)}


def files() -> Iterator[File]:
    """All that the families are made of."""
    yield from _diffbir()
    for family, unet, codec, counts in (
        ("sd_x4", FULL_UNET, FULL_CODEC, (687, 204)),
        ("marigold", MARIGOLD_UNET, SD2_CODEC, (686, 248)),
        ("sd_one_step", SD2_UNET, SD2_CODEC, (686, 248)),
    ):
        yield _file(family, "UNet", counts[0], UNet2DConditionModel, unet)
        yield _file(family, "VAE", counts[1], AutoencoderKL, codec, old=True)
        yield _text(family)
    yield _file("ldm_sr", "UNet", 330, UNet2DModel, LDM_UNET, old=True)
    yield _file("ldm_sr", "VQ codec", 205, VQModel, LDM_CODEC, old=True)
    with torch.device("meta"):
        checkpoint = original(UNet2DModel(**LDM_UNET), VQModel(**LDM_CODEC))
    # Three tensors of each of six attention layers, weight and bias, are one there.
    yield File("ldm_sr", "original checkpoint", 330 + 205 - 6 * 2 * 2, checkpoint, from_checkpoint)


def _diffbir() -> Iterator[File]:
    full = Sizes()
    base, control = empty_weights(base_shapes(full)), empty_weights(control_shapes(full))
    unread = tuple(TEXT + name for name in ("text_projection", "logit_scale", "transformer.resblocks.23."))
    for part, prefix, tensors in (("unet", UNET, 686), ("vae", VAE, 248), ("text_encoder", TEXT, 294)):
        published = {name: t for name, t in base.items() if name.startswith(prefix)}
        rest = {name: t for name, t in base.items() if name not in published}

        def build(state: State, part: str = part, rest: State = rest) -> Sequence[nn.Module]:
            return [getattr(load_components({**rest, **state}, control), part)]

        yield File("diffbir", part, tensors, published, build, unread)
    yield File("diffbir", "controlnet", 324, control, lambda state: [load_components(base, state).controlnet])


def _file(
    family: str,
    part: str,
    tensors: int,
    kind: Any,  # noqa: ANN401 - a class of diffusers, which has no types
    config: Mapping[str, Any],
    *,
    old: bool = False,
) -> File:
    """A file in diffusers' layout; `old` ones were written in 2022."""

    def empty() -> Any:  # noqa: ANN401
        with torch.device("meta"):
            return kind(**config)

    def build(state: State) -> Sequence[nn.Module]:
        network = empty()
        fill(network, _renamed(dict(state), set(network.state_dict())))
        return [network]

    state = empty().state_dict()
    return File(family, part, tensors, aged(state) if old else state, build)


def _text(family: str) -> File:
    """SD 2's text encoder, whose file's names begin with text_model."""
    with torch.device("meta"):
        state = CLIPTextModel(CLIPTextConfig.from_dict(FULL_TEXT)).state_dict()
    published = {f"text_model.{name}": tensor for name, tensor in state.items()}
    return File(family, "text encoder", 372, published, lambda state: [fill_text_encoder(FULL_TEXT, state)])


def _numbers(state: State) -> int:
    return sum(tensor.numel() for tensor in state.values())


def measure() -> Iterator[Row]:
    """File by file."""
    for file in files():
        fault, passed_over = file.unplaced(), len(file.passed_over)
        found = 0 if fault else len(file.published) - passed_over
        numbers = f"{_numbers(file.published) / 1e6:.1f}"
        cells = (file.family, file.part, str(file.tensors), str(found), str(passed_over), fault or "none", numbers)
        yield Row(cells, not fault and len(file.published) == file.tensors)


TABLE = Table(
    "Tensors of the published files in the full-size networks",
    ("family", "file", "published", "found", "read by nobody", "left over", "million numbers"),
    measure,
)

if __name__ == "__main__":
    sys.exit(print_tables(TABLE))
