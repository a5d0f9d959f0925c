"""Loops that outlive what goes wrong in them: a daemon without one of them would look alive and do nothing."""

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
    """Do it again and again, after a pause where it failed. on_fault: told what is wrong, and None when all is well."""
    said = ""
    while True:
        try:
            await work()
        except AnswerprintError as error:  # the journal's disk may come back
            fault: Exception = error
            if said != str(error):
                _log.error("fault: %s", error)
        except Exception as error:  # noqa: BLE001 - a defect; any other would end the loop, and nobody would know
            fault = error
            if said != str(error):
                _log.exception("defect in %s", getattr(work, "__name__", "a loop"))
        else:
            said = ""
            on_fault(None)
            continue
        said = str(fault)
        on_fault(fault)
        await asyncio.sleep(pause_seconds)
