"""Files that the user has become a model; what they are, their content says."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from answerprint.errors import CancelledError, ModelError
from answerprint.weights.importing.import_model import import_model
from answerprint.weights.manifest import Manifest
from answerprint.weights.verify import verify_model
from weights.place import anything, convert, tensors

SAID = Manifest("mine", "", "1", "MIT", "of the tests", 0, ())
SCALES = {"ldm_sr": 4, "diffbir": 4, "sd_x4": 4}
COMPONENT = ["diffusers", "Something"]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder as diffusers saves it, in the state of an old one: one part is pickled."""
    folder = tmp_path / "saved"
    index = {"_class_name": "LDMSuperResolutionPipeline", "unet": COMPONENT, "vqvae": COMPONENT, "extra": [None, None]}
    for name, data in {
        "model_index.json": json.dumps(index).encode(), "unet/config.json": b"{}", "vqvae/config.json": b"{}",
        "unet/diffusion_pytorch_model.safetensors": tensors(),
        "unet/diffusion_pytorch_model.fp16.safetensors": tensors(),
        "unet/diffusion_pytorch_model.bin": b"\x80\x02.", "extra/model.safetensors": tensors(), "README.md": b"text",
        "whole.safetensors": tensors(),
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    torch.save({"w": torch.arange(6.0)}, folder / "vqvae" / "diffusion_pytorch_model.bin")
    return folder


def take(models: Path, *paths: Path, **more: Any) -> Manifest:  # noqa: ANN401 - fields of what is said
    said = Manifest(**{**{f: getattr(SAID, f) for f in SAID.__slots__}, **more})
    return import_model(paths, models, said, scales=SCALES, convert=convert, fit=anything)


def test_folder_of_diffusers_becomes_a_model(models: Path, saved: Path) -> None:
    sealed = take(models, saved)
    assert (sealed.family, sealed.scale) == ("ldm_sr", 4)
    assert [record.name for record in sealed.files] == [
        "model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors", "vqvae/config.json",
        "vqvae/diffusion_pytorch_model.safetensors",
    ]  # fmt: skip
    verify_model(models / "mine")
    weights = load_file(models / "mine" / "vqvae" / "diffusion_pytorch_model.safetensors")
    assert torch.equal(weights["w"], torch.arange(6.0))
    assert (saved / "unet" / "diffusion_pytorch_model.bin").exists()


def test_files_of_diffbir_are_known_by_their_tensors(models: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    parts = {
        "x.safetensors": "model.diffusion_model.input_blocks.0.0.weight", "v2.pth": "zero_convs.0.0.weight",
        "a.ckpt": "RRDB_trunk.0.RDB1.conv1.weight", "b.pth": "m_head.0.weight",
        "c.ckpt": "layers.0.residual_group.blocks.0.attn.qkv.weight",
    }  # fmt: skip
    for name, tensor in parts.items():
        if name.endswith(".safetensors"):
            (mine / name).write_bytes(tensors(tensor))
        else:
            torch.save({"state_dict": {f"module.{tensor}": torch.zeros(2)}}, mine / name)
    (mine / "vocab.json").write_text("{}")
    (mine / "merges.txt").write_text("#version: 0.2\n")
    sealed = take(models, *sorted(mine.iterdir()))
    assert sealed.family == "diffbir"
    assert {record.name for record in sealed.files} == {
        "model_index.json", "base.safetensors", "control.safetensors", "stage1/sr.safetensors",
        "stage1/denoise.safetensors", "stage1/face.safetensors", "tokenizer/vocab.json", "tokenizer/merges.txt",
    }  # fmt: skip
    (models / "mine").rename(tmp_path / "one")
    assert take(models, mine).files == sealed.files
    (models / "mine").rename(tmp_path / "two")
    with pytest.raises(ModelError, match=r"control\.safetensors"):
        take(models, mine / "x.safetensors")


def test_name_that_is_taken_is_refused_and_the_model_stays(models: Path, saved: Path) -> None:
    take(models, saved)
    with pytest.raises(ModelError, match="already") as caught:
        take(models, saved)
    assert "remove" in caught.value.remedy
    verify_model(models / "mine")


def test_folder_of_another_family_is_refused(models: Path, saved: Path) -> None:
    with pytest.raises(ModelError, match="another model"):
        take(models, saved, family="sd_x4")
    assert not (models / "mine").exists()


@pytest.mark.parametrize("content", [b"", b"\x7fELF" + b"\0" * 99, b"GGUF" + b"\0" * 99, b"<html>"])
def test_unknown_form_is_refused_whatever_its_name_says(models: Path, saved: Path, content: bytes) -> None:
    (saved / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        take(models, saved)
    assert caught.value.remedy
    assert [path.name for path in models.iterdir()] == [".partial"]


def test_refused_import_leaves_nothing_and_a_good_one_follows(models: Path, saved: Path) -> None:
    good = (saved / "vqvae" / "diffusion_pytorch_model.bin").read_bytes()
    (saved / "vqvae" / "diffusion_pytorch_model.bin").write_bytes(good[:-200])
    with pytest.raises(ModelError):
        take(models, saved)
    assert [path.name for path in models.iterdir()] == [".partial"]
    (saved / "vqvae" / "diffusion_pytorch_model.bin").write_bytes(good)
    take(models, saved)


@pytest.mark.parametrize("zipped", [True, False])
def test_every_number_of_a_checkpoint_comes_through(tmp_path: Path, zipped: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    table = torch.randn(4, 6, generator=generator)
    given = {
        "w": table, "turned": table.t(), "half": table.half(), "brain": table.bfloat16(), "double": table.double(),
        "cut": table[1:3, 2:4], "every other": table[:, ::2], "one": torch.tensor(3.0), "none": torch.zeros(0, 3),
        "counts": torch.arange(5), "flags": torch.tensor([True, False]), "bytes": torch.arange(9, dtype=torch.uint8),
        "parameter": torch.nn.Parameter(table),
    }  # fmt: skip
    whole = {"state_dict": given, "epoch": 3, "history": [1.0, "text"]}
    torch.save(whole, tmp_path / "a.ckpt", _use_new_zipfile_serialization=zipped)
    convert(tmp_path / "a.ckpt", tmp_path / "a.safetensors", threading.Event())
    found = load_file(tmp_path / "a.safetensors")
    assert found.keys() == given.keys()
    for name, tensor in given.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor.detach()), name


@pytest.mark.parametrize("zipped", [True, False])
def test_what_a_module_says_of_its_versions_is_left_out(tmp_path: Path, zipped: bool) -> None:
    """Training programs save a module's own state, an ordered dictionary with an attribute."""
    state = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).state_dict()
    assert hasattr(state, "_metadata")
    torch.save({"params_ema": state}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    convert(tmp_path / "a.pth", tmp_path / "a.safetensors", threading.Event())
    found = load_file(tmp_path / "a.safetensors")
    assert found.keys() == state.keys() and all(torch.equal(found[name], state[name]) for name in state)


@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoint_that_was_cut_off_is_refused(tmp_path: Path, zipped: bool) -> None:
    torch.save({"w": torch.randn(1000)}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    data = (tmp_path / "a.pth").read_bytes()
    for length in (len(data) - 1, len(data) // 2, 100, 3):
        (tmp_path / "a.pth").write_bytes(data[:length])
        with pytest.raises(ModelError):
            convert(tmp_path / "a.pth", tmp_path / "a.safetensors", threading.Event())
        assert not (tmp_path / "a.safetensors").exists()


def test_conversion_can_be_ended(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1)}, tmp_path / "a.pth")
    stop = threading.Event()
    stop.set()
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(CancelledError):
        convert(tmp_path / "a.pth", tmp_path / "a.safetensors", stop, child_command=lambda kind: sleeping)


@pytest.mark.parametrize(
    "deed",
    [
        "open('victim', 'w')", "open('victim')", "__import__('os').system('echo x > victim')",
        "__import__('socket').socket()", "__import__('os').unlink('victim')", "__import__('os').fork()",
        "__import__('subprocess').Popen(['true'])", "__import__('ctypes').CDLL(None)", "eval('1')",
        "__import__('os').rename('victim', 'v')", "__import__('os').kill(1, 0)",
    ],
)  # fmt: skip
def test_sandbox_forbids_all_but_the_work(tmp_path: Path, deed: str) -> None:
    """Each is tried by code that has got as far as running inside."""
    import subprocess

    (tmp_path / "victim").write_text("precious")
    program = (
        "import os, socket, subprocess, ctypes\n"
        "from answerprint.weights.importing.sandbox import enter\n"
        f"deed = lambda: {deed}\n"
        "enter(1 << 20)\n"
        "try: deed()\n"
        "except PermissionError: os._exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 7, done.stderr
    assert (tmp_path / "victim").read_text() == "precious"
    assert os.listdir(tmp_path) == ["victim"]  # noqa: PTH208
