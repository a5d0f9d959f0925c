"""`grpc.health.v1`: one status for the daemon and all its services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from grpc_health.v1 import health_pb2

from answerprint.api.types import NotFoundError

__all__ = ["Health"]

# The generated code comes without types.
HealthRequest = Any
HealthAnswer = Any
CallContext = Any


class Health:
    """Says SERVING between two calls of `set`, to whoever asks and whoever watches."""

    def __init__(self, services: Iterable[str]) -> None:
        """services: by their full names; the empty name is the daemon as a whole."""
        self._services = frozenset({"", *services})
        self._status = health_pb2.HealthCheckResponse.NOT_SERVING
        self._changed = asyncio.Condition()

    async def set(self, serving: bool) -> None:
        """Tell from now on whether the daemon serves."""
        values = health_pb2.HealthCheckResponse
        self._status = values.SERVING if serving else values.NOT_SERVING
        async with self._changed:
            self._changed.notify_all()

    async def Check(self, request: HealthRequest, context: CallContext) -> HealthAnswer:
        """The status of a service. Raises NotFoundError for one that is none."""
        if request.service not in self._services:
            raise NotFoundError("There is no such service.", "Leave the name out.")
        return health_pb2.HealthCheckResponse(status=self._status)

    async def List(self, request: HealthRequest, context: CallContext) -> HealthAnswer:
        """The status of every service."""
        status = health_pb2.HealthCheckResponse(status=self._status)
        return health_pb2.HealthListResponse(statuses=dict.fromkeys(sorted(self._services), status))

    async def Watch(self, request: HealthRequest, context: CallContext) -> AsyncIterator[HealthAnswer]:
        """The status of a service, and again whenever it changes."""
        if request.service not in self._services:
            # The protocol asks to wait for a service that may come; none comes to a daemon that runs.
            yield health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
            return
        told = None
        while True:
            async with self._changed:
                while self._status == told:
                    await self._changed.wait()
                told = self._status
            yield health_pb2.HealthCheckResponse(status=told)
