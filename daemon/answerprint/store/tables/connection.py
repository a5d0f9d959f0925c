"""The connection to the journal: opens, checks and migrates it, and translates SQLite's errors."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from answerprint.errors import DiskFullError, JournalError, StorageError
from answerprint.store import atomic
from answerprint.store.failpoints import reach
from answerprint.store.quota import room, storage_error
from answerprint.store.tables.rows import REBUILD
from answerprint.store.tables.schema import APPLICATION_ID, MIGRATIONS, VERSION

__all__ = ["JournalConnection", "connect_read_only", "file_version", "translate_errors"]

_BUSY_SECONDS = 5.0
_LOG_LIMIT_BYTES = 16 << 20
_SMALL_BYTES = 32 << 20  # a full check of this much takes well under a second
_TIGHT_BYTES = 1 << 20
# Our SQL is fixed, so these errors mean a damaged journal: a missing table, invalid JSON, text that is not Unicode.
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR})


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Translate errors of SQLite and the disk in the block into JournalError or DiskFullError."""
    try:
        yield
    except UnicodeDecodeError as error:  # from Python, for damaged names in SQLite's messages
        raise JournalError(f"The journal of jobs, {path}, is damaged.", REBUILD) from error
    except sqlite3.Error as error:
        raise _translate(error, path) from error
    except OSError as error:
        translated = storage_error(error, path)
        raise (
            translated if isinstance(translated, DiskFullError) else JournalError(translated.message, translated.remedy)
        ) from error


def _translate(error: sqlite3.Error, path: Path) -> JournalError | StorageError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    # A full disk has many symptoms: the log, its index or the folder cannot grow.
    tight = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _room(path) < _TIGHT_BYTES
    if code == sqlite3.SQLITE_FULL or tight:
        return DiskFullError(
            f"The disk is full: the journal of jobs cannot grow in {path.parent}.",
            "Free some space there. The jobs then resume.",
            needed_bytes=_LOG_LIMIT_BYTES,
            folder=str(path.parent),
        )
    if code in _DAMAGE:
        return JournalError(f"The journal of jobs, {path}, is damaged.", REBUILD)
    if code == sqlite3.SQLITE_BUSY:
        return JournalError(f"The journal of jobs, {path}, is locked by another process.", "End that process.")
    return JournalError(
        f"The journal of jobs, {path}, cannot be used ({error}).", "Check the disk and its permissions."
    )


def _room(path: Path) -> int:
    try:
        return room(path.parent)
    except OSError:
        return sys.maxsize


class JournalConnection:
    """SQLite with durable commits, and transactions that apply completely or not at all."""

    def __init__(self, path: Path) -> None:
        """Open or create the journal at path. Raises JournalError, without changing it, and DiskFullError."""
        self.path = path
        with translate_errors(path):
            unclean = _prepare(path)
            version = _inspect(path, unclean=unclean)
            self._sqlite = _connect(path)
            try:
                self._migrate(version)
            except BaseException:
                self._sqlite.close()
                raise

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with translate_errors(self.path):
            return self._sqlite.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with translate_errors(self.path):
            row: sqlite3.Row | None = self._sqlite.execute(sql, values).fetchone()
            return row

    def raw_rows(self, sql: str) -> list[dict[str, object]]:
        """All rows of a query; text that is not valid Unicode is replaced."""
        with translate_errors(self.path):
            usual = self._sqlite.text_factory
            self._sqlite.text_factory = lambda data: data.decode("utf-8", "replace")
            try:
                return [{key: _plain(row[key]) for key in row.keys()} for row in self._sqlite.execute(sql)]  # noqa: SIM118
            finally:
                self._sqlite.text_factory = usual

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block in a transaction: on disk afterwards, or rolled back if the block raises."""
        with translate_errors(self.path):
            self._sqlite.execute("BEGIN IMMEDIATE")
            try:
                yield self._sqlite
                reach("journal_before_commit")
                self._sqlite.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            reach("journal_after_commit")

    def _roll_back(self) -> None:
        """Roll back; if that fails, open a new connection."""
        with suppress(sqlite3.Error):
            if self._sqlite.in_transaction:  # SQLite rolls back by itself after some errors
                self._sqlite.execute("ROLLBACK")
        if self._sqlite.in_transaction:
            self._sqlite.close()
            self._sqlite = _connect(self.path)

    def close(self) -> None:
        """Close the journal, leaving one complete file without a log."""
        with translate_errors(self.path):
            self._sqlite.close()

    def _migrate(self, version: int) -> None:
        if version == VERSION:
            return
        if version:
            _back_up(self._sqlite, self.path, version)
        with self.transaction() as sqlite:  # one transaction, so that no migration is half done
            for number in range(version + 1, VERSION + 1):
                MIGRATIONS[number](sqlite)
            sqlite.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            sqlite.execute(f"PRAGMA user_version = {VERSION}")


def _plain(value: object) -> object:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def connect_read_only(path: Path, *, alone: bool = False) -> sqlite3.Connection:
    """A read-only connection, with or without a running daemon. Raises sqlite3.Error.

    alone: nobody writes and there is no log; then SQLite does not create empty log files.
    """
    options = "mode=ro&immutable=1" if alone else "mode=ro"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{options}", uri=True, timeout=_BUSY_SECONDS)
    connection.row_factory = sqlite3.Row
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level None: only this module begins and ends transactions.
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT_BYTES}")
    except BaseException:
        connection.close()
        raise
    if mode != "wal":
        connection.close()
        raise JournalError(
            f"{path.parent} is not safe for the journal of jobs: it does not support SQLite's WAL mode.",
            "Set ANSWERPRINT_HOME to a local disk.",
        )
    return connection


def _prepare(path: Path) -> bool:
    """Create folder and file, accessible only to their owner. Returns whether there is a log to replay."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _restrict(path.parent, 0o700)
    log = path.with_name(path.name + "-wal")
    if not path.exists() and not path.is_symlink():
        if log.exists() and log.stat().st_size:
            # SQLite would discard the log, and with it the last commits.
            raise JournalError(f"The journal of jobs, {path}, is missing, but its log exists.", REBUILD)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if not stat.S_ISREG(path.lstat().st_mode):
        raise JournalError(f"{path} is not a regular file.", "Move it away.")
    _restrict(path, 0o600)
    return log.exists() and log.stat().st_size > 0


def _restrict(path: Path, mode: int) -> None:
    if os.name != "nt" and path.stat().st_mode & 0o077:
        path.chmod(mode)


def _inspect(path: Path, *, unclean: bool) -> int:
    """The version of the journal, 0 for a new one; changes nothing. Raises JournalError if it cannot be used."""
    connection = connect_read_only(path, alone=not unclean)
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not tables and not version and not application:
            return 0
        if application != APPLICATION_ID:
            raise JournalError(f"{path} is not a journal of jobs.", "Move it away.")
        if version > VERSION:
            raise JournalError(
                f"The journal of jobs, {path}, has format {version}; this program knows formats up to {VERSION}.",
                "Use the newer version of Answerprint that wrote it.",
            )
        check = "integrity_check" if unclean or path.stat().st_size <= _SMALL_BYTES else "quick_check"
        found = connection.execute(f"PRAGMA {check}(1)").fetchone()[0]
        if found != "ok":
            raise JournalError(f"The journal of jobs, {path}, is damaged ({found}).", REBUILD)
    finally:
        connection.close()
    return version


def file_version(path: Path) -> int | None:
    """The version in the header of a journal; None if it cannot be read."""
    if not path.is_file():
        return None
    try:
        connection = connect_read_only(path)
        try:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Write a complete copy of the journal beside it."""
    final = path.with_name(f"{path.name}.backup-v{version}")
    temporary = atomic.temporary_beside(final, mode=0o600)
    try:
        connection.execute("VACUUM INTO ?", (str(temporary),))
        atomic.publish(temporary, final, overwrite=True)
    finally:
        temporary.unlink(missing_ok=True)
