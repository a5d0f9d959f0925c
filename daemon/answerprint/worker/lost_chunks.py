"""Lost or damaged chunks: where a clip must be restored again from."""

from __future__ import annotations

from pathlib import Path

from answerprint.store.receipts import DamagedChunkError, read_receipt, receipt_path

__all__ = ["LostChunkError", "shot_start"]


class LostChunkError(DamagedChunkError):
    """Chunks from `chunk` on must be restored again."""

    def __init__(self, message: str, chunk: int) -> None:
        super().__init__(message)
        self.chunk = chunk

    @property
    def details(self) -> dict[str, object]:
        """The first lost chunk."""
        return {"chunk": self.chunk}


def shot_start(folder: Path, chunk: int) -> int:
    """The last chunk up to `chunk` that opens a shot: restoring from there needs no carried state."""
    while chunk > 0:
        try:
            if read_receipt(receipt_path(folder, chunk)).recipe.get("opens_shot"):
                break
        except (DamagedChunkError, OSError):
            return 0
        chunk -= 1
    return chunk
