"""Finished chunks that are no longer on disk as they were: from which one on the clip must be made again."""

from __future__ import annotations

from pathlib import Path

from answerprint.store.receipts import DamagedChunkError, read_receipt, receipt_path

__all__ = ["LostChunkError", "shot_start"]


class LostChunkError(DamagedChunkError):
    """Finished chunks must be made again, from `chunk` on."""

    def __init__(self, message: str, chunk: int) -> None:
        super().__init__(message)
        self.chunk = chunk

    @property
    def details(self) -> dict[str, object]:
        """The first chunk that is of no use."""
        return {"chunk": self.chunk}


def shot_start(folder: Path, chunk: int) -> int:
    """The nearest chunk, up to this one, that opens a shot: with it, making chunks again needs no carried state."""
    while chunk > 0:
        try:
            if read_receipt(receipt_path(folder, chunk)).recipe.get("opens_shot"):
                break
        except (DamagedChunkError, OSError):
            return 0
        chunk -= 1
    return chunk
