"""Reading ahead: the next frames are decoded in a thread of their own while the last ones are worked on."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

__all__ = ["frames_ahead", "read_ahead"]

_Item = TypeVar("_Item")

_BYTES_AHEAD = 64 << 20
_MOST_AHEAD = 8
_PIXEL_BYTES = 12  # three values of float32


def frames_ahead(width: int, height: int) -> int:
    """How many frames of that size, in px, are read ahead: 1 to 8, not more than about 64 MiB."""
    return max(1, min(_MOST_AHEAD, _BYTES_AHEAD // (width * height * _PIXEL_BYTES)))


def read_ahead(source: Iterable[_Item], most: int) -> Generator[_Item, None, None]:
    """Yield the items of `source`, in order; meanwhile a thread makes up to `most` more.

    What making an item raises is raised in the item's place. Close the generator before whatever `source` reads from:
    its thread has ended then.
    """
    made: SimpleQueue[tuple[_Item] | BaseException | None] = SimpleQueue()  # None at the end
    room, closed = Semaphore(most), Event()

    def make() -> None:
        try:
            for item in source:
                made.put((item,))
                del item  # its memory is the consumer's
                room.acquire()
                if closed.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by whoever reads
            made.put(error)
        else:
            made.put(None)

    thread = Thread(target=make, name="read ahead")
    thread.start()
    try:
        while (found := made.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            room.release()
            yield found[0]
    finally:
        closed.set()
        room.release()
        thread.join()
