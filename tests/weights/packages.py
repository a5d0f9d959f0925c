"""A Python package that holds the weights of a small network in ncnn's form, and the known model that is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from answerprint.backends.generator.adapter import WEIGHTS
from backends.builders_generator import COMPACT, small_network
from weights.place import sha256

__all__ = ["CONFIG", "DISTRIBUTION", "NAME", "SmallPackage", "rounded", "write_ncnn"]

NAME = "small-x4"
DISTRIBUTION = "weights-of-tests"
CONFIG = COMPACT
_LAYERS = ["body.{0-6}"]
_HALF = 0x01306B47
_LICENCE = {"id": "MIT", "title": "MIT License", "url": "https://spdx.org/licenses/MIT", "text": "Be kind."}


def rounded(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As ncnn keeps them: weights of convolutions in 16 bits, all else in 32."""
    return {name: tensor.half() if tensor.ndim == 4 else tensor for name, tensor in state.items()}


def write_ncnn(state: Mapping[str, Tensor], *, half: bool = True) -> tuple[str, bytes]:
    """The .param and the .bin of a row of convolutions and PReLUs."""
    layers = list(_layers(state))
    rows, data = ["7767517", f"{len(layers)} {len(layers) + 1}"], b""
    for number, (weight, bias) in enumerate(layers):
        kind = "Convolution" if bias is not None else "PReLU"
        facts = f"0={weight.shape[0]}"
        if bias is not None:
            facts += f" 1={weight.shape[2]} 4=1 5=1 6={weight.numel()} -23310=1,2.000000e-01"
            data += (_HALF if half else 0).to_bytes(4, "little")
        values = weight.numpy().astype("<f2" if half and bias is not None else "<f4").tobytes()
        data += values + b"\0" * (-len(values) % 4) + (b"" if bias is None else bias.numpy().astype("<f4").tobytes())
        rows.append(f"{kind:<24} {number} 1 1 {number} {number + 1} {facts}")
    return "\n".join(rows) + "\n", data


def _layers(state: Mapping[str, Tensor]) -> Iterator[tuple[Tensor, Tensor | None]]:
    for name, tensor in state.items():
        if name.endswith(".weight"):
            yield tensor, state.get(name.replace(".weight", ".bias"))


class SmallPackage:
    """The package, in a folder that Python looks into, and what is published of the model."""

    def __init__(self, site: Path, module: str) -> None:
        """module: another one for each test, for Python remembers where it found one."""
        self.state = small_network(CONFIG).state_dict()
        self.module, self.folder = module, site / module
        (self.folder / "models").mkdir(parents=True)
        (self.folder / "__init__.py").write_text("raise RuntimeError('a package of data is never run')\n")
        param, weights = write_ncnn(self.state)
        self.param, self.weights = self.folder / "models" / "SMALL.param", self.folder / "models" / "SMALL.bin"
        self.param.write_text(param)
        self.weights.write_bytes(weights)
        about = site / f"{DISTRIBUTION.replace('-', '_')}-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 1.2\n")

    def published(self, source: str, official: bytes) -> dict[str, Any]:
        """The file of `published`, with the official file at an address."""
        files = [
            {"name": f"models/{path.name}", "size": path.stat().st_size, "sha256": sha256(path.read_bytes())}
            for path in (self.param, self.weights)
        ]
        package = {
            "distribution": DISTRIBUTION, "version": "1.2", "module": self.module, "files": files, "makes": WEIGHTS,
            "layers": _LAYERS,
        }  # fmt: skip
        fetched = {"name": WEIGHTS, "sources": [source], "size": len(official), "sha256": sha256(official)}
        return {
            "schema_version": 1, "name": NAME, "family": "generator", "version": "1", "scale": 4, "summary": "small",
            "licence": _LICENCE, "package": package,
            "files": [{"name": "config.json", "content": CONFIG}, {**fetched, "convert": True}],
        }  # fmt: skip

    def checkpoint(self, path: Path) -> bytes:
        """The official file, written to `path`: the same network, pickled in single precision."""
        torch.save({"params": self.state}, path)
        return path.read_bytes()

    def publish(self, folder: Path, source: str, official: bytes) -> None:
        """Write the file of `published`."""
        folder.mkdir()
        (folder / f"{NAME}.json").write_text(json.dumps(self.published(source, official)))
