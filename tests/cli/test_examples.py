"""What lies in examples/ does what it says: against a daemon that works, and one that goes away in between."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import cv2
import pytest

from answerprint.api.job import JobState
from answerprint.media import probe
from cli.program import Program
from fakes.daemon import PICTURE
from media.makers import make_movie, numbered_frame
from server.harness import Running, await_until

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
HOOK = EXAMPLES / "pipeline_hook.py"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the command `answerprint`, as an installation puts it on PATH."""
    folder = tmp_path_factory.mktemp("bin")
    script = folder / "answerprint"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m answerprint "$@"\n')
    script.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def ruby_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Code for Ruby, made of the contract as the page says."""
    if not (shutil.which("ruby") and shutil.which("grpc_tools_ruby_protoc")):
        pytest.skip("Debian's packages ruby-grpc, ruby-grpc-tools and libprotobuf-dev are not installed")
    made = tmp_path_factory.mktemp("gen")
    protos = [str(path) for path in sorted((ROOT / "proto").rglob("*.proto"))]
    out = (f"--ruby_out={made}", f"--grpc_out={made}")
    result = subprocess.run(
        ["grpc_tools_ruby_protoc", "-I", str(ROOT / "proto"), *out, *protos], capture_output=True, text=True, timeout=60
    )
    if "timestamp.proto was not found" in result.stderr.replace('"', ""):
        pytest.skip("Debian's package libprotobuf-dev is not installed")
    assert result.returncode == 0, result.stderr
    return made


@pytest.fixture(params=["client.py", "client.rb"])
def client(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The start of the command line of a client."""
    example = str(EXAMPLES / request.param)
    if request.param == "client.py":
        return sys.executable, example
    return "ruby", "-I", str(request.getfixturevalue("ruby_code")), example


@contextmanager
def started(
    command: tuple[str, ...], program: Program, tools: Path, stdin: int | IO[str] | None = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[str]]:
    """A program of the user's in their folder, which finds Answerprint."""
    # What gRPC has to say of a connection that ends is not the client's.
    environment = {**program.environment(), "PATH": f"{tools}:{os.environ['PATH']}", "GRPC_VERBOSITY": "NONE"}
    with subprocess.Popen(
        command, cwd=program.folder, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


Said = tuple[int, str, str]


def run(
    command: tuple[str, ...], program: Program, tools: Path, stdin: int | IO[str] | None = subprocess.DEVNULL
) -> Said:
    """Run it to its end: exit code, standard output, standard error."""
    with started(command, program, tools, stdin) as process:
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


def test_a_client_submits_a_clip_watches_it_and_saves_a_frame(
    client: tuple[str, ...], studio: Program, tools: Path
) -> None:
    make_movie(studio.folder / "clip.mov", 3)
    code, out, err = run((*client, "clip.mov", "out.mov", "frame.png"), studio, tools)
    assert code == 0, err
    assert err.splitlines()[-1] == "3 of 3 frames"
    restored = probe(studio.folder / "out.mov")
    assert (restored.width, restored.height, restored.frames) == (256, 192, 3)
    picture = cv2.imread(str(studio.folder / "frame.png"))
    assert picture is not None
    assert picture.shape == (192, 256, 3)
    assert out.strip() == f"{studio.folder / 'out.mov'}: 3 frames; frame.png: 256x192"


def test_a_client_says_what_is_wrong_and_the_remedy(client: tuple[str, ...], studio: Program, tools: Path) -> None:
    (studio.folder / "poem.mov").write_text("Shall I compare thee to a summer's day?")
    make_movie(studio.folder / "clip.mov", 3)
    for clip, output, says in (
        ("poem.mov", "out.mov", "cannot be read as video"),  # found by a child process
        ("absent.mov", "out.mov", "does not exist. Check the path."),
        ("clip.mov", "clip.mov", "is the source."),
    ):
        code, out, err = run((*client, clip, output, "frame.png"), studio, tools)
        assert (code, out) == (2, "")
        assert says in err
        assert len(err.splitlines()) == 1
    assert run(client, studio, tools)[0] == 2


def test_a_client_follows_a_daemon_that_is_started_again(
    client: tuple[str, ...], program: Program, memory_daemon: Running, tools: Path
) -> None:
    make_movie(program.folder / "clip.mov", 3)
    with started((*client, "clip.mov", "out.mov", "frame.png"), program, tools) as process:
        assert process.stderr is not None
        await_until(lambda: bool(memory_daemon.daemon.jobs) and memory_daemon.daemon.watchers == 1)
        (job,) = memory_daemon.daemon.jobs
        for number in range(3):
            memory_daemon.call(memory_daemon.daemon.chunk, job, number, 3)
            assert process.stderr.readline() == f"{number + 1} of 3 frames\n"
            memory_daemon.restart()
            await_until(lambda: memory_daemon.daemon.watchers == 1)
        memory_daemon.call(memory_daemon.daemon.change, job, JobState.DONE)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err == "", "an event was told twice"
    assert "3 frames" in out
    assert (program.folder / "frame.png").read_bytes() == PICTURE


TRUNCATED = {"code": "truncated", "message": "It ends.", "remedy": "Cut it.", "exit_code": 4}


@pytest.mark.parametrize(
    ("state", "problem", "code", "says"),
    [
        (JobState.CANCELLED, None, 5, "The job was cancelled.\n"),
        (JobState.FAILED, TRUNCATED, 4, "It ends. Cut it.\n"),
    ],
)
def test_a_client_ends_with_its_job(
    state: JobState,
    problem: dict[str, object] | None,
    code: int,
    says: str,
    client: tuple[str, ...],
    program: Program,
    memory_daemon: Running,
    tools: Path,
) -> None:
    make_movie(program.folder / "clip.mov", 3)
    daemon = memory_daemon.daemon
    with started((*client, "clip.mov", "out.mov", "frame.png"), program, tools) as process:
        await_until(lambda: bool(daemon.jobs))
        (job,) = daemon.jobs
        memory_daemon.call(lambda: daemon.change(job, state, problem=problem))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (code, "", says)


def test_a_client_starts_the_daemon_where_none_runs(
    client: tuple[str, ...], program: Program, tools: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program.home = tmp_path_factory.mktemp("h")
    code, _, err = run((*client, "absent.mov", "out.mov", "frame.png"), program, tools)
    assert (code, "absent.mov does not exist" in err) == (2, True)
    assert program.run("daemon", "stop").returncode == 0


def test_a_client_without_answerprint_says_so(client: tuple[str, ...], program: Program, tmp_path: Path) -> None:
    nothing = tmp_path / "empty"
    nothing.mkdir()
    command = (str(shutil.which(client[0])), *client[1:], "clip.mov", "out.mov", "frame.png")
    environment = {**program.environment(), "PATH": str(nothing)}
    result = subprocess.run(command, cwd=program.folder, env=environment, capture_output=True, text=True, timeout=60)
    assert result.returncode in (2, 3)
    assert "answerprint" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_client_believes_no_file_that_others_can_read(
    client: tuple[str, ...], program: Program, memory_daemon: Running, tools: Path
) -> None:
    (memory_daemon.run / "session.json").chmod(0o644)
    try:
        fake = tools.parent / "started"
        fake.mkdir(exist_ok=True)
        script = fake / "answerprint"
        script.write_text("#!/bin/sh\n")  # the real one would refuse before
        script.chmod(0o755)
        code, _, err = run((*client, "clip.mov", "out.mov", "frame.png"), program, fake)
    finally:
        (memory_daemon.run / "session.json").chmod(0o600)
    assert (code, "is open to other users" in err) == (3, True)
    assert memory_daemon.daemon.calls == []


def test_the_python_client_needs_grpc_and_generated_code_and_nothing_else() -> None:
    names = set()
    for node in ast.walk(ast.parse((EXAMPLES / "client.py").read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    assert names - sys.stdlib_module_names == {"grpc", "answerprint.rpc.v1"}


def test_the_list_of_jobs_is_queued_and_done(studio: Program) -> None:
    shutil.copy(EXAMPLES / "jobs.yaml", studio.folder)
    for reel, frames in (("reel1.mov", 12), ("reel2.mov", 4)):
        make_movie(studio.folder / reel, [numbered_frame(n, 32, 24) for n in range(frames)])
    result = studio.run("queue", "add", "--from", "jobs.yaml", "--json")
    assert result.returncode == 0, result.stdout
    queued = [json.loads(line)["job"] for line in result.stdout.splitlines()]
    assert len(queued) == 3
    assert studio.run("jobs", "watch", *queued).returncode == 0
    made = studio.folder / "restored"
    whole = probe(made / "reel1.mov")
    assert (whole.width, whole.frames) == (128, 12)
    assert (probe(made / "reel2.mp4").width, probe(made / "reel2.mp4").frames) == (64, 4)
    assert sorted(path.name for path in made.glob("*.png")) == [f"reel2.{n:04d}.png" for n in range(4)]
    jobs = {job["id"]: job for job in json.loads(studio.run("jobs", "list", "--all", "--json").stdout)}
    assert [jobs[job]["label"] for job in queued] == ["reel1.mov", "reel 2, for the dailies", "reel2.mov"]
    assert [jobs[job]["priority"] for job in queued] == [0, 10, 0]
    assert [jobs[job]["request"]["consistency"] for job in queued] == [True, True, False]
    assert {jobs[job]["request"]["seed"] for job in queued} == {7}


COPY = "import shutil, sys; shutil.copy(sys.argv[2], sys.argv[1]); sys.exit(7)"


def test_the_hook_hands_on_a_file_that_is_restored_and_passes_on_what_became_of_it(
    studio: Program, tools: Path
) -> None:
    make_movie(studio.folder / "clip.mov", 3)
    next_step = (sys.executable, str(HOOK), sys.executable, "-c", COPY)
    with studio.start("restore", "clip.mov", "out.mov", "--json") as restore:
        code, _, err = run((*next_step, "dailies.mov"), studio, tools, restore.stdout)
    assert code == 7, "the command's own"
    assert err.splitlines()[-1] == "3 of 3 frames"
    assert (studio.folder / "dailies.mov").read_bytes() == (studio.folder / "out.mov").read_bytes()

    (job,) = (each for each in json.loads(studio.run("jobs", "list", "--json").stdout)
              if each["output"] == str(studio.folder / "out.mov"))  # fmt: skip
    with studio.start("jobs", "watch", job["id"], "--json") as watch:
        assert run((*next_step, "again.mov"), studio, tools, watch.stdout)[0] == 7
    assert (studio.folder / "again.mov").exists()

    with studio.start("restore", "clip.mov", "out.mov", "--json") as restore:
        code, _, err = run((*next_step, "never.mov"), studio, tools, restore.stdout)
    assert code == 2
    assert "already exists. Choose another name" in err
    assert not (studio.folder / "never.mov").exists()


@pytest.mark.parametrize(
    ("lines", "command", "code", "says"),
    [
        ('{"event": "stage", "stage": "mux"}\n{"event": "of a later version"}\n', ["true"], 4, "The events ended"),
        ('{"event": "done", "output": "/x"}\n', ["./ingest.sh"], 4, "./ingest.sh cannot be run"),
        ("", [], 2, "usage"),
    ],
)
def test_the_hook_says_what_is_wrong(
    lines: str, command: list[str], code: int, says: str, program: Program, tools: Path
) -> None:
    events = program.folder / "events"
    events.write_text(lines)
    with events.open() as stdin:
        found, out, err = run((sys.executable, str(HOOK), *command), program, tools, stdin)
    assert (found, out) == (code, "")
    assert says in err
