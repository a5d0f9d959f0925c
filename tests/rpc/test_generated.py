"""The generated code is what the compiler makes of the contract today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2

from answerprint.rpc.v1 import frames_pb2, models_pb2, restoration_pb2, system_pb2
from answerprint.server.server import request_types

ROOT = Path(__file__).parent.parent.parent
GENERATED = ROOT / "daemon" / "answerprint" / "rpc" / "v1"


def test_the_generated_code_is_that_of_the_contract(tmp_path: Path) -> None:
    protos = sorted((ROOT / "proto").rglob("*.proto"))
    assert protos
    flags = [f"--{kind}_out={tmp_path}" for kind in ("python", "pyi", "grpc_python")]
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", *flags, *map(str, protos)],
        check=True, timeout=60,
    )  # fmt: skip
    fresh = tmp_path / "answerprint" / "rpc" / "v1"
    made = {path.name: path.read_text() for path in fresh.iterdir()}
    here = {path.name: path.read_text() for path in GENERATED.glob("*_pb2*")}
    assert here.keys() == made.keys()
    for name, text in made.items():
        assert here[name] == text, f"{name} is old: run make proto"


def test_no_number_of_a_field_or_a_value_is_used_twice_or_skipped_without_a_word() -> None:
    """A number that goes is reserved: then a gap is none."""
    for file in (restoration_pb2, models_pb2, frames_pb2, system_pb2):
        for message in file.DESCRIPTOR.message_types_by_name.values():
            numbers = {field.number for field in message.fields}
            proto = _proto_of(message)
            reserved = {n for each in proto.reserved_range for n in range(each.start, each.end)}
            assert numbers | reserved == set(range(1, len(numbers | reserved) + 1)), message.full_name


def _proto_of(message: object) -> descriptor_pb2.DescriptorProto:
    found = descriptor_pb2.DescriptorProto()
    message.CopyToProto(found)  # type: ignore[attr-defined]
    return found


def test_the_contract_has_the_services_it_promises() -> None:
    services = {method.split("/")[1] for method in request_types()}
    names = ("Restoration", "Models", "Frames", "System")
    assert services == {*(f"answerprint.rpc.v1.{name}" for name in names), "grpc.health.v1.Health"}
