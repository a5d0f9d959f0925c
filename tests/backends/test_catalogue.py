"""Models are found by name, families by being there, and neither costs an import of torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from answerprint.backends import catalogue
from answerprint.backends.load import load
from answerprint.cli.main import main
from answerprint.errors import ModelError
from backends.builders import CPU, small_pipeline

HEAVY = ("torch", "diffusers", "transformers", "safetensors", "numpy", "av", "OpenImageIO", "cv2")


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of user's models."""
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def write_manifest(folder: Path, **changes: object) -> None:
    folder.mkdir()
    said = {
        "schema_version": 1, "name": folder.name, "family": "tiny", "version": "1", "licence": "MIT", "summary": "s",
        "scale": 4, "files": [{"name": "config.json", "size": 2, "sha256": "0" * 64}],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(said | changes))


def add_mine(saved: Path, models: Path) -> Path:
    """Put the saved pipeline among the user's models as `mine`."""
    folder = Path(shutil.copytree(saved, models / "mine"))
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"random-x4"', '"mine"'))
    return folder


def test_catalogue_leaves_heavy_libraries_alone() -> None:
    program = (
        "import sys\n"
        "from answerprint.backends import catalogue\n"
        "catalogue.families(), catalogue.entries(), catalogue.find_model('tiny-x4')\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_default_model_is_loaded_without_the_libraries_that_take_seconds() -> None:
    program = (
        "import sys, torch; from answerprint.worker import server; from answerprint.worker.loading import load_model;"
        "load_model('swift-x4', torch.device('cpu')).schedule();"
        "print({'diffusers', 'transformers', 'scipy', 'torch._dynamo'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout == "set()\n"


def test_families_are_found_by_their_folders() -> None:
    families = catalogue.families()
    assert {"tiny", "ldm_sr"} <= set(families)
    for name, info in families.items():
        assert info.family == name
        assert info.tasks and info.samplers and info.default_steps >= 1


def test_embedded_model_is_always_there(models: Path) -> None:
    entry = catalogue.find_model("tiny-x4")
    assert (entry.family, entry.scale, entry.licence) == ("tiny", 4, "Apache-2.0")
    assert entry.info.family == "tiny"


def test_users_model_is_found_and_loaded(models: Path, saved_pipeline: Path) -> None:
    add_mine(saved_pipeline, models)
    assert catalogue.find_model("mine").folder == models / "mine"
    assert load("mine", CPU).info.family == "ldm_sr"
    assert load(catalogue.find_model("mine"), CPU).info.scale == 4


def test_unknown_model_is_answered_with_the_known_ones(models: Path) -> None:
    with pytest.raises(ModelError) as caught:
        catalogue.find_model("tiny-x8")
    assert "tiny-x8" in caught.value.message
    assert "tiny-x4" in caught.value.remedy and "ldm-sr-x4" in caught.value.remedy


def test_known_model_without_weights_is_answered_with_what_to_do(models: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load("ldm-sr-x4", CPU)
    assert "not on this computer" in caught.value.message
    assert "answerprint models pull ldm-sr-x4 --trust-first-download" in caught.value.remedy
    listed = next(e for e in catalogue.entries() if e.name == "ldm-sr-x4")
    assert listed.folder is None and listed.licence


def test_remedy_for_files_that_are_there_works(models: Path, tmp_path: Path) -> None:
    """What the error says, done to the letter, makes the model usable."""
    with pytest.raises(ModelError, match="not on this computer") as caught:
        catalogue.find_model("ldm-sr-x4")
    small_pipeline().save_pretrained(tmp_path / "saved")
    words = caught.value.remedy.partition("the files: answerprint ")[2].removesuffix(" PATH...").split()
    assert main([*words, str(tmp_path / "saved")]) == 0
    assert load("ldm-sr-x4", CPU).info.family == "ldm_sr"


def test_damaged_model_hides_no_other(models: Path) -> None:
    (models / "broken").mkdir()
    (models / "broken" / "manifest.json").write_text("{")
    write_manifest(models / "moved", name="elsewhere")
    assert {"tiny-x4", "broken", "moved"} <= {e.name for e in catalogue.entries()}
    with pytest.raises(ModelError, match="not a valid manifest"):
        catalogue.find_model("broken")
    with pytest.raises(ModelError, match="elsewhere"):
        catalogue.find_model("moved")


def test_model_of_a_family_from_the_future_is_named(models: Path) -> None:
    write_manifest(models / "new", family="../tiny")
    with pytest.raises(ModelError) as caught:
        catalogue.find_model("new")
    assert "tiny, " in caught.value.remedy or "ldm_sr, " in caught.value.remedy


def test_user_cannot_take_the_name_of_the_embedded_model(models: Path) -> None:
    write_manifest(models / "tiny-x4", licence="other")
    assert catalogue.find_model("tiny-x4").licence == "Apache-2.0"


def test_altered_weights_are_refused_before_they_are_parsed(models: Path, saved_pipeline: Path) -> None:
    folder = add_mine(saved_pipeline, models)
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="sha256"):
        load("mine", CPU)
    data[-1] ^= 1
    path.write_bytes(data)
    load("mine", CPU)


def test_files_that_the_manifest_leaves_out_are_never_read(models: Path, saved_pipeline: Path) -> None:
    folder = add_mine(saved_pipeline, models)
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04pickle")
    (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text("{")
    load("mine", CPU)
    said = json.loads((folder / "manifest.json").read_text())
    said["files"] = [f for f in said["files"] if f["name"] != "unet/config.json"]
    (folder / "manifest.json").write_text(json.dumps(said))
    with pytest.raises(ModelError, match=r"no file unet/config\.json"):
        load("mine", CPU)


def test_scale_that_the_model_does_not_have_is_refused(models: Path, saved_pipeline: Path) -> None:
    folder = add_mine(saved_pipeline, models)
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"scale": 4', '"scale": 2'))
    with pytest.raises(ModelError, match="a scale of 4"):
        load("mine", CPU)
