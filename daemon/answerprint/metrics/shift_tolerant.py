"""ST-LPIPS (Ghildyal and Liu, ECCV 2022): LPIPS that a shift of a pixel does not upset. The figure P of this project.

The weights are those of the authors' package, which `python -m answerprint.training.fetch measures` puts into the
program's cache. The network is written from the paper and the shapes of these weights. Where it halves the picture, a
low-pass filter with mirrored borders does it; the kernels of these filters lie in the file beside the convolutions.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from answerprint.frames.frame import Picture
from answerprint.metrics.perceptual import Absent, Network, network_distance
from answerprint.training.fetch import MEASURES, measures_folder

__all__ = ["SMALLEST_PX", "ShiftTolerant", "ShiftTolerantNetwork", "load_shift_tolerant"]

SMALLEST_PX = 32
"""Least width and height of a picture: in a smaller one the last layer has too few places for its border."""

_REMEDY = "Fetch it: python -m answerprint.training.fetch measures"


class _Downsample(nn.Module):
    """Half the size through a 3x3 low-pass filter, one and the same for all channels; the border is mirrored."""

    filt: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("filt", torch.empty(channels, 1, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(x, (2, 2, 2, 2), mode="reflect")
        return functional.conv2d(padded, self.filt, stride=2, groups=x.shape[1])


class ShiftTolerantNetwork(nn.Module):
    """Distance of pictures: weighted squared differences of normalised features, mean over places, sum over layers."""

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self, network: Network) -> None:
        super().__init__()
        slices, channels = (_alex(), (64, 192, 384, 256, 256)) if network == "alex" else _vgg()
        self.slices = nn.ModuleList(slices)
        self.heads = nn.ModuleList(nn.Conv2d(c, 1, 1, bias=False) for c in channels)
        self.register_buffer("shift", torch.empty(1, 3, 1, 1))
        self.register_buffer("scale", torch.empty(1, 3, 1, 1))

    def load_published(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take the tensors of the authors' file; RuntimeError where a name or a shape is another."""
        self.load_state_dict({_own_name(name): tensor for name, tensor in state.items()})

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Distances [B] of pictures `a` and `b` [B, 3, H, W] in [0, 1], both sides 32 px or more."""
        total = a.new_zeros(a.shape[0])
        x, y = self._centred(a), self._centred(b)
        for layers, head in zip(self.slices, self.heads, strict=True):
            x, y = layers(x), layers(y)
            total = total + head((_unit(x) - _unit(y)).square()).mean((1, 2, 3))
        return total

    def _centred(self, x: torch.Tensor) -> torch.Tensor:
        centred: torch.Tensor = (2 * x - 1 - self.shift) / self.scale
        return centred.contiguous(memory_format=torch.channels_last)  # a third less time on a processor


class ShiftTolerant:
    """ST-LPIPS with one trunk on one device."""

    key = "st_lpips"
    of_neighbours = False

    def __init__(self, network: Network, model: ShiftTolerantNetwork, device: str) -> None:
        self.network = network
        self._model = model
        self._device = device

    def __str__(self) -> str:
        return f"ST-LPIPS, {self.network} trunk"

    def distance(self, a: Picture, b: Picture) -> float:
        """Perceptual distance of two pictures [H, W, 3] in [0, 1]: 0 for equal ones, about 0.8 for unrelated ones.

        ValueError where they differ in size or a side is below 32 px.
        """
        return network_distance("ST-LPIPS", self._model, a, b, self._device, SMALLEST_PX)


def load_shift_tolerant(
    network: Network = "alex", device: str = "cpu", folder: Path | None = None
) -> ShiftTolerant | Absent:
    """ST-LPIPS ready to use, or why it is not: its weights are not in `folder`, or are altered.

    Without a `folder` they are looked for in the program's cache.
    """
    name = f"{network}_shift_tolerant.pth"
    path = (folder or measures_folder()) / name
    if not path.is_file():
        return Absent(f"its weights {path} are not on disk.", _REMEDY)
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != MEASURES[name]:
            return Absent(f"its weights {path} are not those that were published.", _REMEDY)
    model = ShiftTolerantNetwork(network)
    model.load_published(torch.load(path, map_location="cpu", weights_only=True))
    return ShiftTolerant(network, model.requires_grad_(False).eval().to(device), device)


def _numbered(*slices: Iterable[nn.Module]) -> list[nn.Sequential]:
    """Slices whose layers are counted through, as the file counts them."""
    out, count = [], 0
    for layers in slices:
        named = OrderedDict((str(number), layer) for number, layer in enumerate(layers, count))
        count += len(named)
        out.append(nn.Sequential(named))
    return out


def _alex() -> list[nn.Sequential]:
    """AlexNet whose first convolution looks at every place, and is thinned out only afterwards."""
    return _numbered(
        [nn.Conv2d(3, 64, 11, padding=2), _Downsample(64), nn.ReLU()],
        [nn.MaxPool2d(3, 1), _Downsample(64), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()],
        [nn.MaxPool2d(3, 1), _Downsample(192), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()],
        [nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()],
        [nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()],
    )


def _vgg() -> tuple[list[nn.Sequential], tuple[int, ...]]:
    """VGG-16, each of whose poolings looks at every place before it is thinned out; and the slices' channels."""
    channels, depths = (64, 128, 256, 512, 512), (2, 2, 3, 3, 3)
    slices: list[list[nn.Module]] = []
    before = 3
    for after, depth in zip(channels, depths, strict=True):
        layers: list[nn.Module] = [nn.MaxPool2d(2, 1), _Downsample(before)] if slices else []
        for _ in range(depth):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
            before = after
        slices.append(layers)
    return _numbered(*slices), channels


def _own_name(published: str) -> str:
    """Our name of a tensor: "net.slice2.5.bias" is "slices.1.5.bias", "lin0.model.1.weight" is "heads.0.weight"."""
    first, _, rest = published.partition(".")
    if first.startswith("lin"):
        return f"heads.{first.removeprefix('lin')}.weight"
    if first == "net":
        part, _, layer = rest.partition(".")
        return f"slices.{int(part.removeprefix('slice')) - 1}.{layer}"
    return rest


def _unit(features: torch.Tensor) -> torch.Tensor:
    """Features [B, C, H, W], at each place divided by their length."""
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)
