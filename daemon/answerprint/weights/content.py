"""What a file is by its content, whatever its name says; a form that is not known is refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Literal

from answerprint.errors import ModelError
from answerprint.weights.header import check_safetensors
from answerprint.weights.verify import MAX_TEXT_BYTES

__all__ = ["FileForm", "check_form", "form_of"]

FileForm = Literal["safetensors", "pickle", "json", "text"]

_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"  # protocol 2 and later, which is all that PyTorch ever wrote
_HEAD_BYTES = 512
_REMEDY = "Weights are .safetensors files, or PyTorch checkpoints to be converted; get the file from its makers."


def form_of(path: Path) -> FileForm:
    """The form of a plain file; of a pickled one nothing is read but its first bytes. Raises ModelError."""
    try:
        kind = path.lstat().st_mode
        if stat.S_ISLNK(kind):
            kind = path.stat().st_mode
        if not stat.S_ISREG(kind):  # devices and pipes could be read for ever
            raise ModelError(f"{path} is not a plain file.", "Name the files themselves.")
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if head.startswith((_ZIP, _PICKLE)) and not _begins_a_header(head):
            return "pickle"
        if _begins_a_header(head):
            check_safetensors(path)
            return "safetensors"
        return _form_of_text(path)
    except ValueError as error:
        raise ModelError(f"{path} cannot be used: {error}.", _REMEDY) from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.", "Check the file.") from error


def check_form(path: Path, name: str) -> None:
    """Raise ModelError unless a file has the form that the name it is to get promises."""
    wanted = {".safetensors": "safetensors", ".json": "json"}.get(Path(name).suffix, "text")
    found = form_of(path)
    if found != wanted and not (wanted == "text" and found == "json"):
        raise ModelError(f"{name} is not {_WORDS[wanted]}: by its content it is {_WORDS[found]}.", _REMEDY)


_WORDS = {"safetensors": "a safetensors file", "pickle": "a pickled checkpoint", "json": "JSON", "text": "text"}


def _begins_a_header(head: bytes) -> bool:
    """Whether the eight bytes of a length are followed by a JSON object, as in every safetensors file."""
    return head[8:9] == b"{"


def _form_of_text(path: Path) -> FileForm:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise ValueError("it is neither safetensors nor a PyTorch checkpoint, and too large for text")
    data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ValueError("it is of no form that is known") from error
    if not data or "\0" in text:
        raise ValueError("it is of no form that is known")
    try:
        return "json" if isinstance(json.loads(text), dict) else "text"
    except (ValueError, RecursionError):
        return "text"
