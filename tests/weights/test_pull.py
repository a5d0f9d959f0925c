"""A pull goes on where it ended, takes only what it should, and leaves a whole model or none."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from answerprint.errors import AnswerprintError, CancelledError, DiskFullError, JobFailedError, ModelError
from answerprint.weights.install import lock_model
from answerprint.weights.published_models import known_models
from answerprint.weights.pulling import pull as pulling
from answerprint.weights.pulling.address import check_address as parts_of
from answerprint.weights.pulling.address import check_public_peer
from answerprint.weights.pulling.download import PullError
from answerprint.weights.pulling.memory import read_memory
from answerprint.weights.pulling.meter import Meter
from answerprint.weights.pulling.pull import PullOptions
from answerprint.weights.pulling.transfer import Route, TransferError, open_answer
from answerprint.weights.settings import ModelSettings
from answerprint.weights.verify import verify_model
from weights.place import INDEX, NAME, Place, sha256, tensors
from weights.server import FileServer, breaking_after

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
BIG = tensors(data=bytes(range(256)) * 4096)
YES = PullOptions(accept_licence=True)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with FileServer() as server:
        yield Place(tmp_path, server)


def ranges(place: Place, path: str = WEIGHTS) -> list[str]:
    return [asked for name, asked in place.server.asked if name == path]


def checkpoint(**arrays: np.ndarray[Any, Any]) -> bytes:
    """What `torch.save` writes of float32 tensors, made by it."""
    import torch

    packed = io.BytesIO()
    torch.save({"state_dict": {f"module.{name}": torch.from_numpy(each) for name, each in arrays.items()}}, packed)
    return packed.getvalue()


def test_pulled_model_is_whole_and_verified(place: Place) -> None:
    final = place.pull(place.index(), place.file("unet/config.json", b"{}"), place.file(WEIGHTS, BIG))
    assert final == place.final
    model = verify_model(final)
    assert (model.manifest.licence, model.manifest.family, model.manifest.scale) == ("MIT", "ldm_sr", 4)
    assert model.path(WEIGHTS).read_bytes() == BIG
    assert [path.name for path in (place.models / ".partial").iterdir()] == [f"{NAME}.lock"]
    assert place.steps[-1].stage == "done"
    assert place.steps[-1].done_bytes == place.steps[-1].total_bytes == len(BIG) + len(INDEX) + 2


def test_whole_model_is_not_fetched_again(place: Place) -> None:
    files = place.index(), place.file(WEIGHTS, BIG)
    place.pull(*files)
    asked = len(place.server.asked)
    place.pull(*files)
    assert len(place.server.asked) == asked


def test_broken_connection_is_gone_on_with(place: Place) -> None:
    place.pull(place.index(), place.file(WEIGHTS, BIG, served={"instead": breaking_after(5000), "once": True}))
    assert ranges(place) == ["", "bytes=5000-"]
    assert (place.final / WEIGHTS).read_bytes() == BIG


def test_server_without_ranges_begins_anew(place: Place) -> None:
    file = place.file(WEIGHTS, BIG, served={"instead": breaking_after(5000), "once": True, "ranges": False})
    place.pull(place.index(), file)
    assert (place.final / WEIGHTS).read_bytes() == BIG


def test_next_source_goes_on_where_the_first_one_ended(place: Place) -> None:
    file = place.file(WEIGHTS, BIG, served={"instead": breaking_after(3000)}, path="first")
    second = place.server.put("second", BIG, etag='"other"')
    gone = f"{place.server.address}/gone"
    place.pull(place.index(), replace(file, sources=(gone, *file.sources, second)))
    assert ranges(place, "second")[0] == "bytes=3000-"
    assert (place.final / WEIGHTS).read_bytes() == BIG


def test_wrong_source_is_made_good_by_the_next_one(place: Place) -> None:
    bad = place.server.put("bad", BIG[:-1] + b"\0")
    file = place.file(WEIGHTS, BIG)
    place.pull(place.index(), replace(file, sources=(bad, *file.sources)))
    assert (place.final / WEIGHTS).read_bytes() == BIG


def test_only_wrong_parts_are_fetched_again(place: Place) -> None:
    size = 1 << 16
    chunks = tuple(sha256(BIG[at : at + size]) for at in range(0, len(BIG), size))
    file = place.file(WEIGHTS, BIG, chunk_bytes=size, chunks=chunks)
    bad = place.server.put("bad", BIG[: 5 * size] + b"\xff" * (len(BIG) - 5 * size))
    place.pull(place.index(), replace(file, sources=(bad, *file.sources)))
    assert ranges(place) == [f"bytes={5 * size}-"]
    assert (place.final / WEIGHTS).read_bytes() == BIG


def test_changed_file_without_a_published_hash_begins_anew(place: Place) -> None:
    """A new ETag: nothing of the old file is kept, though nobody knows the hash."""
    file = place.file(WEIGHTS, BIG, hashed=False, served={"instead": breaking_after(5000), "once": True})
    other = tensors(data=b"\7" * 9000)

    def change(progress: object) -> None:
        place.server.put(WEIGHTS, other, etag='"2"')

    place.pull(place.index(), file, wishes=replace(YES, trust_first=True), on_progress=change)
    assert (place.final / WEIGHTS).read_bytes() == other


def test_first_download_that_was_trusted_holds_for_ever(place: Place) -> None:
    files = place.index(), place.file(WEIGHTS, BIG, hashed=False)
    with pytest.raises(ModelError, match="no published hash"):
        place.pull(*files)
    place.pull(*files, wishes=replace(YES, trust_first=True))
    assert read_memory(place.models, NAME).pins[WEIGHTS].sha256 == sha256(BIG)
    place.final.rename(place.folder / "gone")
    place.server.put(WEIGHTS, BIG[:-1] + b"\0")
    with pytest.raises(ModelError, match="does not match its published hash"):
        place.pull(*files, wishes=replace(YES, trust_first=True))
    place.server.put(WEIGHTS, BIG)
    place.pull(*files, wishes=PullOptions())  # the licence was accepted, and the hash is known now


def test_files_that_make_no_model_are_forgotten_and_the_right_ones_taken(place: Place) -> None:
    """The first download was trusted, and was another model's: its hash must not stand in the way of the right one."""
    right, wrong = tensors("right"), tensors("wrong")
    files = place.index(), place.file(WEIGHTS, wrong, hashed=False)
    trusting = replace(YES, trust_first=True)

    def fit(folder: Path, family: str, scale: int, cancelled: threading.Event, original: str = "", /) -> None:
        assert (family, scale, original) == ("ldm_sr", 4, "")
        if (folder / WEIGHTS).read_bytes() == wrong:
            raise ModelError("It is the network of another model.", "of the check")

    with pytest.raises(ModelError, match="another model") as caught:
        place.pull(*files, wishes=trusting, fit=fit)
    assert "--mirror" in caught.value.remedy
    assert place.unharmed()
    place.server.put(WEIGHTS, right, etag='"2"')
    place.pull(*files, wishes=trusting, fit=fit)
    assert (place.final / WEIGHTS).read_bytes() == right
    assert len(ranges(place, "model_index.json")) == 1


def test_check_that_breaks_keeps_what_has_come(place: Place) -> None:
    files = place.index(), place.file(WEIGHTS, BIG, hashed=False)

    def broken(*ignored: object, **also: object) -> None:
        raise JobFailedError("Could not check the model.", "Try again.")

    with pytest.raises(JobFailedError):
        place.pull(*files, wishes=replace(YES, trust_first=True), fit=broken)
    place.pull(*files)
    assert len(ranges(place)) == 1


def test_licence_is_accepted_once(place: Place) -> None:
    files = place.index(), place.file(WEIGHTS, BIG)
    with pytest.raises(ModelError, match="licence") as caught:
        place.pull(*files, wishes=PullOptions())
    assert "--accept-licence" in caught.value.remedy
    assert place.server.asked == []
    place.pull(*files)
    place.final.rename(place.folder / "gone")
    place.pull(*files, wishes=PullOptions())


def test_cancelled_pull_keeps_what_has_come(place: Place) -> None:
    files = place.index(), place.file(WEIGHTS, BIG)
    stop = threading.Event()
    with pytest.raises(CancelledError):
        place.pull(*files, cancelled=stop, on_progress=lambda step: stop.set() if step.done_bytes > 90_000 else None)
    kept = (place.models / ".partial" / NAME / f"{WEIGHTS}.part").stat().st_size
    assert kept > 0 and not place.final.exists()
    place.pull(*files)
    assert ranges(place)[-1] == f"bytes={kept}-"
    assert (place.final / WEIGHTS).read_bytes() == BIG


def test_killed_pull_goes_on(place: Place) -> None:
    """SIGKILL in the middle of a file; the lock of the dead holds nobody up."""
    files = place.index(), place.file(WEIGHTS, BIG)
    held = threading.Event()

    def half(handler: Any, file: Any) -> None:  # noqa: ANN401
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(file.data)))
        handler.send_header("ETag", file.etag)
        handler.end_headers()
        handler.wfile.write(file.data[:600_000])
        handler.wfile.flush()
        held.wait(20)

    place.server.files[WEIGHTS] = replace(place.server.files[WEIGHTS], instead=half, once=True)
    program = f"""
        import sys
        from pathlib import Path
        from answerprint.weights.published_models import KnownFile, KnownModel, Licence
        from answerprint.weights.pulling.pull import PullOptions, pull
        from answerprint.weights.settings import ModelSettings
        model = KnownModel("{NAME}", "ldm_sr", "1", 4, "of the tests",
            Licence("MIT", "MIT License", "https://spdx.org/licenses/MIT", "Do what you like."), {files!r})
        def show(step):
            print(step.done_bytes, flush=True)
        pull(model, Path({str(place.models)!r}), ModelSettings(), PullOptions(accept_licence=True), on_progress=show)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) > 300_000:
                break
        child.send_signal(signal.SIGKILL)
    held.set()
    part = place.models / ".partial" / NAME / f"{WEIGHTS}.part"
    kept = part.stat().st_size
    assert 0 < kept < len(BIG)
    place.pull(*files)
    assert ranges(place)[-1] == f"bytes={kept}-"
    assert (place.final / WEIGHTS).read_bytes() == BIG


def test_second_pull_of_the_same_model_is_told_of_the_first(place: Place) -> None:
    files = place.index(), place.file(WEIGHTS, BIG)
    with lock_model(place.models, NAME), pytest.raises(AnswerprintError, match=str(os.getpid())) as caught:
        place.pull(*files)
    assert "Wait" in caught.value.remedy
    place.pull(*files)


def test_full_disk_is_told_before_anything_is_fetched(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    files = place.index(), place.file(WEIGHTS, BIG)
    monkeypatch.setattr(pulling, "room", lambda folder: 1000)
    with pytest.raises(DiskFullError) as caught:
        place.pull(*files)
    assert caught.value.needed_bytes >= len(BIG) and caught.value.remedy
    assert place.server.asked == []
    monkeypatch.undo()
    place.pull(*files)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of the size of files")
def test_disk_that_fills_up_in_the_middle_keeps_the_part(place: Place) -> None:
    """A limit of the size of files stands for the disk: EFBIG comes where ENOSPC would."""
    import resource

    files = place.index(), place.file(WEIGHTS, BIG)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
        with pytest.raises(AnswerprintError) as caught:
            place.pull(*files)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert caught.value.code == "storage" and caught.value.remedy
    assert not place.final.exists()
    place.pull(*files)
    assert ranges(place)[-1].startswith("bytes=")
    assert (place.final / WEIGHTS).read_bytes() == BIG


def test_offline_fetches_nothing_and_takes_from_a_folder(place: Place) -> None:
    files = place.index(), place.file(WEIGHTS, BIG)
    place.settings = ModelSettings(offline=True)
    with pytest.raises(PullError, match="offline"):
        place.pull(*files)
    folder = place.folder / "stick"
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_bytes(INDEX)
    with pytest.raises(PullError, match="offline"):
        place.pull(*files, wishes=replace(YES, folder=folder))
    (folder / WEIGHTS).write_bytes(BIG[:-1] + b"\0")
    with pytest.raises(ModelError, match="does not match"):
        place.pull(*files, wishes=replace(YES, folder=folder))
    (folder / WEIGHTS).write_bytes(BIG)
    place.pull(*files, wishes=replace(YES, folder=folder))
    assert place.server.asked == []
    assert (place.final / WEIGHTS).read_bytes() == BIG


def test_mirror_is_asked_first(place: Place) -> None:
    files = place.index(), place.file(WEIGHTS, BIG)
    place.server.put(f"mirror/{NAME}/model_index.json", INDEX)
    place.settings = ModelSettings(mirror=f"{place.server.address}/mirror/")
    place.pull(*files)
    asked = [path for path, _ in place.server.asked]
    assert asked == [f"mirror/{NAME}/model_index.json", f"mirror/{NAME}/{WEIGHTS}", WEIGHTS]


def test_checkpoint_is_converted_and_not_kept(place: Place) -> None:
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    file = place.file(WEIGHTS, checkpoint(w=weights), convert=True, path="w.ckpt")
    final = place.pull(place.index(), file)
    verify_model(final)
    assert np.array_equal(load_file(final / WEIGHTS)["w"], weights)
    assert sorted(path.name for path in final.rglob("*") if path.is_file()) == [
        "diffusion_pytorch_model.safetensors", "manifest.json", "model_index.json",
    ]  # fmt: skip


def test_damaged_model_is_mended_with_what_is_right_in_it(place: Place) -> None:
    files = place.index(), place.file("unet/config.json", b"{}"), place.file(WEIGHTS, BIG)
    place.pull(*files)
    (place.final / "unet" / "config.json").write_bytes(b"[]")
    place.server.asked.clear()
    place.pull(*files)
    assert [path for path, _ in place.server.asked] == ["unet/config.json"]
    verify_model(place.final)


def test_names_that_lead_into_private_networks_are_refused() -> None:
    for peer in ("10.0.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", "::1", "fe80::1%eth0", "fd00::1"):
        with pytest.raises(ModelError, match="public"):
            check_public_peer(parts_of("https://models.example/x"), peer)
    check_public_peer(parts_of("https://models.example/x"), "93.184.216.34")


@pytest.mark.parametrize(
    "address",
    ["http://example.com/a", "ftp://example.com/a", "file:///etc/passwd", "https://u:p@example.com/a", "https:///a",
     "https://example.com:x/a", "https://exa mple.com/a", "https://example.com/a\r\nX: y", "//example.com/a", ""],
)  # fmt: skip
def test_address_that_is_not_https_is_refused(address: str) -> None:
    with pytest.raises(ModelError):
        parts_of(address)


def test_models_that_ship_as_known_name_no_branch_for_what_has_a_hash() -> None:
    """Every known model can be read; its families, licences and sources are there."""
    models = known_models()
    assert set(models) == {
        *("sd-x4-upscaler", "diffbir-v2", "marigold-depth", "ldm-sr-x4"),
        *("realesrgan-x4plus", "realesrgan-x4plus-anime", "realesrgan-x2plus", "realesr-animevideov3"),
    }
    for model in models.values():
        assert model.licence.text and model.licence.url.startswith("https://")
        assert all(source.startswith("https://") for file in model.files for source in file.sources)
        assert any(file.name in ("model_index.json", "config.json") for file in model.files)
    base = next(file for file in models["diffbir-v2"].files if file.name == "base.safetensors")
    assert base.size == 5214604494 and len(base.sha256) == 64 and len(base.sources) > 1


def test_speed_is_that_of_the_last_seconds() -> None:
    now = [0.0]
    meter = Meter(10.0, lambda: now[0])
    assert meter.take(0) == 0.0
    for second in range(1, 31):
        now[0] = float(second)
        speed = meter.take(1000 * second if second <= 15 else 15_000 + 10 * (second - 15))
    assert speed == pytest.approx(10.0)
    now[0] = 31.0
    assert meter.take(0) == 0.0  # begun anew


def test_proxy_that_does_not_answer_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    route = Route(proxy=f"http://127.0.0.1:{port}")
    with (
        pytest.raises(TransferError, match=f"the proxy 127.0.0.1:{port}"),
        open_answer("https://models.example/w", 0, "", route),
    ):
        pass
