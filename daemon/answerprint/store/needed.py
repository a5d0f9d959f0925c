"""Which unfinished jobs need a model, from the journal itself: no daemon need run."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from .records import UNFINISHED
from .tables.connection import connect_read_only, translated
from .tables.rows import job_from_row

__all__ = ["jobs_that_need"]


def jobs_that_need(model: str, path: Path) -> list[int]:
    """Their numbers, by the journal at `path`, which need not be there. Raises JournalError where it is damaged."""
    if not path.exists():
        return []
    with translated(path), closing(connect_read_only(path)) as connection:
        jobs = [job_from_row(row) for row in connection.execute("SELECT * FROM jobs ORDER BY number")]
    return [job.number for job in jobs if job.state in UNFINISHED and job.request.get("model") == model]
