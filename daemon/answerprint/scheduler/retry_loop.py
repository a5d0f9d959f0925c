"""Loops that survive errors: without one of them the daemon would seem alive and do nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from answerprint.errors import AnswerprintError

__all__ = ["retry_loop"]

_log = logging.getLogger(__name__)


async def retry_loop(
    work: Callable[[], Awaitable[None]], pause_seconds: float, on_fault: Callable[[Exception | None], None]
) -> None:
    """Call `work` forever, with a pause after an error. on_fault: called with the error, or None after a success."""
    reported = ""
    while True:
        try:
            await work()
        except AnswerprintError as error:  # the journal's disk may come back
            fault: Exception = error
            if reported != str(error):
                _log.error("fault: %s", error)
        except Exception as error:  # noqa: BLE001 - a defect; it must not end the loop unnoticed
            fault = error
            if reported != str(error):
                _log.exception("defect in %s", getattr(work, "__name__", "a loop"))
        else:
            reported = ""
            on_fault(None)
            continue
        reported = str(fault)
        on_fault(fault)
        await asyncio.sleep(pause_seconds)
