"""Fills a small disk with chunks, makes room, and goes on; says what happened as one line of JSON.

Run on a disk of its own, with a file `ballast` on it that can be removed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from answerprint.errors import DiskFullError
from answerprint.store import atomic
from answerprint.store.folders import make_job_folder
from answerprint.store.journal import Journal
from answerprint.store.quota import storage_error
from answerprint.store.receipts import carry_path
from answerprint.store.recovery import settle_chunks
from answerprint.store.verify import verify_journal
from store.builders import QUEUED, chunk_event, job, write_chunk


def main(disk: Path) -> None:
    path, scratch = disk / "state" / "journal.db", disk / "scratch"
    said: dict[str, object] = {}
    with Journal.open(path) as journal:
        record, _ = journal.add(job(), QUEUED)
        folder = make_job_folder(scratch, record.id)

        def chunk(number: int) -> None:
            try:
                atomic.write_bytes(folder / "frame-x.png", bytes(20_000), overwrite=True, mode=0o600)
                made = write_chunk(scratch, record.id, number)
            except OSError as error:
                raise storage_error(error, folder, 50_000) from error
            journal.commit_chunk(made, chunk_event(made))
            if number:
                carry_path(folder, number - 1).unlink()

        try:
            for number in range(10_000):
                chunk(number)
        except DiskFullError as error:
            said["full"] = [error.needed_bytes > 0, error.folder.startswith(str(disk))]
        done = len(journal.chunks(record.id))
        said["chunks"] = done

        # The journal itself, on a disk without any room.
        try:
            with (disk / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(512))
        except OSError:
            pass
        before = journal.get(record.id)
        try:
            for _ in range(100_000):
                journal.append(record.id, {"event": "warning", "message": "x" * 3000})
        except DiskFullError:
            said["journal full"] = True
        said["same"] = journal.get(record.id).frames_done == before.frames_done
        (disk / "filler").unlink()
        said["temporaries"] = [each.name for each in folder.iterdir() if atomic.is_temporary(each.name)]

        (disk / "ballast").unlink()
        settle_chunks(journal, scratch, record.id)
        for number in range(len(journal.chunks(record.id)), done + 5):
            chunk(number)
        said["after"] = len(journal.chunks(record.id)) == done + 5
        said["errors"] = [finding.message for finding in verify_journal(path, scratch).errors]
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
