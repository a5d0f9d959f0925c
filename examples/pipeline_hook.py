"""Hand a restored file on to the next step of a pipeline: any command that takes a path.

    answerprint restore rushes.mov restored.mov --json | python examples/pipeline_hook.py ./ingest.sh --project 12
    answerprint jobs watch 3 --json | python examples/pipeline_hook.py ./ingest.sh

It reads the events of one job. When the job is done, the command is run with the file added to its arguments, and its
exit code is the hook's. Otherwise the hook exits as Answerprint does: 2 bad input, 3 no daemon, 4 failed, 5 cancelled.
"""

import json
import subprocess
import sys
from typing import Any

JOB_FAILED = 4


def last_event() -> dict[str, Any]:
    """The event that ends the job; what comes before is shown."""
    for line in sys.stdin:
        event: dict[str, Any] = json.loads(line)
        # Further events may come with later versions: what is not known here is left alone.
        if event["event"] == "chunk":
            print(f"{event['frames_done']} of {event['frames_total']} frames", file=sys.stderr)
        elif event["event"] == "warning":
            print(f"warning: {event['message']}", file=sys.stderr)
        elif event["event"] in ("done", "error"):
            return event
    # The program before us was killed. The job itself goes on: its daemon is another process.
    return {
        "event": "error",
        "message": "The events ended before the job did.",
        "remedy": "To go on watching: answerprint jobs list, then answerprint jobs watch ID --json",
        "exit_code": JOB_FAILED,
    }


def main(command: list[str]) -> int:
    if not command:
        print(f"usage: ... --json | {sys.argv[0]} COMMAND [ARGUMENT...]", file=sys.stderr)
        return 2
    final = last_event()
    if final["event"] == "error":
        print(f"{final['message']} {final['remedy']}".strip(), file=sys.stderr)
        return int(final["exit_code"])
    # Of a preview, which is a few pictures, the output is their folder. Whichever it is, it is complete by now: nothing
    # stands under its name before.
    try:
        return subprocess.run([*command, final["output"]], check=False).returncode
    except OSError as error:
        print(f"{command[0]} cannot be run ({error.strerror}). Check the path.", file=sys.stderr)
        return JOB_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
