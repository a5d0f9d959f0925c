"""The models that can be pulled by name; each is described by a file in `published`.

Sizes and hashes are the published ones. A file without a published hash is downloaded only with
`--trust-first-download`; its hash is then stored and checked from then on.
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
    """A model's licence. text: a short summary for users; the full text is at `url`."""

    id: str
    title: str
    url: str
    text: str


@dataclass(frozen=True, slots=True)
class KnownFile:
    """One file of a known model."""

    name: str
    """Name in the model's folder, as `FileRecord.name`."""
    sources: tuple[str, ...] = ()
    """URLs of the same file, the best first."""
    size: int | None = None
    """Size of the source file in bytes; None if not published."""
    sha256: str = ""
    """SHA-256 of the source file; empty if not published."""
    chunk_bytes: int = 0
    """Size of the parts hashed in `chunks`; 0 without them."""
    chunks: tuple[str, ...] = ()
    convert: bool = False
    """The source is a pickled checkpoint: it is converted once, in a child process, and never read again."""
    content: Mapping[str, Any] | None = None
    """Content of a small JSON file that ships with Answerprint and has no source."""


@dataclass(frozen=True, slots=True)
class Original:
    """A model's original single-file checkpoint, which `import` can convert to all files of the model."""

    about: str
    """File name and author, for users."""
    tensors: tuple[str, ...]
    """Tensor names that together identify the file."""
    content: Mapping[str, Mapping[str, Any]]
    """The model's JSON files by name, which the original lacks."""


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package that contains a model's weights in ncnn's format."""

    distribution: str
    """Its name for pip."""
    version: str
    """The version that contains these files."""
    module: str
    """Its installed module (folder)."""
    files: tuple[FileRecord, FileRecord]
    """The .param and the .bin; names are relative to the module's folder."""
    makes: str
    """The model's file created from them."""
    layers: tuple[str, ...]
    """The network's names of the layers with weights, in file order, as `names_of` patterns."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that can be installed."""

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
    """Estimated size of all files, from the number of parameters; 0 if unknown."""

    @property
    def size(self) -> int:
        """Bytes to download: exact if all sizes are published, else estimated as far as known."""
        published = sum(file.size or 0 for file in self.files)
        return max(published, self.about_bytes) if self.unsized else published

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts it is downloaded from, the usual one first."""
        found = (str(urlsplit(source).hostname) for file in self.files for source in file.sources)
        return tuple(dict.fromkeys(found))

    @property
    def unhashed(self) -> tuple[str, ...]:
        """Names of files without a published hash."""
        return tuple(file.name for file in self.files if file.sources and not file.sha256)

    @property
    def unsized(self) -> bool:
        """Whether some file has no published size, so that `size` is an estimate."""
        return any(file.sources and file.size is None for file in self.files)

    def manifest(self, origin: str = "") -> Manifest:
        """Its manifest, without files. origin: a note on where the weights come from."""
        licence = self.licence
        return Manifest(
            name=self.name, family=self.family, version=self.version, licence=licence.id, summary=self.summary,
            scale=self.scale, files=(), notes="; ".join(filter(None, [f"{licence.title}: {licence.url}", origin])),
        )  # fmt: skip


@cache
def known_models() -> Mapping[str, KnownModel]:
    """All known models by name, sorted."""
    models = (parse_known(json.loads(path.read_bytes())) for path in _FOLDER.glob("*.json"))
    return {model.name: model for model in sorted(models, key=lambda model: model.name)}


def find_known(name: str) -> KnownModel:
    """The known model `name`. Raises ModelError if there is none."""
    try:
        return known_models()[name]
    except KeyError:
        raise ModelError(
            f"Unknown model {name!r}.",
            f"Known: {', '.join(known_models())}. For files that you have: answerprint models import {name} PATH...",
        ) from None


def find_original(tensors: Collection[str]) -> KnownModel | None:
    """The known model whose original checkpoint has tensors of these names."""
    for model in known_models().values():
        if model.original is not None and all(name in tensors for name in model.original.tensors):
            return model
    return None


def parse_known(data: Mapping[str, Any]) -> KnownModel:
    """Parse a file of `published`. Raises KeyError, TypeError, ValueError and ModelError."""
    if data["schema_version"] != _SCHEMA_VERSION:
        raise ValueError(f"schema_version {data['schema_version']}")
    check_model_name(data["name"])
    files = tuple(_file(row) for row in data["files"])
    if len({file.name.lower() for file in files}) != len(files):
        raise ValueError("a file is listed twice")
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
        raise ValueError(f"{row['makes']} is not a file of the model")
    for file in (param, weights):
        if not _SHA256.fullmatch(file.sha256) or not _IN_PACKAGE.fullmatch(file.name):
            raise ValueError(f"{file.name} of the package has an invalid description")
    text = {key: str(row[key]) for key in ("distribution", "version", "module", "makes")}
    return Package(files=(param, weights), layers=tuple(row["layers"]), **text)


def _original(row: Mapping[str, Any]) -> Original:
    for name in row["content"]:
        check_file_name(name)
    if not row["tensors"]:
        raise ValueError("the original has no identifying tensors")
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
        raise ValueError(f"the parts of {file.name} do not add up to its size")
    return file
