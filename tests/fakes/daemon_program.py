"""A program that serves a daemon of the tests: `python daemon_program.py [SCENE]`, in the place of answerprintd."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path

from answerprint.home import run_folder
from answerprint.rpc.session_file import lock_path, prepare_run_folder
from answerprint.server.server import serve
from answerprint.store.lock import HeldError, InstanceLock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fakes.daemon import FakeDaemon


async def _serve() -> None:
    with tempfile.TemporaryDirectory() as folder:
        daemon = FakeDaemon(Path(folder))
        server = await serve(daemon, run_folder(), start_id=str(os.getpid()))
        await server.open()
        await daemon.ended.wait()
        await server.stop()


def main() -> int:
    """Serve until it is told to end; 6 where another one serves."""
    scene = sys.argv[1] if len(sys.argv) > 1 else ""
    if scene == "broken":
        sys.stderr.write("the disk is on fire\n")
        return 4
    if scene == "mute":
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.read()
            asyncio.run(asyncio.sleep(10))
        return 0
    prepare_run_folder(run_folder())
    try:
        with InstanceLock(lock_path(run_folder())):
            if scene == "report":
                Path(os.environ["ANSWERPRINT_HOME"], "environment").write_text("\n".join(sorted(os.environ)))
                Path(os.environ["ANSWERPRINT_HOME"], "session").write_text(f"{os.getsid(0)} {os.getpid()} {Path.cwd()}")
            asyncio.run(_serve())
    except HeldError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
