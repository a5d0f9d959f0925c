"""PyTorch checkpoints read as what they should be: names, and numbers in a row. Nothing that they name is ever called.

`torch.load` is not used: its guard against code was passed twice (CVE-2025-32434, CVE-2026-24747). Here a pickle can
name only what stands in `_GLOBALS`, and gets stand-ins of this module for it. Both forms that `torch.save` has written
are read: the zip of version 1.6 and later, and the row of pickles before it.
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
"""Of a storage's class: the name of its numbers in a safetensors file, and bytes each."""


@dataclass(slots=True)
class Storage:
    """Numbers in a row. offset: of the first byte in the file."""

    dtype: str
    item_bytes: int
    count: int
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Tensor:
    """A view of a storage; first and strides count numbers, not bytes."""

    storage: Storage
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Without gaps."""
        return prod(self.shape) * self.storage.item_bytes

    @property
    def is_dense(self) -> bool:
        """Whether its numbers lie in the order of its axes, without gaps."""
        expected = 1
        for side, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if side != 1 and stride != expected:
                return not prod(self.shape)
            expected *= side
        return True


def read_checkpoint(file: BinaryIO, size: int) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, each within its storage and each storage within the file.

    What wraps them is taken off ("state_dict", "module."). Raises ValueError, in words, for all else.
    """
    try:
        head = file.read(2)
        file.seek(0)
        value = _read_zip(file, size) if head == b"PK" else _read_row(file, size)
        return _tensors(value)
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, AttributeError, IndexError) as error:
        raise ValueError(f"it is not a checkpoint that can be read ({str(error) or type(error).__name__})") from error
    except (TypeError, KeyError, RecursionError, OverflowError, MemoryError, NotImplementedError) as error:
        raise ValueError(f"it is not a checkpoint that can be read ({type(error).__name__})") from error


def _read_zip(file: BinaryIO, size: int) -> object:
    with zipfile.ZipFile(file) as archive:
        members = {name.partition("/")[2]: info for name, info in archive.NameToInfo.items()}
        if "data.pkl" not in members:
            raise ValueError("it is a zip archive without a checkpoint in it")
        if any(info.compress_type != zipfile.ZIP_STORED for info in members.values()):
            raise ValueError("its parts are packed, which those of no checkpoint are")
        if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
            raise ValueError("it was written on a big-endian machine")
        if members["data.pkl"].file_size > _MOST_PICKLE_BYTES:
            raise ValueError("its list of tensors is too long")
        reader = _Reader(io.BytesIO(archive.read(members["data.pkl"])))
        value = reader.load()
        for key, storage in reader.storages.items():
            info = members[f"data/{key}"]
            with archive.open(info) as member:  # reads the local header, which alone knows where the data begins
                del member
            storage.offset = _data_offset(file, info.header_offset)
            if storage.count * storage.item_bytes > min(info.file_size, size - storage.offset):
                raise ValueError("a tensor of it lies outside the file")
    return value


def _data_offset(file: BinaryIO, header: int) -> int:
    file.seek(header + 26)
    lengths = file.read(4)
    return header + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")


def _read_row(file: BinaryIO, size: int) -> object:
    if _Reader(file).load() != _MAGIC:
        raise ValueError("it is a pickle, but no checkpoint")
    _Reader(file).load()  # the version of the form
    about = _Reader(file).load()
    if not isinstance(about, dict) or not about.get("little_endian", False):
        raise ValueError("it was written on a big-endian machine")
    reader = _Reader(file)
    value = reader.load()
    for key in _Reader(file).load():
        storage = reader.storages[str(key)]
        if int.from_bytes(file.read(8), "little") != storage.count:
            raise ValueError("a tensor of it has another length than its list says")
        storage.offset = file.tell()
        if storage.offset + storage.count * storage.item_bytes > size:
            raise ValueError("it was cut off")
        file.seek(storage.count * storage.item_bytes, io.SEEK_CUR)
    return value


def _tensors(value: object) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(value, dict) and isinstance(value.get(wrapper), dict):
            value = value[wrapper]
    if not isinstance(value, dict):
        raise ValueError("it holds no tensors by name")
    found = {name.removeprefix(_PREFIX): each for name, each in value.items() if isinstance(each, Tensor)}
    if not found or len(found) > _MOST_TENSORS or any(each.storage.offset < 0 for each in found.values()):
        raise ValueError("it holds no tensors by name")
    return found


class _Inert:
    """What stands for an object that is of no use here: it takes everything and does nothing."""

    def __init__(self, *ignored: object, **also: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        """Nothing."""

    def extend(self, values: object) -> None:
        """Nothing."""


def _rebuild(storage: Any, first: Any, shape: Any, strides: Any, *ignored: object) -> Tensor:  # noqa: ANN401
    """A tensor, where what the pickle says of it is possible. Raises ValueError."""
    shape, strides = tuple(shape), tuple(strides)
    numbers = (first, *shape, *strides)
    if not isinstance(storage, Storage) or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError("a tensor of it is not described in a known form")
    if len(shape) != len(strides) or len(shape) > 16:
        raise ValueError("a tensor of it is not described in a known form")
    last = first + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if prod(shape) and last >= storage.count:
        raise ValueError("a tensor of it lies outside its numbers")
    return Tensor(storage, first, shape, strides)


def _rebuild_parameter(tensor: object, *ignored: object) -> object:
    return tensor


class _Table(dict[Any, Any]):
    """An ordered dictionary. PyTorch's modules hang versions of their layers on theirs, which are of no use here."""

    def __setstate__(self, state: object) -> None:
        pass


_GLOBALS: Mapping[tuple[str, str], Callable[..., object] | type] = {
    ("collections", "OrderedDict"): _Table,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch._utils", "_rebuild_tensor"): _rebuild,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch", "Size"): tuple,
    # What training programs leave beside the tensors.
    ("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"): _Inert,
    ("pytorch_lightning.utilities.parsing", "AttributeDict"): _Inert,
    ("numpy.core.multiarray", "scalar"): _Inert,
    ("numpy", "dtype"): _Inert,
    ("_codecs", "encode"): _Inert,
}
"""All that a checkpoint may name, and what it gets instead."""


class _Reader(pickle.Unpickler):
    """Reads one pickle. storages: those it names, by key."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        """A stand-in. Raises ValueError for what no checkpoint needs: nothing is imported, whatever is named."""
        if module == "torch" and name in _DTYPES:
            return name
        try:
            return _GLOBALS[module, name]
        except KeyError:
            raise ValueError(f"it would run {module[:60]}.{name[:60]}, which no weights need") from None

    def persistent_load(self, pid: Any) -> Storage:  # noqa: ANN401
        """The storage that is meant. Raises ValueError."""
        kind, type_name, key, _, count, *view = pid
        if kind != "storage" or type_name not in _DTYPES or type(count) is not int or count < 0 or any(view):
            raise ValueError("a tensor of it is not described in a known form")
        dtype, item_bytes = _DTYPES[type_name]
        storage = self.storages.setdefault(str(key), Storage(dtype, item_bytes, count))
        if (storage.dtype, storage.count) != (dtype, count):
            raise ValueError("a tensor of it is described twice, and differently")
        return storage
