"""A real process that keeps a queue of one job, to be killed: recovers, then writes and journals chunks to the end.

Says on standard output what it was told is durable, line by line: `added`, `chunk N`, `done`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from answerprint.api.job import JobState
from answerprint.store.folders import make_job_folder, write_job_file
from answerprint.store.journal import Journal
from answerprint.store.receipts import carry_path
from answerprint.store.recovery import recover
from store.builders import QUEUED, chunk_event, job, write_chunk

JOB = "12345678-1234-4234-8234-123456789abc"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(home: Path, count: int) -> None:
    scratch = home / "scratch"
    with Journal.open(home / "state" / "journal.db") as journal:
        recover(journal, scratch)
        record, _ = journal.add(job(id=JOB), QUEUED)
        say("added")
        write_job_file(make_job_folder(scratch, JOB), record)
        journal.change(
            JOB, when={JobState.QUEUED}, event={"event": "state", "state": "running"}, state=JobState.RUNNING
        )
        for chunk in range(len(journal.chunks(JOB)), count):
            made = write_chunk(scratch, JOB, chunk)
            journal.commit_chunk(made, chunk_event(made), seconds=1.0)
            say(f"chunk {chunk}")
            if chunk:
                carry_path(scratch / JOB, chunk - 1).unlink(missing_ok=True)
        journal.change(JOB, when={JobState.RUNNING}, event={"event": "state", "state": "done"}, state=JobState.DONE)
        say("done")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
