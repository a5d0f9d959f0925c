"""Requests that nobody means, sent to a running daemon: in the folder of the tests, `python -m server.fuzz RUN [N]`."""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from answerprint.rpc.session_file import Session, read_session
from answerprint.server.server import request_types
from rpc.forms import any_bytes
from server.harness import ask, raw_channel

__all__ = ["CLEAN", "Fuzzed", "fuzz"]

S = grpc.StatusCode
CLEAN = frozenset({S.OK, S.INVALID_ARGUMENT, S.NOT_FOUND, S.FAILED_PRECONDITION, S.RESOURCE_EXHAUSTED, S.UNIMPLEMENTED})
"""What may come of a request that nobody means. A stream that goes on until its deadline is a good one."""

_AVOIDED = frozenset({"/answerprint.rpc.v1.System/Shutdown"})
_STREAMS = frozenset({"/answerprint.rpc.v1.Restoration/WatchJob", "/grpc.health.v1.Health/Watch"})
_SECONDS = {"/answerprint.rpc.v1.Models/LoadModel": 120.0}  # a request that names an embedded model does load it


@dataclass
class Fuzzed:
    """What came of it: how often each status, and each request that was answered with another one."""

    statuses: Counter[str] = field(default_factory=Counter)
    offences: list[tuple[str, str, bytes]] = field(default_factory=list)


def fuzz(session: Session, count: int, seed: int = 0) -> Fuzzed:
    """Send so many requests to all methods, Shutdown left out, some to methods that are none."""
    source = random.Random(seed)  # noqa: S311 - the same requests each time
    requests = {method: kind for method, kind in sorted(request_types().items()) if method not in _AVOIDED}
    unknown = ("/answerprint.rpc.v1.Restoration/Nothing", "/nothing.Service/Call", "/x", "/answerprint.rpc.v1.System/")
    result = Fuzzed()
    metadata = (("authorization", f"Bearer {session.token}"),)
    with raw_channel(session.endpoint) as channel:
        for _ in range(count):
            method = (
                source.choice((*requests, *unknown))
                if source.random() < 0.5
                else source.choice(
                    [name for name in requests if "SubmitJob" in name or "GetFrame" in name or "MoveJob" in name]
                )
            )
            kind = requests.get(method)
            data = source.randbytes(20) if kind is None else any_bytes(kind, source)
            status = ask(channel, method, data, metadata, 0.2 if method in _STREAMS else _SECONDS.get(method, 10.0))
            result.statuses[status.name] += 1
            if status not in CLEAN and not (method in _STREAMS and status is S.DEADLINE_EXCEEDED):
                result.offences.append((method, status.name, data))
    return result


if __name__ == "__main__":
    outcome = fuzz(read_session(Path(sys.argv[1])), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
    sys.stdout.write(f"{dict(outcome.statuses)}\n{outcome.offences[:10]}\n")
    sys.exit(bool(outcome.offences))
