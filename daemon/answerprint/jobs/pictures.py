"""Frames of jobs as pictures to look at: finished ones and their sources, while a job runs and when it is done."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from pathlib import Path

from ..errors import RemoteError
from ..frames.messages import Message
from ..store.quota import storage_error
from ..store.receipts import ChunkReceipt
from ..store.records import JobRecord, JobState
from .api import EncodedPicture, NotFoundError, NotYetError, PictureFormat, Side
from .book import Book
from .media import MediaChildren

__all__ = ["Pictures"]


class Pictures:
    """Has pictures made in a folder of its own; each lies there until its receiver has it."""

    def __init__(self, book: Book, media: MediaChildren, folder: Path) -> None:
        self._book = book
        self._media = media
        self._folder = folder

    async def frame(
        self, job: JobRecord, frame: int, side: Side, form: PictureFormat, max_size: tuple[int, int]
    ) -> EncodedPicture:
        """One frame. Raises NotYetError, NotFoundError, StorageError, and what the child finds wrong."""
        while True:
            order = await self._order(job, frame, side, form, max_size)
            try:
                return await self._make(order)
            except RemoteError:
                # Its chunks may have become the deliverable, or gone with the job, while they were looked for.
                now = await self._book.get(job.id)
                if now.state is job.state:
                    raise
                job = now

    async def _order(
        self, job: JobRecord, frame: int, side: Side, form: PictureFormat, max_size: tuple[int, int]
    ) -> Message:
        """What to ask of the child. Raises what keeps the frame from being shown."""
        if job.kind != "restore":
            raise NotFoundError("A preview has its pictures in its folder.", f"Look into {job.output}.")
        if not job.facts:
            raise NotYetError(f"Job {job.number} has not begun.", "Ask again when it runs.")
        first, stop = job.facts["input"]["range"]
        if not first <= frame < stop:
            raise NotFoundError(f"Frame {frame} is not in the clip.", f"Frames run from {first} to {stop - 1}.")
        receipt = await self._receipt(job, frame) if side == "restored" else None
        size = job.facts["output"]
        return {
            "type": "frame",
            "job": job.id,
            "scratch": str(self._book.folder(job.id)),
            "request": job.request,
            "receipt": None if receipt is None else receipt.to_json(),
            "frame": frame,
            "side": side,
            "format": form,
            "max_width": max_size[0],
            "max_height": max_size[1],
            "size": [size["width"], size["height"]],
            "output": str(self._folder / f"{secrets.token_hex(12)}.{form}"),
        }

    async def _receipt(self, job: JobRecord, frame: int) -> ChunkReceipt | None:
        """The chunk with a finished frame; None where the chunks are gone, and the deliverable has it."""
        if job.state is JobState.DONE:
            return None
        if job.state is JobState.CANCELLED:
            raise NotFoundError(f"Job {job.number} was cancelled.", "Retry it: then its frames are restored again.")
        receipt = await self._book.ledger.do(self._book.journal.chunk_with_frame, job.id, frame)
        if receipt is None:
            raise NotYetError(f"Frame {frame} is not restored yet.", f"{job.frames_done} frames are.")
        return receipt

    async def _make(self, order: Message) -> EncodedPicture:
        path = Path(order["output"])
        try:
            await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            making = asyncio.ensure_future(self._media.ask(order))
            try:
                facts = await asyncio.shield(making)
            except asyncio.CancelledError:
                making.add_done_callback(lambda done: _drop(path, done))  # nobody will fetch it
                raise
            size = (await asyncio.to_thread(path.stat)).st_size
        except OSError as error:
            raise storage_error(error, path) from error
        return EncodedPicture(path, str(facts["media_type"]), int(facts["width"]), int(facts["height"]), size)


def _drop(path: Path, done: asyncio.Future[Message]) -> None:
    if not done.cancelled():
        done.exception()  # nobody asks any more
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
