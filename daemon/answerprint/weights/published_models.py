"""The models that can be pulled by name: data that ships with the package, one file each in `published`.

Sizes and hashes are those that were published. A file without a published hash is pulled only by a user who says so
(`--trust-first-download`); its hash is kept then, and holds from there on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from answerprint.errors import ModelError
from answerprint.weights.manifest import FileRecord, Manifest, check_file_name, check_model_name
from answerprint.weights.pulling.address import check_address

__all__ = [
    "KnownFile",
    "KnownModel",
    "Licence",
    "Original",
    "Package",
    "find_known",
    "find_original",
    "known_models",
    "parse_known",
]

_FOLDER = Path(__file__).parent / "published"
_SCHEMA_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_IN_PACKAGE = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*\.(param|bin)")


@dataclass(frozen=True, slots=True)
class Licence:
    """Under what a model may be used. text: a few sentences for people; the whole of it is at the address."""

    id: str
    title: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class KnownFile:
    """One file of a known model."""

    name: str
    """In the model's folder, as `FileRecord.name`."""
    sources: tuple[str, ...] = ()
    """Addresses that hold the same bytes, the best first."""
    size: int | None = None
    """Bytes of what the sources hold; None where nobody published it."""
    sha256: str = ""
    """Of what the sources hold; empty where nobody published it."""
    chunk_bytes: int = 0
    """Size of the parts that `chunks` are the hashes of; 0 without them."""
    chunks: tuple[str, ...] = ()
    convert: bool = False
    """The sources hold a pickled checkpoint: it is converted once, in a child of its own, and never read again."""
    content: Mapping[str, Any] | None = None
    """A small JSON file of ours, which has no source."""


@dataclass(frozen=True, slots=True)
class Original:
    """The one file in which the first makers of a model published it: `import` makes all files of the model of it."""

    about: str
    """What it is called, and by whom, for people."""
    tensors: tuple[str, ...]
    """Names that together no other file has."""
    content: Mapping[str, Mapping[str, Any]]
    """The small JSON files that belong to the model, by name: the original has none."""


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package, such as one that Answerprint depends on, that holds a model's weights in ncnn's form."""

    distribution: str
    """What pip calls it."""
    version: str
    """The one that has these files."""
    module: str
    """The folder that it is installed as."""
    files: tuple[FileRecord, FileRecord]
    """The .param and the .bin; names are below the folder."""
    makes: str
    """The file of the model that is made of them."""
    layers: tuple[str, ...]
    """Names that the network has for the layers with weights, in the order of the files, as `names_of` reads them."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that can be used once its files are in the user's model folder."""

    name: str
    family: str
    version: str
    scale: int
    summary: str
    licence: Licence
    files: tuple[KnownFile, ...]
    original: Original | None = None
    package: Package | None = None
    about_bytes: int = 0
    """Of all files, reckoned from the numbers in its networks; 0 where nobody did."""

    @property
    def size(self) -> int:
        """Bytes to be fetched: exact where all sizes are published, else about so many, as far as that is known."""
        published = sum(file.size or 0 for file in self.files)
        return max(published, self.about_bytes) if self.unsized else published

    @property
    def hosts(self) -> tuple[str, ...]:
        """The machines from which it is fetched, the usual one first."""
        found = (str(urlsplit(source).hostname) for file in self.files for source in file.sources)
        return tuple(dict.fromkeys(found))

    @property
    def unhashed(self) -> tuple[str, ...]:
        """Names of the files whose hash nobody published."""
        return tuple(file.name for file in self.files if file.sources and not file.sha256)

    @property
    def unsized(self) -> bool:
        """Whether the size of some files is not published, so that `size` is not exact."""
        return any(file.sources and file.size is None for file in self.files)

    def manifest(self, origin: str = "") -> Manifest:
        """What the manifest of its folder says, files left out. origin: where the weights are from, in words."""
        licence = self.licence
        return Manifest(
            name=self.name, family=self.family, version=self.version, licence=licence.id, summary=self.summary,
            scale=self.scale, files=(), notes="; ".join(filter(None, [f"{licence.title}: {licence.url}", origin])),
        )  # fmt: skip


@cache
def known_models() -> Mapping[str, KnownModel]:
    """Every known model by its name, sorted."""
    models = (parse_known(json.loads(path.read_bytes())) for path in _FOLDER.glob("*.json"))
    return {model.name: model for model in sorted(models, key=lambda model: model.name)}


def find_known(name: str) -> KnownModel:
    """The known model `name`. Raises ModelError when there is none."""
    try:
        return known_models()[name]
    except KeyError:
        raise ModelError(
            f"There is no known model {name!r} to pull.",
            f"Known: {', '.join(known_models())}. Files that you have: answerprint models import {name} PATH...",
        ) from None


def find_original(tensors: Collection[str]) -> KnownModel | None:
    """The known model whose original file holds tensors of these names."""
    for model in known_models().values():
        if model.original is not None and all(name in tensors for name in model.original.tensors):
            return model
    return None


def parse_known(data: Mapping[str, Any]) -> KnownModel:
    """The model that a file of `published` describes. Raises KeyError, TypeError, ValueError and ModelError."""
    if data["schema_version"] != _SCHEMA_VERSION:
        raise ValueError(f"schema_version {data['schema_version']}")
    check_model_name(data["name"])
    files = tuple(_file(row) for row in data["files"])
    if len({file.name.lower() for file in files}) != len(files):
        raise ValueError("a file is named twice")
    text = {key: str(data[key]) for key in ("name", "family", "version", "summary")}
    original = _original(data["original"]) if "original" in data else None
    licence, about = Licence(**data["licence"]), int(data.get("about_bytes", 0))
    package = _package(data["package"], files) if "package" in data else None
    return KnownModel(
        scale=int(data["scale"]), licence=licence, files=files, original=original, package=package, about_bytes=about,
        **text,
    )  # fmt: skip


def _package(row: Mapping[str, Any], files: tuple[KnownFile, ...]) -> Package:
    param, weights = (FileRecord(each["name"], int(each["size"]), each["sha256"]) for each in row["files"])
    if row["makes"] not in {file.name for file in files}:
        raise ValueError(f"{row['makes']} is no file of the model")
    for file in (param, weights):
        if not _SHA256.fullmatch(file.sha256) or not _IN_PACKAGE.fullmatch(file.name):
            raise ValueError(f"{file.name} of the package is not described")
    text = {key: str(row[key]) for key in ("distribution", "version", "module", "makes")}
    return Package(files=(param, weights), layers=tuple(row["layers"]), **text)


def _original(row: Mapping[str, Any]) -> Original:
    for name in row["content"]:
        check_file_name(name)
    if not row["tensors"]:
        raise ValueError("nothing tells the original file")
    return Original(row["about"], tuple(row["tensors"]), row["content"])


def _file(row: Mapping[str, Any]) -> KnownFile:
    file = KnownFile(
        name=row["name"],
        sources=tuple(row.get("sources", ())),
        size=row.get("size"),
        sha256=row.get("sha256", ""),
        chunk_bytes=row.get("chunk_bytes", 0),
        chunks=tuple(row.get("chunks", ())),
        convert=row.get("convert", False),
        content=row.get("content"),
    )
    check_file_name(file.name)
    for source in file.sources:
        check_address(source)
    if not file.sources and file.content is None:
        raise ValueError(f"{file.name} has no source")
    if any(not _SHA256.fullmatch(digest) for digest in (*file.chunks, *([file.sha256] if file.sha256 else []))):
        raise ValueError(f"a hash of {file.name} is not 64 hexadecimal digits")
    if file.chunks and (not file.size or len(file.chunks) != -(-file.size // max(1, file.chunk_bytes))):
        raise ValueError(f"the parts of {file.name} do not make up its size")
    return file
