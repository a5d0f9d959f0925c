"""Download models in a thread of the daemon, with the code of the command line.

The event loop never waits for it; if steps come faster than they are read, only the latest is kept.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress

from answerprint.api.types import PullStep
from answerprint.errors import AnswerprintError
from answerprint.home import models_folder
from answerprint.weights.published_models import find_known
from answerprint.weights.pulling.meter import Meter
from answerprint.weights.pulling.pull import PullOptions, PullProgress, pull
from answerprint.weights.settings import load_model_settings

__all__ = ["pull_steps"]


async def pull_steps(name: str, options: PullOptions) -> AsyncGenerator[PullStep, None]:
    """Pull the known model `name`, as described in `Daemon.pull_model`."""
    loop = asyncio.get_running_loop()
    model, settings = find_known(name), load_model_settings()
    latest: list[PullProgress] = []
    changed, cancelled = asyncio.Event(), threading.Event()

    def store(progress: PullProgress) -> None:
        latest[:] = [progress]
        changed.set()

    def report(progress: PullProgress) -> None:
        with suppress(RuntimeError):  # the loop has ended, and this thread is about to
            loop.call_soon_threadsafe(store, progress)

    def work() -> None:
        pull(model, models_folder(), settings, options, on_progress=report, cancelled=cancelled)

    task = asyncio.ensure_future(asyncio.to_thread(work))
    task.add_done_callback(lambda _: changed.set())
    meter = Meter()
    try:
        while not task.done():
            await changed.wait()
            changed.clear()
            if latest and latest[0].stage != "done":
                yield _step(latest.pop(), meter)
        await task
        size = latest[0].done_bytes if latest else model.size
        yield PullStep("done", "", size, size, 0.0, 0.0)
    finally:
        cancelled.set()
        with suppress(AnswerprintError):
            await task


def _step(progress: PullProgress, meter: Meter) -> PullStep:
    speed = meter.take(progress.done_bytes)
    left = progress.total_bytes - progress.done_bytes
    remaining = left / speed if speed else None
    return PullStep(progress.stage, progress.file, progress.done_bytes, progress.total_bytes, speed, remaining)
