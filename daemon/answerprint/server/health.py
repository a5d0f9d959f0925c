"""`grpc.health.v1`: the same status for the daemon and all its services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from grpc_health.v1 import health_pb2

from answerprint.api.types import NotFoundError

__all__ = ["Health"]

# The generated code has no types.
HealthRequest = Any
HealthAnswer = Any
CallContext = Any


class Health:
    """Reports the status that `set` has set, to calls and watchers."""

    def __init__(self, services: Iterable[str]) -> None:
        """services: full names; the empty name is the daemon itself."""
        self._services = frozenset({"", *services})
        self._status = health_pb2.HealthCheckResponse.NOT_SERVING
        self._changed = asyncio.Condition()

    async def set(self, serving: bool) -> None:
        """Set whether the daemon is serving."""
        values = health_pb2.HealthCheckResponse
        self._status = values.SERVING if serving else values.NOT_SERVING
        async with self._changed:
            self._changed.notify_all()

    async def Check(self, request: HealthRequest, context: CallContext) -> HealthAnswer:
        """The status of a service. Raises NotFoundError for an unknown one."""
        if request.service not in self._services:
            raise NotFoundError("Unknown service.", "Leave the name empty.")
        return health_pb2.HealthCheckResponse(status=self._status)

    async def List(self, request: HealthRequest, context: CallContext) -> HealthAnswer:
        """The status of every service."""
        status = health_pb2.HealthCheckResponse(status=self._status)
        return health_pb2.HealthListResponse(statuses=dict.fromkeys(sorted(self._services), status))

    async def Watch(self, request: HealthRequest, context: CallContext) -> AsyncIterator[HealthAnswer]:
        """The status of a service, and again whenever it changes."""
        if request.service not in self._services:
            # The protocol would wait for the service to appear; here, services never change.
            yield health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
            return
        sent = None
        while True:
            async with self._changed:
                while self._status == sent:
                    await self._changed.wait()
                sent = self._status
            yield health_pb2.HealthCheckResponse(status=sent)
