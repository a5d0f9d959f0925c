"""DISTS (Ding, Ma, Wang and Simoncelli 2020): a distance that takes one grain of a texture for as good as another.

It compares, channel by channel of what VGG-16 sees, means (texture) and correlations (structure), over the whole
picture; its authors trained how much each counts. The trunk's file is torchvision's own and shared with LPIPS; the
weights are those of the authors' package. The network is written from the paper, section 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from answerprint.frames.frame import Picture
from answerprint.metrics.perceptual import Absent, backbone, network_distance
from answerprint.training.fetch import DISTS, dists_folder

__all__ = ["SMALLEST_PX", "Dists", "DistsNetwork", "load_dists"]

SMALLEST_PX = 16
"""Least width and height of a picture: it is halved four times."""

_CHANNELS, _DEPTHS = (64, 128, 256, 512, 512), (2, 2, 3, 3, 3)
_WIDTHS = [3, *_CHANNELS]
"""Channels that are compared: those of the picture itself, and of the last layer of each stage."""
_STEADY = 1e-6
"""Keeps the two quotients from 0 / 0: c1 and c2 of Eq. 4 and 5."""
_REMEDY = "Fetch it: python -m answerprint.training.fetch measures"


class DistsNetwork(nn.Module):
    """VGG-16's convolutions with an L2 pooling in place of the maximum (Eq. 1), and the weights alpha and beta."""

    mean: Tensor
    std: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        ends = pairwise(_WIDTHS)
        self.stages = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(after if k else before, after, 3, padding=1) for k in range(depth))
            for (before, after), depth in zip(ends, _DEPTHS, strict=True)
        )
        self.alpha = nn.Parameter(torch.full((sum(_WIDTHS),), 1.0))
        self.beta = nn.Parameter(torch.full((sum(_WIDTHS),), 1.0))
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1))
        line = torch.hann_window(5, periodic=False)[1:-1]
        self.register_buffer("window", torch.outer(line, line)[None, None] / line.sum() ** 2)

    def load_published(self, trunk: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
        """Take torchvision's tensors and the authors'; KeyError or RuntimeError where a name or a shape is another."""
        with torch.no_grad():
            for number, layer in self._numbered():
                for name, parameter in layer.named_parameters():
                    parameter.copy_(trunk[f"features.{number}.{name}"])
            for name in ("alpha", "beta"):
                own = self.get_parameter(name)
                own.copy_(weights[name].view_as(own))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances [B] in about [0, 1] of pictures `a` and `b` [B, 3, H, W] in [0, 1], both sides 16 px or more."""
        whole = self.alpha.sum() + self.beta.sum()
        alphas, betas = (torch.split(each / whole, _WIDTHS) for each in (self.alpha, self.beta))
        total = a.new_zeros(len(a))
        for x, y, alpha, beta in zip(self._features(a), self._features(b), alphas, betas, strict=True):
            mean_x, mean_y = x.mean((2, 3)), y.mean((2, 3))
            # Deviations first: a mean of products less a product of means would lose what differs to rounding.
            x, y = x - mean_x[..., None, None], y - mean_y[..., None, None]
            var_x, var_y, cov = x.square().mean((2, 3)), y.square().mean((2, 3)), (x * y).mean((2, 3))
            texture = (2 * mean_x * mean_y + _STEADY) / (mean_x**2 + mean_y**2 + _STEADY)  # Eq. 4
            structure = (2 * cov + _STEADY) / (var_x + var_y + _STEADY)  # Eq. 5
            # Eq. 6: 1 less the weighted similarities, whose weights sum to 1.
            total = total + (alpha * (1 - texture) + beta * (1 - structure)).sum(1)
        return total

    def _features(self, picture: Tensor) -> Iterator[Tensor]:
        yield picture
        x = (picture - self.mean) / self.std
        for number, stage in enumerate(self.stages):
            if number:
                blurred = functional.conv2d(
                    x.square(), self.window.expand(x.shape[1], -1, -1, -1), stride=2, padding=1, groups=x.shape[1]
                )
                x = (blurred + 1e-12).sqrt()
            for convolution in stage.children():
                x = functional.relu(convolution(x))
            yield x

    def _numbered(self) -> Iterator[tuple[int, nn.Module]]:
        """The convolutions by torchvision's count, in which activations and poolings are layers too."""
        number = 0
        for stage in self.stages:
            for convolution in stage.children():
                yield number, convolution
                number += 2
            number += 1


class Dists:
    """DISTS on one device. Pictures are compared as large as they are, not shrunk to 256 px as in the paper's tests."""

    key = "dists"
    of_neighbours = False

    def __init__(self, model: DistsNetwork, device: str = "cpu") -> None:
        self._model = model.requires_grad_(False).eval().to(device)
        self._device = device

    def __str__(self) -> str:
        return "DISTS, vgg trunk"

    def distance(self, a: Picture, b: Picture) -> float:
        """Distance of two pictures [H, W, 3] in [0, 1]: 0 for equal ones, about 0.5 for unrelated ones.

        ValueError where they differ in size or a side is below 16 px.
        """
        return network_distance("DISTS", self._model, a, b, self._device, SMALLEST_PX)


def load_dists(device: str = "cpu", folder: Path | None = None) -> Dists | Absent:
    """DISTS ready to use, or why it is not: the trunk's file or the weights' is missing or damaged.

    The trunk is where LPIPS has it (see `load_lpips`); the weights are looked for in `folder`, and without one in the
    program's cache.
    """
    ((name, digest),) = DISTS.items()
    path = (folder or dists_folder()) / name
    if not path.is_file():
        return Absent(f"its weights {path} are not on disk.", _REMEDY)
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        return Absent(f"its weights {path} are not those that were published.", _REMEDY)
    trunk = backbone("vgg")
    if isinstance(trunk, Absent):
        return trunk
    model = DistsNetwork()
    model.load_published(*(torch.load(each, map_location="cpu", weights_only=True) for each in (trunk, path)))
    return Dists(model, device)
