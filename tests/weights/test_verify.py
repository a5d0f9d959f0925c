"""Nothing of a model is read unless it is what its manifest says, and nothing that could run code is read at all."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerprint.errors import ModelError
from answerprint.weights.header import check_safetensors
from answerprint.weights.manifest import read_manifest
from answerprint.weights.verify import PACKAGE_FOLDER, verify_model
from answerprint.weights.write_manifest import main, write_manifest

WEIGHTS = "weights.safetensors"


def tensors(header: object, data: bytes = b"\0" * 8, length: int | None = None) -> bytes:
    """A .safetensors file written by hand."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


ONE = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


def record(name: str, data: bytes) -> dict[str, object]:
    return {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def write(folder: Path, contents: dict[str, bytes], **changes: object) -> Path:
    """A model folder with files of `contents`, and a manifest that is true unless `changes` say otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    said = {
        "schema_version": 1, "name": "m", "family": "tiny", "version": "1", "licence": "MIT", "summary": "s",
        "scale": 4, "files": [record(name, data) for name, data in contents.items()],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(said | changes))
    return folder


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "m", {WEIGHTS: tensors(ONE), "unet/config.json": b"{}"})


def refused(folder: Path, *words: str) -> None:
    """`folder` is refused in words that name what is wrong, and say what to do."""
    with pytest.raises(ModelError) as caught:
        verify_model(folder)
    assert caught.value.remedy
    for word in words:
        assert word in caught.value.message


def test_true_manifest_passes(good: Path) -> None:
    model = verify_model(good)
    assert model.path(WEIGHTS).read_bytes() == tensors(ONE)
    assert model.read_json("unet/config.json") == {}


def test_embedded_models_are_as_their_manifests_say() -> None:
    folders = [f.parent for f in PACKAGE_FOLDER.glob("*/manifest.json")]
    assert folders
    for folder in folders:
        assert verify_model(folder).manifest.name == folder.name


def test_altered_byte_is_refused_and_accepted_again_once_undone(good: Path) -> None:
    data = bytearray((good / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (good / WEIGHTS).write_bytes(data)
    refused(good, WEIGHTS, "changed")
    data[-1] ^= 1
    (good / WEIGHTS).write_bytes(data)
    verify_model(good)


def test_truncated_file_is_refused(good: Path) -> None:
    (good / WEIGHTS).write_bytes(tensors(ONE)[:-1])
    refused(good, WEIGHTS, "bytes")


def test_missing_file_is_refused(good: Path) -> None:
    (good / "unet" / "config.json").unlink()
    refused(good, "config.json", "missing")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_pipe_in_the_place_of_a_file_does_not_hang(good: Path) -> None:
    (good / WEIGHTS).unlink()
    os.mkfifo(good / WEIGHTS)
    # Of size 0, as a pipe is, so that only its kind gives it away.
    write(good, {}, files=[record(WEIGHTS, b"")])
    refused(good, WEIGHTS, "missing")


def test_other_files_are_ignored(good: Path) -> None:
    (good / "extra.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelError, match=r"extra\.bin"):
        verify_model(good).path("extra.bin")


def test_pickle_under_another_name_is_refused(tmp_path: Path) -> None:
    """By its content, though size and hash are those of the manifest."""
    for kind, data in {"pickle": pickle.dumps({"a": 1}), "zip": b"PK\x03\x04" + b"\0" * 64, "empty": b""}.items():
        refused(write(tmp_path / kind, {WEIGHTS: data}), WEIGHTS, "not a safetensors file")


@pytest.mark.parametrize(
    "name", ["model.bin", "model.pt", "model.ckpt", "model.pth", "model.pkl", "model", "a.SafeTensors"]
)
def test_forms_that_can_run_code_are_refused_by_name(tmp_path: Path, name: str) -> None:
    refused(write(tmp_path / "m", {name: b"x"}), name)


@pytest.mark.parametrize(
    "name",
    [
        "../m.json", "/etc/m.json", "a/../m.json", "a/b/m.json", "..\\m.json", "C:m.json", "C:\\m.json",
        "\\\\h\\m.json", "./m.json", "a//m.json", ".json", ".hidden.json", "", "m.json/", "a\0.json", "m.json\n",
        "~/m.json", "a./m.json", "m.json ", "m.json:stream.json", "é.json",
    ],
)  # fmt: skip
def test_names_that_could_leave_the_folder_are_refused(good: Path, name: str) -> None:
    write(good, {}, files=[record(name, b"")])
    with pytest.raises(ModelError) as caught:
        verify_model(good)
    assert repr(name) in caught.value.message


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tensors(ONE, length=2**63), "not a safetensors file"),
        (tensors(ONE, length=10_000), "not a safetensors file"),
        (tensors(ONE, length=3), "header"),
        (struct.pack("<Q", 3) + b"[1]", "header"),
        (struct.pack("<Q", 50_000) + b"[" * 50_000, "header"),
        (tensors({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}), "outside the file"),
        (tensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}}), "outside the file"),
        (tensors({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}), "contradicts"),
        (tensors({"a": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}}), "contradicts"),
        (tensors({"a": {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}}), "invalid description"),
        (tensors({"a": 5}), "invalid description"),
        (tensors(ONE, data=b"\0" * 9), "has 9"),
        (tensors({}, data=b"\0"), "has 1"),
    ],
)  # fmt: skip
def test_header_that_contradicts_the_file_is_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    refused(write(tmp_path / "m", {WEIGHTS: data}), WEIGHTS, reason)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200), cut=st.integers(0, 80), at=st.integers(0, 80))
def test_no_bytes_confuse_the_header_check(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int, at: int
) -> None:
    """Arbitrary and mutilated files raise ValueError or pass; nothing else comes out."""
    path = tmp_path_factory.mktemp("fuzz") / WEIGHTS
    whole = tensors(ONE)
    for content in (data, whole[:cut], whole[:at] + data + whole[at:]):
        path.write_bytes(content)
        try:
            check_safetensors(path)
        except ValueError:
            continue


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": 2}, {"schema_version": None}, {"schema_version": True}, {"files": []}, {"files": {}},
        {"files": [5]}, {"scale": 0}, {"scale": "4"}, {"licence": None}, {"family": 3},
        {"files": [{"name": "a.json", "size": -1, "sha256": "0" * 64}]},
        {"files": [{"name": "a.json", "size": 1, "sha256": "../" + "0" * 61}]},
        {"files": [{"name": "a.json", "size": 1, "sha256": "A" * 64}]},
        {"files": [{"name": n, "size": 1, "sha256": "0" * 64} for n in ("a.json", "A.json")]},
        {"name": "../m"}, {"name": "M"}, {"name": ""},
    ],
)  # fmt: skip
def test_manifest_that_is_no_manifest_is_refused(good: Path, changes: dict[str, object]) -> None:
    write(good, {}, **changes)
    refused(good)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"[" * 100_000, b" " * 300_000, b'{"schema_version": 1}'])
def test_manifest_that_cannot_be_read_is_refused(good: Path, data: bytes) -> None:
    (good / "manifest.json").write_bytes(data)
    refused(good, "manifest.json")


def test_absent_manifest_is_answered_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        verify_model(tmp_path)
    assert "write_manifest" in caught.value.remedy


def test_sealing_makes_an_altered_folder_valid_again(good: Path) -> None:
    (good / WEIGHTS).write_bytes(tensors(ONE, b"\1" * 8))
    (good / "card.md").write_text("text")
    refused(good, WEIGHTS)
    sealed = write_manifest(good)
    assert [f.name for f in sealed.files] == ["unet/config.json", WEIGHTS]
    assert verify_model(good).manifest == sealed == read_manifest(good)
    before = (good / "manifest.json").read_bytes()
    write_manifest(good)
    assert (good / "manifest.json").read_bytes() == before


def test_sealing_refuses_what_verification_would(good: Path) -> None:
    before = (good / "manifest.json").read_bytes()
    (good / WEIGHTS).write_bytes(pickle.dumps([1]))
    with pytest.raises(ModelError, match="not a safetensors file"):
        write_manifest(good)
    (good / WEIGHTS).unlink()
    with pytest.raises(ModelError, match=r"no \.safetensors weights"):
        write_manifest(good)
    assert (good / "manifest.json").read_bytes() == before


def test_seal_command_needs_to_be_told_what_a_new_model_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(tensors(ONE))
    assert main([str(folder)]) == 2
    assert "--family" in capsys.readouterr().err
    assert main([str(folder), "--family", "tiny", "--licence", "MIT", "--scale", "4"]) == 0
    manifest = verify_model(folder).manifest
    assert (manifest.name, manifest.family, manifest.licence, manifest.scale) == ("fresh", "tiny", "MIT", 4)
    assert main([str(folder), "--version", "2"]) == 0
    assert verify_model(folder).manifest.version == "2" and verify_model(folder).manifest.licence == "MIT"
