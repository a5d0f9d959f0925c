"""Read config.toml, with the lines of its settings for error messages."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answerprint.errors import InputError

__all__ = ["SettingsFile", "read_settings_file"]

_HOW = 'Write each setting as NAME = VALUE, with text in quotes ("..."), or remove the file.'
_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?")
_AT_LINE = re.compile(r"\s*\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The content of config.toml. values: settings and tables by name. text: the file as written."""

    path: Path
    values: dict[str, Any]
    text: str

    def place(self, name: str, table: str = "") -> str:
        """The file and, if known, the line of a setting."""
        within = ""
        written = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=""")
        dotted = re.compile(rf"""\s*{re.escape(table)}\s*\.\s*["']?{re.escape(name)}["']?\s*=""") if table else None
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := _TABLE.fullmatch(line):
                within = header[1]
            elif (within == table and written.match(line)) or (dotted and not within and dotted.match(line)):
                return f"{self.path}, line {number}"
        return str(self.path)


def read_settings_file(path: Path) -> SettingsFile:
    """Read the file; a missing file is empty. Raises InputError with the line if it is not valid TOML."""
    data = b""
    try:
        data = path.read_bytes()
        text = data.decode()
        return SettingsFile(path, tomllib.loads(text), text)
    except (FileNotFoundError, NotADirectoryError):
        return SettingsFile(path, {}, "")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).", "Check its permissions.") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}, cannot be read: it is not UTF-8.", "Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        reason = _AT_LINE.sub("", str(error)).strip().rstrip(".")
        at = _AT_LINE.search(str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        lines = text.splitlines()
        written = f": {lines[line - 1].strip()[:80]!r}" if 0 < line <= len(lines) else ""
        raise InputError(f"{path}, line {line}, cannot be read ({reason}){written}.", _HOW) from error
