"""Restore a clip with Answerprint's daemon, watch it, and keep the first restored frame as a picture.

    python examples/client.py CLIP OUTPUT PICTURE.png

Written from docs/protocol.md. It needs grpcio, protobuf, and code generated from proto/: installed with Answerprint as
`answerprint.rpc.v1`, or made where no Answerprint is installed, into a folder that PYTHONPATH names:

    python -m grpc_tools.protoc -I proto --python_out=gen --grpc_python_out=gen proto/answerprint/rpc/v1/*.proto
"""

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any, NoReturn

import grpc

from answerprint.rpc.v1 import frames_pb2, frames_pb2_grpc, restoration_pb2, restoration_pb2_grpc

PROTOCOL = 1
PATIENCE_SECONDS = 60.0  # for a daemon that is being restarted
GONE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED}
ENDED = {restoration_pb2.JOB_STATE_DONE, restoration_pb2.JOB_STATE_FAILED, restoration_pb2.JOB_STATE_CANCELLED}


def fail(message: str, remedy: str, exit_code: int) -> NoReturn:
    print(f"{message} {remedy}".strip(), file=sys.stderr)
    sys.exit(exit_code)


def home() -> Path:
    """Where the daemon keeps its files."""
    if os.environ.get("ANSWERPRINT_HOME"):
        return Path(os.environ["ANSWERPRINT_HOME"]).expanduser()
    if sys.platform == "win32":
        return Path(os.environ["LOCALAPPDATA"], "answerprint")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "answerprint"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share", "answerprint")


class Daemon:
    """A channel to the daemon that runs now. Its address and token are others after a restart: then make a new one."""

    def __init__(self) -> None:
        """Raises OSError where no daemon has told how to reach it."""
        file = home() / "run" / "session.json"
        # Whoever else could have written the file could have us send the token, and paths of clips, to them.
        for place in (file.parent, file):
            found = place.lstat()
            if os.name != "nt" and (found.st_uid != os.getuid() or found.st_mode & 0o077):
                fail(f"{place} is open to other users.", f"Close it: chmod go-rwx {place}", 3)
        session = json.loads(file.read_text())
        if session["protocol"] != PROTOCOL:
            fail(f"The daemon speaks protocol {session['protocol']}.", "Update this client, or restart the daemon.", 3)
        options = [("grpc.enable_http_proxy", 0), ("grpc.keepalive_time_ms", 20_000)]
        channel = grpc.insecure_channel(session["endpoint"], options)
        self.token = (("authorization", f"Bearer {session['token']}"),)
        self.jobs = restoration_pb2_grpc.RestorationStub(channel)
        self.frames = frames_pb2_grpc.FramesStub(channel)


def problem_of(error: Any) -> dict[str, Any]:
    """What the daemon says of an error; made up for errors of the connection, of which it says nothing."""
    for key, value in error.trailing_metadata() or ():
        if key == "answerprint-problem-bin":
            return dict(json.loads(value))
    return {"message": f"{error.code().name}: {error.details()}", "remedy": "", "exit_code": 3}


def watch(job: str) -> restoration_pb2.Job:
    """Show a job's events until it has ended; a restart of the daemon leaves none out."""
    seen, patience_ends = 0, time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            daemon = Daemon()
            request = restoration_pb2.WatchJobRequest(id=job, after_sequence=seen)
            for event in daemon.jobs.WatchJob(request, metadata=daemon.token):  # no deadline: it may wait all night
                seen, patience_ends = max(seen, event.sequence), time.monotonic() + PATIENCE_SECONDS
                if event.HasField("chunk"):
                    print(f"{event.chunk.frames_done} of {event.chunk.frames_total} frames", file=sys.stderr)
                elif event.HasField("warning"):
                    print(f"warning: {event.warning.message}", file=sys.stderr)
            asked = restoration_pb2.GetJobRequest(id=job)
            found: restoration_pb2.Job = daemon.jobs.GetJob(asked, metadata=daemon.token, timeout=5)
            if found.state in ENDED:  # else it was retried meanwhile
                return found
        except (OSError, grpc.RpcError) as error:
            lost = isinstance(error, OSError) or error.code() in GONE
            if not lost or time.monotonic() > patience_ends:
                raise
        time.sleep(0.5)


def main(clip: str, output: str, picture: str) -> None:
    """Raises OSError and grpc.RpcError."""
    started = subprocess.run(["answerprint", "daemon", "start"], stdout=subprocess.DEVNULL, check=False)
    if started.returncode != 0:  # it has said why
        sys.exit(started.returncode)
    daemon = Daemon()
    request = restoration_pb2.SubmitJobRequest(
        id=str(uuid.uuid4()),  # ours, so that the call could be repeated and would still be one job
        clip=restoration_pb2.ClipRef(media=str(Path(clip).resolve())),
        deliverable=restoration_pb2.Deliverable(path=str(Path(output).resolve())),
    )
    job = watch(daemon.jobs.SubmitJob(request, metadata=daemon.token, timeout=5).job.id)
    if job.state != restoration_pb2.JOB_STATE_DONE:
        fail(job.problem.message or "The job was cancelled.", job.problem.remedy, job.problem.exit_code or 5)
    daemon = Daemon()
    parts = list(daemon.frames.GetFrame(frames_pb2.GetFrameRequest(job=job.id, frame=0), metadata=daemon.token))
    data = b"".join(part.data for part in parts)
    if len(data) != parts[0].total_bytes:
        fail("The image is incomplete.", "Try again.", 4)
    Path(picture).write_bytes(data)
    print(f"{job.deliverable.path}: {job.frames_done} frames; {picture}: {parts[0].width}x{parts[0].height}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        fail(f"usage: {sys.argv[0]} CLIP OUTPUT PICTURE.png", "", 2)
    try:
        main(*sys.argv[1:])
    except OSError as error:
        fail(
            f"{error.filename}: {error.strerror}.", "Check the path; if it is the daemon's: answerprint daemon start", 2
        )
    except grpc.RpcError as error:
        said = problem_of(error)
        fail(said["message"], said["remedy"], said["exit_code"])
