"""Read PyTorch checkpoints as plain data, without calling anything that they name.

`torch.load` is not used: its protection against code was bypassed twice (CVE-2025-32434, CVE-2026-24747). Here a pickle
can name only the entries of `_GLOBALS`, which are replaced by this module's own classes. Both formats of `torch.save`
are supported: the zip archive of version 1.6 and later, and the older sequence of pickles.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

__all__ = ["Storage", "Tensor", "read_checkpoint"]

_MAGIC = 0x1950A86A20F9469CFC6C
_MOST_PICKLE_BYTES = 64 << 20
_MOST_TENSORS = 100_000
_WRAPPERS = ("state_dict", "params_ema", "params")
_PREFIX = "module."

_DTYPES: Mapping[str, tuple[str, int]] = {
    "DoubleStorage": ("F64", 8), "FloatStorage": ("F32", 4), "HalfStorage": ("F16", 2), "BFloat16Storage": ("BF16", 2),
    "LongStorage": ("I64", 8), "IntStorage": ("I32", 4), "ShortStorage": ("I16", 2), "CharStorage": ("I8", 1),
    "ByteStorage": ("U8", 1), "BoolStorage": ("BOOL", 1),
}  # fmt: skip
"""By storage class: dtype in safetensors, and bytes per number."""


@dataclass(slots=True)
class Storage:
    """A flat array of numbers. offset: of its first byte in the file."""

    dtype: str
    item_bytes: int
    count: int
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Tensor:
    """A view of a storage; first and strides are in numbers, not bytes."""

    storage: Storage
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Size of its data, without gaps."""
        return prod(self.shape) * self.storage.item_bytes

    @property
    def is_dense(self) -> bool:
        """Whether it is contiguous in the order of its axes."""
        expected = 1
        for side, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if side != 1 and stride != expected:
                return not prod(self.shape)
            expected *= side
        return True


def read_checkpoint(file: BinaryIO, size: int) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, each within its storage and each storage within the file.

    Wrappers ("state_dict", "module.") are removed. Raises ValueError with a description for anything else.
    """
    try:
        head = file.read(2)
        file.seek(0)
        value = _read_zip(file, size) if head == b"PK" else _read_legacy(file, size)
        return _tensors(value)
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, AttributeError, IndexError) as error:
        raise ValueError(f"it is not a readable checkpoint ({str(error) or type(error).__name__})") from error
    except (TypeError, KeyError, RecursionError, OverflowError, MemoryError, NotImplementedError) as error:
        raise ValueError(f"it is not a readable checkpoint ({type(error).__name__})") from error


def _read_zip(file: BinaryIO, size: int) -> object:
    with zipfile.ZipFile(file) as archive:
        members = {name.partition("/")[2]: info for name, info in archive.NameToInfo.items()}
        if "data.pkl" not in members:
            raise ValueError("it is a zip archive without a checkpoint")
        if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
            raise ValueError("it is a compressed archive, which checkpoints never are")
        if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
            raise ValueError("it was written on a big-endian machine")
        if members["data.pkl"].file_size > _MOST_PICKLE_BYTES:
            raise ValueError("its list of tensors is too long")
        reader = _Reader(io.BytesIO(archive.read(members["data.pkl"])))
        value = reader.load()
        for key, storage in reader.storages.items():
            info = members[f"data/{key}"]
            with archive.open(info) as member:  # reads the local header, which has the offset of the data
                del member
            storage.offset = _data_offset(file, info.header_offset)
            if storage.count * storage.item_bytes > min(info.file_size, size - storage.offset):
                raise ValueError("one of its tensors is outside the file")
    return value


def _data_offset(file: BinaryIO, header: int) -> int:
    file.seek(header + 26)
    lengths = file.read(4)
    return header + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")


def _read_legacy(file: BinaryIO, size: int) -> object:
    if _Reader(file).load() != _MAGIC:
        raise ValueError("it is a pickle but not a checkpoint")
    _Reader(file).load()  # the format version
    about = _Reader(file).load()
    if not isinstance(about, dict) or not about.get("little_endian", False):
        raise ValueError("it was written on a big-endian machine")
    reader = _Reader(file)
    value = reader.load()
    for key in _Reader(file).load():
        storage = reader.storages[str(key)]
        if int.from_bytes(file.read(8), "little") != storage.count:
            raise ValueError("one of its tensors has the wrong length")
        storage.offset = file.tell()
        if storage.offset + storage.count * storage.item_bytes > size:
            raise ValueError("it is truncated")
        file.seek(storage.count * storage.item_bytes, io.SEEK_CUR)
    return value


def _tensors(value: object) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(value, dict) and isinstance(value.get(wrapper), dict):
            value = value[wrapper]
    if not isinstance(value, dict):
        raise ValueError("it contains no named tensors")
    found = {name.removeprefix(_PREFIX): each for name, each in value.items() if isinstance(each, Tensor)}
    if not found or len(found) > _MOST_TENSORS or any(each.storage.offset < 0 for each in found.values()):
        raise ValueError("it contains no named tensors")
    return found


class _Inert:
    """Placeholder for irrelevant objects: accepts everything and does nothing."""

    def __init__(self, *ignored: object, **also: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Does nothing."""

    def extend(self, values: object) -> None:
        """Does nothing."""


def _rebuild(storage: Any, first: Any, shape: Any, strides: Any, *ignored: object) -> Tensor:  # noqa: ANN401
    """A tensor with a valid description. Raises ValueError."""
    shape, strides = tuple(shape), tuple(strides)
    numbers = (first, *shape, *strides)
    if not isinstance(storage, Storage) or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError("one of its tensors has an invalid description")
    if len(shape) != len(strides) or len(shape) > 16:
        raise ValueError("one of its tensors has an invalid description")
    last = first + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if prod(shape) and last >= storage.count:
        raise ValueError("one of its tensors is outside its storage")
    return Tensor(storage, first, shape, strides)


def _rebuild_parameter(tensor: object, *ignored: object) -> object:
    return tensor


class _Table(dict[Any, Any]):
    """Replaces OrderedDict; ignores the metadata that PyTorch's modules attach to state dicts."""

    def __setstate__(self, state: object) -> None:
        pass


_GLOBALS: Mapping[tuple[str, str], Callable[..., object] | type] = {
    ("collections", "OrderedDict"): _Table,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch._utils", "_rebuild_tensor"): _rebuild,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch", "Size"): tuple,
    # Left beside the tensors by training programs.
    ("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"): _Inert,
    ("pytorch_lightning.utilities.parsing", "AttributeDict"): _Inert,
    ("numpy.core.multiarray", "scalar"): _Inert,
    ("numpy", "dtype"): _Inert,
    ("_codecs", "encode"): _Inert,
}
"""The globals that a checkpoint may name, and their replacements."""


class _Reader(pickle.Unpickler):
    """Reads one pickle. storages: those it refers to, by key."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        """The replacement of a global. Raises ValueError for others; nothing is ever imported."""
        if module == "torch" and name in _DTYPES:
            return name
        try:
            return _GLOBALS[module, name]
        except KeyError:
            raise ValueError(f"it would run {module[:60]}.{name[:60]}, which weights do not need") from None

    def persistent_load(self, pid: Any) -> Storage:  # noqa: ANN401
        """The storage of a persistent id. Raises ValueError."""
        kind, type_name, key, _, count, *view = pid
        if kind != "storage" or type_name not in _DTYPES or type(count) is not int or count < 0 or any(view):
            raise ValueError("one of its tensors has an invalid description")
        dtype, item_bytes = _DTYPES[type_name]
        storage = self.storages.setdefault(str(key), Storage(dtype, item_bytes, count))
        if (storage.dtype, storage.count) != (dtype, count):
            raise ValueError("one of its tensors has contradicting descriptions")
        return storage
