"""`models pull`, `import` and `remove` as a person and as a program meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from answerprint.cli import models_shelf
from answerprint.frames.request import RestoreRequest
from answerprint.models import known
from answerprint.models.verify import verify
from answerprint.store.journal import Journal
from answerprint.store.records import JobRecord, JobState
from models.place import INDEX, anything, sha256, tensors
from models.server import FileServer

from .desk import Desk

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server with the one model that is known; its weights have no published hash."""
    folder = tmp_path_factory.mktemp("known")
    with FileServer() as server:
        files = [
            {
                "name": "model_index.json", "sources": [server.put("i", INDEX)],
                "size": len(INDEX), "sha256": sha256(INDEX),
            },
            {"name": WEIGHTS, "sources": [server.put("w", tensors())]},
        ]  # fmt: skip
        licence = {"id": "MIT", "title": "MIT License", "url": "https://spdx.org/licenses/MIT", "text": "Be kind."}
        said = {
            "schema_version": 1, "name": "stranger", "family": "ldm_sr", "version": "1", "scale": 4, "summary": "s",
            "licence": licence, "files": files,
        }  # fmt: skip
        (folder / "stranger.json").write_text(json.dumps(said))
        monkeypatch.setattr(known, "_FOLDER", folder)
        monkeypatch.setattr(models_shelf, "fit_in_child", anything)  # these weights make no model
        known.known_models.cache_clear()
        yield server
    known.known_models.cache_clear()


@pytest.fixture
def home(desk: Desk) -> Path:
    return Path(desk.server.run).parent


def test_pull_shows_the_licence_and_asks_for_what_it_needs(desk: Desk, server: FileServer, home: Path) -> None:
    first = desk("models", "pull", "stranger")
    assert first.code == 2
    for said in ("MIT License", "Be kind.", "https://spdx.org/licenses/MIT", "at least", "--accept-licence"):
        assert said in first.err
    second = desk("models", "pull", "stranger", "--accept-licence")
    assert second.code == 2 and "--trust-first-download" in second.err
    assert server.asked == []
    third = desk("models", "pull", "stranger", "--trust-first-download")
    assert (third.code, third.out) == (0, f"stranger is ready in {home / 'models' / 'stranger'}\n")
    verify(home / "models" / "stranger")
    listed = desk("models", "list").out
    assert "stranger  ready" in listed and "MIT" in listed


def test_pull_tells_programs_how_far_it_is(desk: Desk, server: FileServer) -> None:
    answer = desk("models", "pull", "stranger", "--accept-licence", "--trust-first-download", "--json")
    assert answer.code == 0
    assert [event["event"] for event in answer.events][-1] == "pulled"
    stages = [event["stage"] for event in answer.events if event["event"] == "progress"]
    assert stages[0] == "fetch" and stages[-1] == "done"
    assert {"done_bytes", "total_bytes", "bytes_per_second", "eta_seconds"} <= set(answer.events[0])


def test_restoring_with_absent_weights_names_the_one_command(desk: Desk, server: FileServer) -> None:
    answer = desk("restore", "in.mov", "out.mov", "--model", "stranger")
    assert answer.code == 2
    assert "answerprint models pull stranger --trust-first-download" in answer.err


def test_info_says_what_is_published_of_an_absent_model(desk: Desk, server: FileServer, home: Path) -> None:
    told = desk("models", "info", "stranger").out
    for said in ("MIT License", "not here", str(home / "models" / "stranger"), "nobody published its hash"):
        assert said in told


def test_info_says_what_the_model_gives_and_no_option_twice(desk: Desk) -> None:
    depth = desk("models", "info", "marigold-depth").out
    assert "depth, of which there is no strength" in depth and "from      huggingface.co\n" in depth
    upscaler = desk("models", "info", "sd-x4-upscaler").out
    assert "no strength" not in upscaler and "4x, up to 16x" in upscaler
    mended = desk("models", "info", "diffbir-v2").out
    assert "4x, 1x for denoise, 1x for face" in mended and "control.safetensors made of v2.pth" in mended
    for told in (depth, upscaler, mended):
        names = [line.split()[0] for line in told.splitlines() if line.startswith("  ") and line[2] != " "]
        assert len(names) == len(set(names))


def test_sizes_that_nobody_published_are_reckoned(desk: Desk) -> None:
    listed = {line.split()[0]: line for line in desk("models", "list").out.splitlines()}
    assert "about 6.4 GiB" in listed["diffbir-v2"] and "about 3.2 GiB" in listed["sd-x4-upscaler"]


def test_what_cannot_be_removed_is_said_before_a_yes_is_asked_for(desk: Desk) -> None:
    assert "is part of Answerprint" in desk("models", "remove", "tiny-x4").err
    assert "There is no model 'nothing' to remove" in desk("models", "remove", "nothing").err


def test_sources_that_cannot_be_meant_are_said_before_the_licence(desk: Desk, server: FileServer) -> None:
    assert "is not a folder" in desk("models", "pull", "stranger", "--from-folder", "/no/such").err
    assert "is not an address" in desk("models", "pull", "stranger", "--mirror", "studio").err


def test_unknown_model_is_answered_with_the_known_ones(desk: Desk, server: FileServer) -> None:
    answer = desk("models", "pull", "huge-x9")
    assert answer.code == 2 and "stranger" in answer.err and "import" in answer.err


def test_users_folder_is_imported_verified_and_removed(desk: Desk, server: FileServer, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "unet").mkdir(parents=True)
    index = {"_class_name": "LDMSuperResolutionPipeline", "unet": ["diffusers", "UNet2DModel"]}
    (mine / "model_index.json").write_text(json.dumps(index))
    (mine / WEIGHTS).write_bytes(tensors())
    assert "--licence" in desk("models", "import", "own", str(mine)).err
    assert desk("models", "import", "own", str(mine), "--licence", "MIT", "--family", "none").code == 2
    done = desk("models", "import", "own", str(mine), "--licence", "MIT")
    assert (done.code, done.out) == (0, "own is ready: family ldm_sr, 2 files.\n")
    assert desk("models", "verify", "own").out == "own: ok\n"
    asked = desk("models", "remove", "own")
    assert asked.code == 2 and "--yes" in asked.err
    assert desk("models", "remove", "own", "--yes").code == 0
    assert "own" not in desk("models", "list").out


def test_model_in_memory_is_not_removed(desk: Desk, server: FileServer) -> None:
    desk("models", "pull", "stranger", "--accept-licence", "--trust-first-download")
    desk("models", "load", "stranger", "--device", "cpu")
    refused = desk("models", "remove", "stranger", "--yes")
    assert refused.code == 2 and "answerprint models unload stranger" in refused.err
    desk("models", "unload")
    assert desk("models", "remove", "stranger", "--yes").code == 0


def test_model_that_an_unfinished_job_needs_is_not_removed(desk: Desk, server: FileServer, home: Path) -> None:
    """The journal itself is asked: the job waits also while no daemon runs."""
    desk("models", "pull", "stranger", "--accept-licence", "--trust-first-download")
    request = RestoreRequest(input="/in.mov", output="/out.mov", model="stranger").to_json()
    job = JobRecord(
        id="0b0e9c1e-6d2f-4b3e-9a51-3f5f0d6c7a21", number=0, kind="restore", label="reel", state=JobState.QUEUED,
        request=request,
    )  # fmt: skip
    (home / "state").mkdir(mode=0o700, exist_ok=True)
    journal = Journal.open(home / "state" / "journal.db")
    journal.add(job, {"event": "state", "state": "queued"})
    refused = desk("models", "remove", "stranger", "--yes")
    assert refused.code == 2 and "unfinished jobs: 1" in refused.err
    journal.change(job.id, when={JobState.QUEUED}, state=JobState.CANCELLED)
    journal.close()
    assert desk("models", "remove", "stranger", "--yes").code == 0
