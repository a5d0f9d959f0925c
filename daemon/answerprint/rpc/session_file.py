"""How clients find the daemon: the session file, in a folder that only its user can open.

    RUN/            0700
        lock        held by the daemon while it lives
        d.sock      where it listens; in another short, private folder when this path would be too long
        session.json  0600: endpoint, token, pid, start id and protocol of the daemon that runs

File modes are the gate: gRPC checks that a peer is on this machine, not whose it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from answerprint.errors import NoDaemonError
from answerprint.store import atomic

__all__ = [
    "PROTOCOL",
    "TCP",
    "Session",
    "check_private",
    "choose_socket",
    "lock_path",
    "new_token",
    "prepare_run_folder",
    "private_umask",
    "read_session",
    "remove_session",
    "remove_stale_socket",
    "root_warning",
    "write_session",
]

PROTOCOL = 1
"""Of the contract in proto/; a client of another number asks the user to restart the daemon."""

TCP = os.name == "nt"
"""Windows has no Unix sockets in gRPC: there a port of the loopback that the system chooses."""

_LONGEST_SOCKET = 100  # bytes; sun_path takes 108 on Linux and 104 on macOS
_PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")  # gRPC reads the path as part of a URI
_MAX_SESSION_BYTES = 1 << 16
_ENDPOINT = re.compile(r"unix:/.+|127\.0\.0\.1:\d{1,5}")


@dataclass(frozen=True, slots=True)
class Session:
    """What a client must know of a running daemon. endpoint: unix:/PATH or 127.0.0.1:PORT. token: of this start."""

    endpoint: str
    token: str
    pid: int
    start_id: str
    protocol: int = PROTOCOL

    @property
    def socket(self) -> Path | None:
        """The Unix socket, None where it is a port."""
        return Path(self.endpoint.removeprefix("unix:")) if self.endpoint.startswith("unix:") else None


def new_token() -> str:
    """Return a secret for one start of the daemon: what an old one leaked, or a foreign process on an old port learns,
    opens nothing.
    """
    return secrets.token_hex(32)


def lock_path(run: Path) -> Path:
    """The file whose lock the only daemon holds."""
    return run / "lock"


def session_path(run: Path) -> Path:
    """The file that tells clients where the daemon is."""
    return run / "session.json"


def prepare_run_folder(folder: Path) -> None:
    """Create the folder for its user alone, or check the one that is there. Raises NoDaemonError."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    except OSError as error:
        raise NoDaemonError(
            f"Could not create the folder {folder} ({error.strerror}).",
            "Create it, or set ANSWERPRINT_HOME to another.",
        ) from error
    check_private(folder)


def check_private(folder: Path) -> None:
    """Raise NoDaemonError unless the folder is a real one, ours, and closed to everyone else."""
    if os.name == "nt":
        return  # the application data of a user is closed to other users by its access list
    remedy = f"Remove it, or make it yours alone: chmod 700 {folder}"
    try:
        found = folder.lstat()
    except OSError as error:
        raise NoDaemonError(f"{folder} cannot be examined ({error.strerror}).", "Start the daemon again.") from error
    if not stat.S_ISDIR(found.st_mode):
        raise NoDaemonError(f"{folder} is not a folder.", remedy)
    if found.st_uid != os.getuid():
        raise NoDaemonError(f"{folder} belongs to another user (id {found.st_uid}).", "Set ANSWERPRINT_HOME to yours.")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise NoDaemonError(f"{folder} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}).", remedy)


def choose_socket(run: Path, name: str = "d.sock") -> Path:
    """Return the path of the socket of that name, in a folder that is there and private: RUN, or where its path is too
    long for a socket, a short one named after it. Raises NoDaemonError when a folder of that name is not ours alone.
    """
    usual = run / name
    if _fits(usual):
        return usual
    place = hashlib.sha256(os.fsencode(run)).hexdigest()[:16]
    candidates = [Path("/tmp") / f"answerprint-{os.getuid()}-{place}" / name]  # noqa: S108 - checked below
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(runtime).is_absolute() and Path(runtime).is_dir():
        candidates.insert(0, Path(runtime) / f"answerprint-{place}" / name)
    socket = next(path for path in candidates if _fits(path))
    prepare_run_folder(socket.parent)
    return socket


def _fits(socket: Path) -> bool:
    return len(os.fsencode(socket)) <= _LONGEST_SOCKET and _PLAIN.fullmatch(str(socket)) is not None


@contextlib.contextmanager
def private_umask() -> Iterator[None]:
    """Set the umask for a socket, so that only its user can ever connect."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def remove_stale_socket(socket: Path) -> None:
    """Remove what a killed daemon left. Only for the holder of the lock: gRPC would take a live socket over.

    Raises NoDaemonError when something else has that name: it is not ours to remove.
    """
    try:
        found = socket.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise NoDaemonError(f"{socket} is not a socket.", "Move it away, then start the daemon again.")
    socket.unlink()


def write_session(run: Path, session: Session) -> None:
    """Tell clients of a daemon that listens: the file is complete whenever it is there. Raises NoDaemonError."""
    data = json.dumps(asdict(session)).encode()
    try:
        atomic.write_bytes(session_path(run), data, overwrite=True, mode=0o600)
    except OSError as error:
        raise NoDaemonError(
            f"{session_path(run)} cannot be written ({error.strerror}).", "Free disk space, and check the folder."
        ) from error


def remove_session(run: Path, session: Session) -> None:
    """Take the file away again, if it still is this one's."""
    with contextlib.suppress(OSError, NoDaemonError):
        if read_session(run).start_id == session.start_id:
            session_path(run).unlink()


def read_session(run: Path) -> Session:
    """Return how to reach the daemon that wrote the file, which may have ended since.

    Raises NoDaemonError when there is none, and when anyone else could have written it or could read its token.
    """
    path = session_path(run)
    absent = NoDaemonError("No daemon is running.", "Start one: answerprint daemon start")
    try:
        run.lstat()
    except FileNotFoundError:
        raise absent from None
    except OSError as error:
        raise NoDaemonError(f"{run} cannot be read ({error.strerror}).", "Check ANSWERPRINT_HOME.") from error
    check_private(run)
    try:
        data = _read_private(path)
    except FileNotFoundError:
        raise absent from None
    except OSError as error:
        raise NoDaemonError(f"{path} cannot be read ({error.strerror}).", "Restart the daemon.") from error
    try:
        said = json.loads(data)
        # A newer daemon may say more; whether it is too new is told by its protocol.
        session = Session(**{each.name: said[each.name] for each in fields(Session) if each.name in said})
        proper = all(isinstance(value, str) for value in (session.endpoint, session.token, session.start_id)) and all(
            type(value) is int for value in (session.pid, session.protocol)
        )
    except (ValueError, TypeError, RecursionError):
        proper = False
    if not proper or not _ENDPOINT.fullmatch(session.endpoint):
        raise NoDaemonError(f"{path} is not readable.", "Restart the daemon.")
    return session


def _read_private(path: Path) -> bytes:
    """Read a small file that only we can have written. Raises OSError, NoDaemonError."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if os.name != "nt" and (
            not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077
        ):
            raise NoDaemonError(f"{path} is not a file of yours alone.", f"Remove {path}, then restart the daemon.")
        return file.read(_MAX_SESSION_BYTES)


def root_warning() -> str:
    """What to tell an administrator who runs the daemon as such; empty for everyone else."""
    if os.name == "nt" or os.geteuid() != 0:
        return ""
    return "The daemon runs as root: media it opens could harm the whole system. Run it as the user who edits."
