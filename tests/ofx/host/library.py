"""The host's library with the types of its functions, which stand in driver.h alone."""

from __future__ import annotations

import ctypes
import re
from functools import cache
from pathlib import Path

from ofx.compiling import HOST_SOURCES, compile_c

__all__ = ["Layout", "Render", "host_library"]

_HEADER = Path(__file__).parent / "driver.h"
_FUNCTION = re.compile(r"^([A-Za-z][\w ]*?[ *]+)(\w+)\(([^()]*)\);", re.MULTILINE)


class Layout(ctypes.Structure):
    """The shape of an image; see driver.h."""

    _fields_ = (
        ("bytes", ctypes.c_int),
        ("bounds", ctypes.c_int * 4),
        ("region", ctypes.c_int * 4),
        ("negative_rows", ctypes.c_int),
        ("padding", ctypes.c_int),
        ("scale", ctypes.c_double * 2),
        ("aspect", ctypes.c_double),
        ("premultiplication", ctypes.c_char_p),
        ("field", ctypes.c_char_p),
    )


class Render(ctypes.Structure):
    """The arguments of a render, and what came of it; see driver.h."""

    _fields_ = (
        ("time", ctypes.c_double),
        ("window", ctypes.c_int * 4),
        ("scale", ctypes.c_double * 2),
        ("field", ctypes.c_char_p),
        ("sequential", ctypes.c_int),
        ("interactive", ctypes.c_int),
        ("draft", ctypes.c_int),
        ("has_source_frame", ctypes.c_int),
        ("source_frame", ctypes.c_int),
        ("skip", ctypes.c_int),
        ("region", ctypes.c_double * 4),
        ("identity", ctypes.c_int),
        ("frames", ctypes.c_double * 2),
        ("nanoseconds", ctypes.c_longlong),
    )


def _type_of(declaration: str) -> type | None:
    """The type in ctypes of a C parameter or result, without its name."""
    words = declaration.replace("*", " * ").split()
    if "*" in words:
        return ctypes.c_char_p if "char" in words and "const" in words else ctypes.c_void_p
    plain: dict[str, type | None] = {
        "int": ctypes.c_int,
        "double": ctypes.c_double,
        "char": ctypes.c_char,
        "void": None,
    }
    return plain[words[0]]


@cache
def host_library() -> ctypes.CDLL:
    """Compile the host if needed, and load it."""
    library = ctypes.CDLL(str(compile_c("host.so", HOST_SOURCES)))
    for result, name, parameters in _FUNCTION.findall(
        re.sub(r"/\*.*?\*/", "", _HEADER.read_text("utf-8"), flags=re.DOTALL)
    ):
        function = getattr(library, name)
        function.restype = _type_of(result)
        each = [part.strip() for part in parameters.split(",") if part.strip() not in ("", "void")]
        function.argtypes = [_type_of(re.sub(r"\w+$", "", part)) for part in each]
    return library
