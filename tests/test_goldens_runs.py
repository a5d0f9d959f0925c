"""What programs read of `--json`, and what work leaves in a project and on disk: see `test_goldens`."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from answerprint import __version__, child
from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobRecord, JobState
from answerprint.api.types import MediaInfo
from answerprint.cli.main import main
from answerprint.ipc import events
from answerprint.ipc.messages import Message
from answerprint.store.journal import Journal
from cli.runner import CliRunner, runner_in
from fakes.daemon import FakeDaemon
from fakes.resolve import FakeResolve
from golden import FOLDER, Golden, merged, shape
from media.makers import make_movie
from resolve.restore.test_plan import describe
from resolve.settings_form.offers import form
from resolve_scripts import answerprint_bridge

KEPT = FOLDER / "kept"
LITERAL = frozenset({"event", "state", "code", "what", "put", "asked", "did"})
"""Keys whose values programs compare with."""
REQUEST: Message = json.loads((KEPT / "request.json").read_text())
PROBLEM = {
    "code": "disk_full", "message": "M", "remedy": "R", "exit_code": 4, "needed_bytes": 5, "folder": "/scratch",
}  # fmt: skip
FACTS: events.InputFacts = {"path": "/a", "width": 4, "height": 2, "rate": "25", "frames": 9, "range": (0, 9)}
OUTPUT: events.OutputFacts = {"path": "/b", "width": 8, "height": 4, "codec": "ffv1"}
COUNTS: events.FlowCounts = {"hits": 1, "misses": 2}


EDL = """\
TITLE: Cut
FCM: NON-DROP FRAME

001  AX       V     C        10:00:00:05 10:00:00:10 01:00:00:00 01:00:00:05
* FROM CLIP NAME: other.mov

002  AX       V     C        10:00:00:20 10:00:01:00 01:00:00:05 01:00:00:10
* FROM CLIP NAME: nowhere.mov
"""


class Heard:
    """The shapes of what commands print, by command and event."""

    def __init__(self, runner: CliRunner) -> None:
        self._desk = runner
        self.shapes: dict[str, dict[str, Any]] = {}

    def __call__(self, command: str, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """Run a command; what it printed."""
        answer = self._desk(*command.split(), *arguments, "--json")
        assert answer.code == code, answer
        return self.take(command, answer.out)

    def told(self) -> dict[str, dict[str, Any]]:
        """All shapes; one that was there before is only named."""
        before: dict[str, str] = {}
        told: dict[str, dict[str, Any]] = {}
        for command, shapes in self.shapes.items():
            for event, each in shapes.items():
                first = before.setdefault(json.dumps(each), command)
                told.setdefault(command, {})[event] = each if first == command else f"as {first}"
        return told

    def take(self, command: str, text: str) -> list[dict[str, Any]]:
        """Add what a command printed."""
        array = text.startswith("[")
        found: list[dict[str, Any]] = json.loads(text) if array else [json.loads(line) for line in text.splitlines()]
        known = self.shapes.setdefault(command, {})
        for each in found:
            name = "each of an array" if array else each.get("event", "an object")
            seen = _without_requests(shape(each, LITERAL))
            known[name] = merged([known[name], seen]) if name in known else seen
        return found


@pytest.fixture
def runner(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> Iterator[CliRunner]:
    with runner_in(tmp_path, tmp_path_factory.mktemp("h"), capsys) as made:
        yield made


def test_what_json_says_of_jobs_models_and_the_daemon(
    runner: CliRunner, golden: Golden, capsys: pytest.CaptureFixture[str]
) -> None:
    hear = Heard(runner)
    job = runner.job("full.mov", request=REQUEST, clip=ClipRef("/a", editor={"a": "b"}), not_before=4e9)
    waits = runner.job("waits.mov")
    _work(runner, job)
    hear("jobs list", "--all")
    runner.server.call(lambda: runner.daemon.change(job.id, JobState.PAUSED, problem=PROBLEM))
    hear("jobs list", "--all")
    hear("jobs show", job.id)
    for steering in ("cancel", "retry", "pause", "resume"):
        hear(f"jobs {steering}", str(waits.number))
    hear("jobs move", str(waits.number), "--first")
    runner.server.call(lambda: runner.daemon.change(waits.id, JobState.FAILED, problem=PROBLEM))
    hear("jobs watch", str(waits.number), code=4)
    hear("jobs delete", str(waits.number))
    _end(runner, job)
    hear("jobs watch", job.id)
    hear("jobs show", "99", code=2)

    for name in ("clip.mov", "a.mov", "b.mov", "c.mov"):
        (runner.folder / name).touch()
    hear("inspect", "clip.mov")
    hear("restore", "clip.mov", "out.mov", "--detach")
    hear("queue add", "a.mov", "b.mov", "--output-folder", str(runner.folder))
    (runner.folder / "ours.mov").write_bytes(b"answerprint_version")
    hear("queue add", "ours.mov", "c.mov", "--output-folder", str(runner.folder))
    (runner.folder / "jobs.yaml").write_text("jobs:\n- input: a.mov\n  output: x.mov\n  seed: none\n")
    hear("queue add", "--from", "jobs.yaml", code=2)
    hear("queue show")
    hear("queue suspend", "--reason", "night")
    hear("queue resume")

    hear("models load", "tiny-x4")
    hear("daemon status")
    hear("daemon start")
    hear("models unload", "tiny-x4")
    hear("models list")
    hear("models info", "tiny-x4")
    hear("models verify", "tiny-x4")
    hear("models pull", "realesr-animevideov3")
    hear("models remove", "realesr-animevideov3", "--yes")
    capsys.readouterr()
    main(["doctor", "--json"], child_command=lambda name: [sys.executable, "-c", ""])
    hear.take("doctor", capsys.readouterr().out)
    child.main(["flow-cache", "info", "--json"])
    hear.take("flow-cache info", capsys.readouterr().out)
    golden.check("events.json", hear.told())


def _without_requests(each: Any) -> Any:  # noqa: ANN401
    """A shape in which requests are only named."""
    if isinstance(each, list):
        return [_without_requests(one) for one in each]
    if not isinstance(each, dict):
        return each
    if each.keys() == REQUEST.keys():
        return "a request, see kept/request.json"
    return {key: _without_requests(one) for key, one in each.items()}


def _work(runner: CliRunner, job: JobRecord) -> None:
    """Let a job do all that there is to tell of."""
    receipt = json.loads((KEPT / "receipt.json").read_text())
    estimate = {"memory_bytes": 1, "scratch_bytes": 2, "output_bytes": 3, "seconds": 4.0}
    runner.server.call(
        lambda: runner.daemon.change(job.id, JobState.RUNNING, facts={"estimate": estimate}, started=1.6e9)
    )
    for event in (
        events.started(FACTS, OUTPUT, model="tiny-x4", device="cpu", estimate=estimate),
        events.stage("denoise", "Restoring"),
        events.warning("W"),
        events.adapted(1, "A"),
        events.chunk(receipt, 1.5, flow_cache=COUNTS, frames_done=4, frames_total=9),
        events.progress("denoise", 4, 9, seconds_per_frame=0.5, eta_seconds=2.5, chunk=1, step=1, steps=2),
    ):
        runner.tell(job, event)


def _end(runner: CliRunner, job: JobRecord) -> None:
    done = events.done("/b", 9, 3.0, flow_cache=COUNTS, peak_memory_bytes=5, stages={"mux": 1.0}, files=["/b/1.png"])

    def end() -> None:
        runner.daemon.change(job.id, JobState.MUXING)
        runner.daemon.change(job.id, JobState.DONE, result=done, ended=1.7e9)
        runner.daemon.tell(job.id, done)

    runner.server.call(end)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("journal_v*.sql")), ids=lambda path: path.stem)
def test_jobs_of_a_kept_journal_are_told_as_they_were(
    path: Path, golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No daemon runs: the command reads the journal itself, once a daemon brought it up to date."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    (tmp_path / "state").mkdir(mode=0o700)
    with sqlite3.connect(tmp_path / "state" / "journal.db") as connection:
        connection.executescript(path.read_text())
    connection.close()
    Journal.open(tmp_path / "state" / "journal.db").close()
    assert main(["jobs", "list", "--all", "--json"]) == 0
    numbers = [str(job["number"]) for job in json.loads(capsys.readouterr().out)]
    assert main(["jobs", "show", *numbers, "--json"]) == 0
    golden.check(f"{path.stem}.json", [json.loads(line) for line in capsys.readouterr().out.splitlines()])


# In a project of Resolve's


class Project:
    """A film on a timeline, and another; with what differs from run to run replaced by what it is."""

    def __init__(self, fake: FakeResolve, folder: Path) -> None:
        self._fake = fake
        self.names = {str(folder): "/ROOT", __version__: "VERSION", fake.project_id: "PROJECT"}
        self.timeline = fake.add_timeline("Reel 1", 25)
        films = [
            make_movie(folder / name, 60, rate=Fraction(25), timecode="10:00:00:00")
            for name in ("film.mov", "other.mov")
        ]
        self.film, _ = films
        self._clips = [fake.add_clip(film, start_tc="10:00:00:00", Reel_Name="A001") for film in films]
        self.items = [
            self.timeline.place(self._clips[other], source=source)
            for other, source in ((0, (0, 12)), (0, (20, 32)), (1, (0, 60)))
        ]
        self.names |= {self.timeline.id: "TIMELINE"}
        self.names |= {hashlib.sha256(fake.project_id.encode()).hexdigest()[:16]: "HASH OF PROJECT"}
        self.names |= {clip.id: f"CLIP {number}" for number, clip in enumerate(self._clips)}
        self.names |= {item.id: f"ITEM {number}" for number, item in enumerate(self.items)}

    def plain(self, value: object) -> Any:  # noqa: ANN401
        """A value in which names stand for what differs."""
        text = json.dumps(value, sort_keys=True)
        for name, what in self.names.items():
            text = text.replace(name, what)
        return json.loads(text)

    def seen(self) -> dict[str, Any]:
        """Bins, clips, tracks and items as the user finds them."""
        folders, tracks = self._fake.project.pool.root.walk(), self.timeline.tracks["video"]
        return {
            "bins": {folder.name: [clip.name for clip in folder.clips] for folder in folders},
            "what clips keep": [clip.third_party for clip in self._fake.clips() if clip.third_party],
            "tracks": {
                track.name: [{"name": item.name, "takes": len(item.takes), "markers": list(item.markers.values())}
                             for item in track.items]
                for track in tracks
            },
        }  # fmt: skip


def test_what_is_said_and_left_where_clips_come_back(
    runner: CliRunner, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(daemon: FakeDaemon, media: str, *, details: bool = False) -> MediaInfo:
        return describe([media])[0]

    monkeypatch.setattr(FakeDaemon, "describe", look)
    monkeypatch.setenv("HOME", str(runner.folder))
    hear, home = Heard(runner), runner.server.run.parent
    with FakeResolve() as fake, fake.serving() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        project = Project(fake, runner.folder)
        (installed,) = hear("resolve install")
        hear("resolve status")
        for item, mode in zip(project.items, ("track", "take", "replace"), strict=True):
            project.timeline.playhead(item.start + 2)
            hear("resolve restore", "--playhead", "--put", mode, "--handles", "2", "--yes")
        gone = project.timeline.place(
            fake.add_clip(shutil.copy(project.film, runner.folder / "gone.mov")), source=(0, 10)
        )
        (runner.folder / "gone.mov").unlink()
        project.timeline.playhead(gone.start + 2)
        hear("resolve restore", "--playhead", "--put", "pool", code=2)
        jobs = list(runner.daemon.jobs.values())
        for job in jobs:
            project.names[job.id] = f"JOB {job.number}"
            first, stop = (int(job.clip.editor[name]) for name in ("restored_first", "restored_stop"))
            make_movie(Path(job.output), stop - first, rate=Fraction(25))
            runner.server.call(runner.daemon.change, job.id, JobState.DONE)
        hear("resolve finish")
        left: dict[str, Any] = {
            "project": project.seen(),
            "jobs": [{"label": job.label, "output": job.output, "clip": job.clip.to_json()} for job in jobs],
            "scripts": [str(Path(path).relative_to(installed["folder"])) for path in installed["written"]],
            "home": [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()],
        }
        hear("resolve undo", "1")
        runner.server.call(lambda: runner.daemon.change(jobs[0].id, JobState.FAILED, problem=PROBLEM))
        hear("resolve finish", "1", "--again")
        hear("resolve uninstall")
        assert fake.violations == []
    (runner.folder / "cut.edl").write_text(EDL)
    given = ("cut.edl", "--media", str(runner.folder), "--rate", "25")
    hear("resolve queue --from", *given, "--handles", "2", code=2)
    of_list = next(reversed(runner.daemon.jobs.values()))
    make_movie(Path(of_list.output), 5, rate=Fraction(25))
    runner.server.call(runner.daemon.change, of_list.id, JobState.DONE)
    hear("resolve finish --from", *given)
    project.names[of_list.clip.editor["answerprint_list"]] = "HASH OF THE LIST"
    left["jobs"].append({"label": of_list.label, "output": of_list.output, "clip": of_list.clip.to_json()})
    golden.check("events_resolve.json", hear.told())
    found = project.plain(left)
    golden.check("project.json", found | {"home": sorted(found["home"])})


def test_what_a_daemon_keeps(
    golden: Golden,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A real daemon, which has a job and begins none."""
    home = tmp_path_factory.mktemp("h")  # short: it has a socket in it
    monkeypatch.setenv("ANSWERPRINT_HOME", str(home))

    def say(*arguments: str) -> dict[str, Any]:
        assert main([*arguments, "--json"]) == 0
        said: dict[str, Any] = json.loads(capsys.readouterr().out)
        return said

    def names() -> list[str]:
        # The log of a child lasts as long as the child, unless there is something in it.
        paths = (path for path in home.rglob("*") if not path.name.startswith(("media-", "daemon-start-")))
        return sorted(path.relative_to(home).as_posix() for path in paths)

    clip = make_movie(tmp_path / "clip.mov", 12)
    say("daemon", "start")
    try:
        say("queue", "suspend", "--reason", "night")
        say("restore", str(clip), str(tmp_path / "out.mov"), "--detach")
        running = names()
        status = shape(say("daemon", "status"), LITERAL)
    finally:
        stopped = say("daemon", "stop")
    golden.check(
        "home.json",
        {
            "while it runs": running,
            "after its end": names(),
            "held": (home / "state" / "held").read_text(),
            "daemon status": status,
            "daemon stop": shape(stopped, LITERAL),
        },
    )


def test_the_form_that_windows_are_given(golden: Golden) -> None:
    """Scripts that were installed with an older version show the form of a newer one."""
    said: dict[str, Any] = form().to_json()
    # Whether a limit is written 1 or 1.0 is all the same to who reads it.
    limits = ("minimum", "maximum")
    questions = [
        each | {name: None if each[name] is None else float(each[name]) for name in limits}
        for each in said.pop("fields")
    ]
    golden.check(
        "form.json",
        {
            "form": shape(said),
            "question": merged(map(shape, questions)),
            "questions": {
                each["name"]: {
                    **{key: each[key] for key in ("kind", "group", "default", "minimum", "maximum")},
                    "choices": [value for value, _ in each["choices"]],
                }
                for each in questions
            },
        },
    )


class _Root:
    """As an object of Resolve's, as far as the bridge knows."""

    EXPORT_OTIO = 5.0

    def GetName(self, *arguments: object) -> object:
        return list(arguments)

    def GetProject(self) -> _Root:
        return _Root()

    def GetMarkers(self) -> dict[float, str]:
        return {1.0: "a"}


def test_the_lines_between_resolve_and_the_program(golden: Golden) -> None:
    """The bridge that was installed with an older version serves a newer program."""
    module: Any = answerprint_bridge
    bridge = module.Bridge(_Root(), lambda form: {"handles": form["handles"]})
    requests: list[dict[str, Any]] = [
        {"id": 1, "call": [0, "GetProject", []]},
        {"id": 2, "call": [0, "GetName", [{"ref": 1}, {"map": [[1.0, "a"]]}, None, "text"]]},
        {"id": 3, "call": [1, "GetMarkers", []]},
        {"id": 4, "value": [0, "EXPORT_OTIO"]},
        {"id": 5, "form": {"handles": 2}},
        {"id": 6, "call": [0, "GetNothing", []]},
        {"id": 7, "nothing": 0},
    ]
    lines = []
    for request in requests:
        answer = json.loads(json.dumps(bridge.answer(request)))
        if "error" in answer:
            answer["error"] |= {"text": "a sentence"}
        lines.append([request, answer])
    golden.check("bridge.json", {"protocol": module.PROTOCOL, "lines": lines})
