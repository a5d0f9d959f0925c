"""What a hostile or careless source does, one function each: all are to end in an error, with nothing harmed."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from answerprint.weights.importing.child import fit_in_child
from answerprint.weights.importing.import_model import import_model
from answerprint.weights.manifest import Manifest
from answerprint.weights.published_models import parse_known
from answerprint.weights.verify import verify_model
from weights.place import NAME, Place, anything, convert, sha256, tensors
from weights.server import breaking_after, endless, redirecting, silent, trickling

__all__ = ["ATTACKS", "Attack"]

Attack = Callable[[Place], object]

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


class _Code:
    """Runs a command of the shell when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self._victim = victim

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"echo owned > '{self._victim}'",)


def _evil_pickle(place: Place) -> bytes:
    return pickle.dumps({"state_dict": _Code(place.victim)})


def _evil_zip(place: Place) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", _evil_pickle(place))
    return packed.getvalue()


def _pull_one(place: Place, data: bytes, **more: object) -> Path:
    return place.pull(place.index(), place.file(WEIGHTS, data, **more))  # type: ignore[arg-type]


def _import_one(place: Place, name: str, data: bytes) -> Manifest:
    source = place.folder / "mine"
    (source / "unet").mkdir(parents=True)
    (source / "model_index.json").write_bytes(
        json.dumps({"_class_name": "LDMSuperResolutionPipeline", "unet": ["diffusers", "UNet2DModel"]}).encode()
    )
    (source / "unet" / name).write_bytes(data)
    said = Manifest(NAME, "", "1", "MIT", "", 0, ())
    return import_model([source], place.models, said, scales={"ldm_sr": 4}, convert=convert, fit=anything)


def pickle_with_code_converted(place: Place) -> object:
    return _pull_one(place, _evil_pickle(place), convert=True)


def zipped_pickle_with_code_converted(place: Place) -> object:
    return _pull_one(place, _evil_zip(place), convert=True)


def pickle_with_code_named_safetensors(place: Place) -> object:
    return _pull_one(place, _evil_pickle(place))


def pickle_with_code_imported(place: Place) -> object:
    return _import_one(place, "diffusion_pytorch_model.bin", _evil_pickle(place))


def pickle_with_code_imported_as_safetensors(place: Place) -> object:
    return _import_one(place, "diffusion_pytorch_model.SafeTensors", _evil_pickle(place))


def wrong_hash(place: Place) -> object:
    return _pull_one(place, tensors(), sha256=sha256(b"another"))


def truncated_file(place: Place) -> object:
    file = place.file(WEIGHTS, tensors())
    place.server.put(WEIGHTS, tensors()[:-100])
    return place.pull(place.index(), file)


def server_that_always_stops_midway(place: Place) -> object:
    return _pull_one(place, tensors(), served={"instead": breaking_after(0)})


def file_that_changes_in_between(place: Place) -> object:
    file = place.file(WEIGHTS, tensors(), served={"instead": breaking_after(100), "once": True})

    def change(progress: object) -> None:
        place.server.files[WEIGHTS] = replace(place.server.files[WEIGHTS], data=tensors(data=b"\1" * 4096), etag='"2"')

    return place.pull(place.index(), file, on_progress=change)


def wrong_model(place: Place) -> object:
    index = place.file("model_index.json", json.dumps({"_class_name": "MarigoldDepthPipeline"}).encode())
    return place.pull(index, place.file(WEIGHTS, tensors()))


def network_of_another_model(place: Place) -> object:
    config = place.file("unet/config.json", b"{}")
    return place.pull(place.index(), config, place.file(WEIGHTS, tensors("lora.up")), fit=fit_in_child)


def altered_config(place: Place) -> object:
    config = place.file("unet/config.json", b'{"a": 1}')
    place.server.put("unet/config.json", b'{"a": 2}')
    return place.pull(place.index(), config, place.file(WEIGHTS, tensors()))


def config_altered_after_the_pull(place: Place) -> object:
    final = place.pull(place.index(), place.file("unet/config.json", b'{"a": 1}'), place.file(WEIGHTS, tensors()))
    (final / "unet" / "config.json").write_bytes(b'{"a": 2}')
    moved = final.rename(place.folder / "moved")
    return verify_model(moved)


def config_that_is_not_json(place: Place) -> object:
    return place.pull(place.index(), place.file("unet/config.json", b"\x80\x04."), place.file(WEIGHTS, tensors()))


def header_of_gigabytes(place: Place) -> object:
    return _pull_one(place, struct.pack("<Q", 1 << 40) + b"{" + b" " * 100)


def header_beyond_the_file(place: Place) -> object:
    header = json.dumps({"a": {"dtype": "U8", "shape": [1 << 30], "data_offsets": [0, 1 << 30]}}).encode()
    return _pull_one(place, struct.pack("<Q", len(header)) + header + b"\0" * 16)


def redirect_to_a_private_address(place: Place) -> object:
    return _pull_one(place, tensors(), served={"instead": redirecting("https://192.168.0.1/w.safetensors")})


def redirect_to_plain_http(place: Place) -> object:
    return _pull_one(place, tensors(), served={"instead": redirecting("http://example.com/w.safetensors")})


def redirect_to_another_port_of_this_machine(place: Place) -> object:
    return _pull_one(place, tensors(), served={"instead": redirecting("http://127.0.0.1:9/w.safetensors")})


def redirect_to_a_file(place: Place) -> object:
    return _pull_one(place, tensors(), served={"instead": redirecting(place.victim.as_uri())})


def redirect_without_end(place: Place) -> object:
    return _pull_one(place, tensors(), served={"instead": redirecting(f"/{WEIGHTS}")})


def server_that_never_answers(place: Place) -> object:
    return _pull_one(place, tensors(), served={"instead": silent})


def server_that_trickles(place: Place) -> object:
    return _pull_one(place, tensors(), served={"instead": trickling})


def server_without_end(place: Place) -> object:
    return _pull_one(place, tensors(), served={"instead": endless})


def part_with_a_wrong_hash(place: Place) -> object:
    data = tensors()
    chunks = tuple(sha256(data[at : at + 1024]) for at in range(0, len(data), 1024))
    file = place.file(WEIGHTS, data, chunk_bytes=1024, chunks=chunks)
    place.server.put(WEIGHTS, data[:2000] + b"\1" + data[2001:])
    return place.pull(place.index(), file)


def hash_nobody_published(place: Place) -> object:
    return _pull_one(place, tensors(), hashed=False)


def bomb_of_strides(place: Place) -> object:
    """A tensor that repeats one number for ever."""
    return _pull_one(place, _checkpoint((1 << 40,), (0,)), convert=True)


def tensor_outside_its_storage(place: Place) -> object:
    return _pull_one(place, _checkpoint((100,), (1,)), convert=True)


def _checkpoint(shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """A zipped checkpoint of one storage of four numbers, and one tensor on it, written by hand."""
    numbers = "".join(f"L{n}L\n" for n in shape), "".join(f"L{n}L\n" for n in strides)
    body = (
        "\x80\x02}U\x01actorch._utils\n_rebuild_tensor_v2\n("
        "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ"
        f"K\x00({numbers[0]}t({numbers[1]}t\x89ccollections\nOrderedDict\n)RtRs."
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", body.encode("latin-1"))
        archive.writestr("archive/data/0", b"\0" * 16)
    return packed.getvalue()


def _named(name: str) -> Attack:
    def attack(place: Place) -> object:
        address = place.server.put("w", tensors())
        row = {"name": name, "sources": [address]}
        return parse_known(
            {
                "schema_version": 1, "name": NAME, "family": "ldm_sr", "version": "1", "scale": 4, "summary": "",
                "licence": {"id": "", "title": "", "url": "", "text": ""}, "files": [row],
            }
        )  # fmt: skip

    return attack


def link_in_the_place_of_a_part(place: Place) -> object:
    """Somebody who may write to the folder lays a link where the download goes."""
    gathered = place.models / ".partial" / NAME / "unet"
    gathered.mkdir(parents=True)
    (gathered / "diffusion_pytorch_model.safetensors.part").symlink_to(place.victim)
    return _pull_one(place, tensors())


def device_imported(place: Place) -> object:
    source = place.folder / "mine"
    source.mkdir()
    os.mkfifo(source / "weights.safetensors")
    said = Manifest(NAME, "", "1", "MIT", "", 0, ())
    return import_model([source / "weights.safetensors"], place.models, said, scales={}, convert=convert, fit=anything)


ATTACKS: dict[str, Attack] = {
    attack.__name__.replace("_", " "): attack
    for attack in (
        pickle_with_code_converted, zipped_pickle_with_code_converted, pickle_with_code_named_safetensors,
        pickle_with_code_imported, pickle_with_code_imported_as_safetensors, bomb_of_strides,
        tensor_outside_its_storage, wrong_hash, part_with_a_wrong_hash, hash_nobody_published, truncated_file,
        server_that_always_stops_midway, file_that_changes_in_between, wrong_model,
        network_of_another_model, altered_config,
        config_altered_after_the_pull, config_that_is_not_json, header_of_gigabytes, header_beyond_the_file,
        redirect_to_a_private_address, redirect_to_plain_http, redirect_to_another_port_of_this_machine,
        redirect_to_a_file, redirect_without_end, server_that_never_answers, server_that_trickles,
        server_without_end, link_in_the_place_of_a_part, device_imported,
    )
}  # fmt: skip
ATTACKS |= {
    f"file named {name!r}": _named(name)
    for name in (
        "../w.json", "/etc/w.json", "a/../w.json", "..\\w.json", "C:w.json", "a/b/w.json", "w.json:s.json", "w.pt",
        "CON/w.json", "nul.json",
    )
}  # fmt: skip
