"""The networks: RRDBNet (Wang et al. 2018, ESRGAN; Real-ESRGAN 2021) and the compact one of Real-ESRGAN's video models.

Tensors have the names of Real-ESRGAN's published files, so those load directly.

In half precision the inner convolutions run in it. The first one and the residual sums stay in single precision: a
picture in bfloat16 has only 8 bits, and on Real-ESRGAN x4plus rounding it before the first convolution changes the
result more than all other rounding together (measured).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CompactNetwork", "GeneratorNetwork", "RRDBNetwork"]


_BAND_CELLS = 32_768
_FEWEST_ROWS = 8
_REACH = 2
"""Rows beyond a band that the convolutions at scales 2, 4, 4 and 4 need: 1.25, rounded up."""


class _DenseBlock(nn.Module):
    """Five densely connected convolutions; the last one's output is scaled by 0.2 and added to the input."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(features + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(features + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(features + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(features + 4 * growth, features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, features, h, w]."""
        seen = x.to(self.conv1.weight.dtype)
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen = torch.cat([seen, F.leaky_relu(conv(seen), 0.2, inplace=True)], 1)
        return torch.add(x, self.conv5(seen).to(x.dtype), alpha=0.2)


class _Block(nn.Module):
    """Three dense blocks; their output is scaled by 0.2 and added to the input."""

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = _DenseBlock(features, growth)
        self.rdb2 = _DenseBlock(features, growth)
        self.rdb3 = _DenseBlock(features, growth)

    def forward(self, x: Tensor) -> Tensor:
        """[B, features, h, w]."""
        return torch.add(x, self.rdb3(self.rdb2(self.rdb1(x))), alpha=0.2)


class GeneratorNetwork(nn.Module):
    """The family's networks: pictures [B, 3, scale h, scale w] from [B, 3, h, w], both about 0..1, not clamped."""

    scale: int
    exact_parts: tuple[str, ...] = ()
    """Parts that stay in single precision; they include the first, so the input stays in single precision."""
    multiple_of: int
    """h and w must be multiples of this number of pixels."""
    single: bool = False
    """Whether it supports single precision only."""
    about: str = ""
    """Description for users, if the class does not tell."""

    @staticmethod
    def from_config(config: dict[str, Any]) -> GeneratorNetwork:
        """Network from a configuration: `kind` (rrdb or compact) and the arguments of its class.

        Raises ValueError for an unknown kind, TypeError for invalid arguments.
        """
        settings = {name: value for name, value in config.items() if name != "about"}
        kind = settings.pop("kind", None)
        if kind not in _KINDS:
            raise ValueError(f"unknown kind of network {kind!r}; known: {', '.join(_KINDS)}")
        return _KINDS[kind](**settings)


class RRDBNetwork(GeneratorNetwork):
    """Residual-in-residual dense blocks at the input size; scale is 1, 2 or 4.

    The network enlarges four times; for smaller scales the input is first pixel-unshuffled, as in Real-ESRGAN x2plus.
    """

    def __init__(self, scale: int = 4, features: int = 64, growth: int = 32, blocks: int = 23) -> None:
        super().__init__()
        self.scale = scale
        self.exact_parts = ("conv_first",)
        self.multiple_of = self._fold = 4 // scale
        self.conv_first = nn.Conv2d(3 * self._fold**2, features, 3, padding=1)
        self.body = nn.Sequential(*(_Block(features, growth) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(features, features, 3, padding=1)
        self.conv_up1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv_up2 = nn.Conv2d(features, features, 3, padding=1)
        self.conv_hr = nn.Conv2d(features, features, 3, padding=1)
        self.conv_last = nn.Conv2d(features, 3, 3, padding=1)

    def forward(self, low: Tensor) -> Tensor:
        """Enlarge, in the precision of the inner convolutions; h and w are multiples of `multiple_of`."""
        dtype = self.conv_body.weight.dtype
        x = self.conv_first(F.pixel_unshuffle(low, self._fold) if self._fold > 1 else low)
        return self._enlarge(x.to(dtype) + self.conv_body(self.body(x).to(dtype)))

    def _enlarge(self, x: Tensor) -> Tensor:
        """[B, 3, 4 h, 4 w] from features [B, C, h, w], in bands of rows to save memory at the output size."""
        height, width = x.shape[2:]
        rows = max(_FEWEST_ROWS, _BAND_CELLS // width)
        bands = []
        for top in range(0, height, rows):
            first, bottom = max(0, top - _REACH), min(height, top + rows)
            band = self._enlarge_band(x[:, :, first : bottom + _REACH])
            bands.append(band[:, :, 4 * (top - first) : 4 * (bottom - first)])
        return bands[0] if len(bands) == 1 else torch.cat(bands, 2)

    def _enlarge_band(self, x: Tensor) -> Tensor:
        for conv in (self.conv_up1, self.conv_up2):
            x = F.leaky_relu(conv(F.interpolate(x, scale_factor=2.0, mode="nearest")), 0.2, inplace=True)
        x = F.leaky_relu(self.conv_hr(x), 0.2, inplace=True)
        out: Tensor = self.conv_last(x)
        return out


class CompactNetwork(GeneratorNetwork):
    """Plain convolutions at the input size and pixel shuffle, added to a nearest-neighbour enlargement."""

    def __init__(self, scale: int = 4, features: int = 64, convolutions: int = 16) -> None:
        super().__init__()
        self.scale, self.multiple_of = scale, 1
        self.exact_parts = ("body.0", "body.1")
        layers: list[nn.Module] = [nn.Conv2d(3, features, 3, padding=1), nn.PReLU(features)]
        for _ in range(convolutions):
            layers += [nn.Conv2d(features, features, 3, padding=1), nn.PReLU(features)]
        self.body = nn.Sequential(*layers, nn.Conv2d(features, 3 * scale * scale, 3, padding=1))

    def forward(self, low: Tensor) -> Tensor:
        """Enlarge; any h and w."""
        base = F.interpolate(low, scale_factor=float(self.scale), mode="nearest")
        first, slopes, *inside = self.body
        x = slopes(first(low)).to(inside[-1].weight.dtype)
        for layer in inside:
            x = layer(x)
        return F.pixel_shuffle(x, self.scale).to(low.dtype) + base


_KINDS: dict[str, type[GeneratorNetwork]] = {"rrdb": RRDBNetwork, "compact": CompactNetwork}
