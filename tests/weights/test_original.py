"""LDM-SR's one checkpoint by CompVis becomes a model like one that was pulled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DModel, VQModel
from safetensors.torch import save_file
from torch import Tensor

from answerprint.backends.fit import arrange_files, check
from answerprint.backends.ldm_sr.adapter import load
from answerprint.backends.ldm_sr.info import INFO
from answerprint.cli.main import main
from answerprint.errors import ModelError
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.weights import published_models
from answerprint.weights.published_models import find_known, find_original, known_models
from answerprint.weights.verify import verify_model
from backends.builders import CPU, LDM_SCHEDULER, low_frames, save_pipeline, small_pipeline
from backends.builders_compvis import original, save_checkpoint
from backends.contract import restore
from backends.test_ldm_sr_layout import published

ENDS = (LDM_SCHEDULER["beta_start"], LDM_SCHEDULER["beta_end"])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A small pipeline in diffusers' layout."""
    save_pipeline(small_pipeline(), tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def small(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The known model, with the configurations of a small pipeline; returns the user's folder of models."""
    folder, home = tmp_path / "published", tmp_path / "home"
    folder.mkdir()
    ours = json.loads((published_models._FOLDER / "ldm-sr-x4.json").read_text())
    ours["original"]["content"] = {name: json.loads((saved / name).read_text()) for name in ours["original"]["content"]}
    (folder / "ldm-sr-x4.json").write_text(json.dumps(ours))
    monkeypatch.setattr(published_models, "_FOLDER", folder)
    monkeypatch.setenv("ANSWERPRINT_HOME", str(home))
    known_models.cache_clear()
    yield home / "models"
    known_models.cache_clear()


def networks() -> tuple[UNet2DModel, VQModel]:
    pipeline = small_pipeline()
    return pipeline.unet, pipeline.vqvae


def checkpoint(path: Path, ends: tuple[float, float] = ENDS) -> Path:
    save_checkpoint(path, *networks(), ends)
    return path


def restored(folder: Path) -> Tensor:
    """A frame, restored in four steps by the verified model of a folder."""
    backend, low = load(verify_model(folder), CPU), low_frames(1, 16, 16)
    backend.configure(steps=4, sampler="ddim", options={})
    return backend.decode(restore(backend, low, 0, per_frame(MethodOptions())), backend.condition(low))


def test_imported_checkpoint_restores_as_the_same_weights_in_diffusers_layout(
    small: Path, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = checkpoint(tmp_path / "model.ckpt")
    assert main(["models", "import", "ldm-sr-x4", str(mine)]) == 0, capsys.readouterr().err
    said = capsys.readouterr()
    assert said.out == "ldm-sr-x4 is installed: family ldm_sr, 6 files.\n"
    assert "converting model.ckpt" in said.err
    model = verify_model(small / "ldm-sr-x4")
    manifest = model.manifest
    assert (manifest.family, manifest.licence, manifest.scale) == ("ldm_sr", "Apache-2.0", 4)
    # The names of what a pull brings, and no trace of the checkpoint.
    assert [record.name for record in manifest.files] == sorted(file.name for file in find_known("ldm-sr-x4").files)
    assert {path.name for path in model.folder.iterdir()} == {
        "manifest.json", "model_index.json", "scheduler", "unet", "vqvae",
    }  # fmt: skip
    ours, theirs = restored(model.folder), restored(saved)
    assert theirs.std() > 0.05, "a picture without content would prove nothing"
    assert torch.equal(ours, theirs)
    assert main(["models", "verify", "ldm-sr-x4"]) == 0
    assert mine.exists()


def laid_out(folder: Path, name: str) -> Path:
    """A folder with the small configurations and a converted checkpoint."""
    content = find_known(name).original.content  # type: ignore[union-attr]
    for each, data in content.items():
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_text(json.dumps(data))
    return folder


def converted(folder: Path, ends: tuple[float, float] = ENDS) -> None:
    state = torch.load(checkpoint(folder / "model.ckpt", ends), weights_only=True)["state_dict"]
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, folder / "original.safetensors")


def test_a_checkpoint_of_another_noise_schedule_is_refused_and_the_right_one_taken(small: Path, tmp_path: Path) -> None:
    folder = laid_out(tmp_path / "gathered", "ldm-sr-x4")
    converted(folder, (0.00085, 0.012))
    with pytest.raises(ModelError, match=r"trained with betas from 0\.00085 to 0\.012"):
        arrange_files(folder, "ldm_sr", "original.safetensors")
    converted(folder)
    arrange_files(folder, "ldm_sr", "original.safetensors")
    assert not (folder / "original.safetensors").exists()
    check(folder, "ldm_sr", 4)


def test_configurations_of_another_size_are_refused(small: Path, tmp_path: Path) -> None:
    folder = laid_out(tmp_path / "gathered", "ldm-sr-x4")
    converted(folder)
    config = json.loads((folder / "unet" / "config.json").read_text())
    (folder / "unet" / "config.json").write_text(json.dumps({**config, "block_out_channels": [16, 32, 64]}))
    arrange_files(folder, "ldm_sr", "original.safetensors")
    with pytest.raises(ModelError, match="of another shape: "):
        check(folder, "ldm_sr", 4)


def test_another_family_and_other_files_beside_it_are_refused(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = checkpoint(tmp_path / "model.ckpt")
    for arguments, said in (
        (["--family", "sd_x4"], "which is not of the family 'sd_x4'"),
        ([str(checkpoint(tmp_path / "twin.ckpt"))], "is a complete model: model.ckpt of CompVis"),
    ):
        assert main(["models", "import", "ldm-sr-x4", str(mine), *arguments]) == 2
        assert said in capsys.readouterr().err
    assert not (small / "ldm-sr-x4").exists()


def test_the_published_configurations_are_those_of_the_full_size_networks() -> None:
    content: Any = find_known("ldm-sr-x4").original.content  # type: ignore[union-attr]
    with torch.device("meta"):
        found = UNet2DModel.from_config(content["unet/config.json"]), VQModel.from_config(content["vqvae/config.json"])
    for network, other in zip(found, published(), strict=True):
        assert {n: t.shape for n, t in network.state_dict().items()} == {
            n: t.shape for n, t in other.state_dict().items()
        }
    assert set(content) == {f.name for f in find_known("ldm-sr-x4").files if not f.convert}


def test_only_the_whole_checkpoint_is_taken_for_it() -> None:
    names = set(original(*networks()))
    assert asdict(find_original(names) or find_known("diffbir-v2"))["name"] == "ldm-sr-x4"
    assert find_original({name for name in names if not name.startswith("first_stage_model.")}) is None
    assert find_original({name for name in names if name.startswith("first_stage_model.")}) is None
    assert INFO.scale == find_known("ldm-sr-x4").scale
