"""What is on users' disks and in their projects is read as it was written, and written as it is: see `test_goldens`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from answerprint.api.clip_ref import ClipRef
from answerprint.api.job import JobRecord, JobState
from answerprint.api.request import PreviewRequest, RestoreRequest
from answerprint.resolve.deliver import user_state
from answerprint.resolve.install import install
from answerprint.resolve.put_back.ledger import Ledger
from answerprint.resolve.put_back.placement import Placement
from answerprint.resolve.restore.join import join_plan_of
from answerprint.resolve.restore.settings import recall_settings, remember_settings
from answerprint.rpc.session_file import read_session, session_path, write_session
from answerprint.store.folders import read_waiting_job, write_job_file
from answerprint.store.receipts import read_receipt, receipt_path, write_receipt
from answerprint.weights.manifest import read_manifest
from answerprint.weights.pulling.memory import read_memory, unpin
from golden import FOLDER

KEPT = FOLDER / "kept"

Form = Callable[[bytes, Path], Any]
"""Reads a file's content as the program does, in a folder of its own, and returns what the program then writes."""


def _ledger(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    name = f"{json.loads(data)['job']}.json"
    (folder / name).write_bytes(data)
    (record,) = Ledger(folder).records()
    Ledger(folder / "again").write(record)
    return json.loads((folder / "again" / name).read_bytes())


def _project_settings(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    name = f"wishes-{hashlib.sha256(b'project-1').hexdigest()[:16]}.json"
    (folder / name).write_bytes(data)
    remember_settings(folder / "again", "project-1", recall_settings(folder, "project-1"))
    return json.loads((folder / "again" / name).read_bytes())


def _place(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    place = Placement.from_editor(json.loads(data))
    assert place is not None
    return place.to_editor()


def _whole(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    (key,) = editor = json.loads(data)
    whole = join_plan_of(JobRecord("id", 1, "restore", "", JobState.DONE, {}, clip=ClipRef(editor=editor)))
    assert whole is not None
    return {key: whole.to_text()}


def _render(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    for place in ("answerprint-render-1", "again/answerprint-render-1"):
        (folder / place).mkdir(parents=True)
    file = folder / "answerprint-render-1" / "answerprint-render.json"
    file.write_bytes(data)
    (found,) = user_state.left_behind(folder)
    again = folder / "again" / "answerprint-render-1"
    replace(found, work=str(again)).write()
    return json.loads((again / file.name).read_bytes()) | {"work": found.work}


def _scripts(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    file = folder / "Utility" / "Answerprint" / "answerprint.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    found = install.read_install_manifest(folder)
    assert found is not None
    install.write_install_manifest(folder, found)
    return json.loads(file.read_bytes())


def _session(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    folder.chmod(0o700)
    assert session_path(folder).name == "session.json"
    session_path(folder).write_bytes(data)
    session_path(folder).chmod(0o600)
    write_session(folder, read_session(folder))
    return json.loads(session_path(folder).read_bytes())


def _job(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    place = folder / json.loads(data)["id"]
    place.mkdir()
    (place / "job.json").write_bytes(data)
    write_job_file(place, read_waiting_job(place))
    return json.loads((place / "job.json").read_bytes())


def _receipt(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    path = receipt_path(folder, 2)
    assert path.name == "chunk-000002.json"
    path.write_bytes(data)
    write_receipt(folder, read_receipt(path))
    return json.loads(path.read_bytes())


def _model_manifest(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    (folder / "manifest.json").write_bytes(data)
    return json.loads(read_manifest(folder).to_json())


def _model_memory(data: bytes, folder: Path) -> Any:  # noqa: ANN401
    file = folder / ".remembered" / "ldm-sr-x4.json"
    file.parent.mkdir()
    file.write_bytes(data)
    assert read_memory(folder, "ldm-sr-x4").pins
    unpin(folder, "ldm-sr-x4", ["nothing of that name"])
    return json.loads(file.read_bytes())


FORMS: dict[str, Form] = {
    "job": _job,
    "ledger": _ledger,
    "model_manifest": _model_manifest,
    "model_memory": _model_memory,
    "place": _place,
    "preview_request": lambda data, folder: PreviewRequest.from_json(json.loads(data)).to_json(),
    "project_settings": _project_settings,
    "receipt": _receipt,
    "render": _render,
    "request": lambda data, folder: RestoreRequest.from_json(json.loads(data)).to_json(),
    "scripts": _scripts,
    "session": _session,
    "whole": _whole,
}
"""By the file's name in `kept/` up to the first dot: `ledger.json` and, where the form has changed, `ledger.2.json`."""


@pytest.mark.parametrize("path", sorted(KEPT.iterdir()), ids=lambda path: path.name)
def test_what_was_kept_is_read_and_kept_again(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("/ROOT", str(tmp_path))
    form = path.name.partition(".")[0]
    written = FORMS[form](text.encode(), tmp_path)
    newest = max(KEPT.glob(f"{form}.*json"), key=lambda each: (len(each.name), each.name))
    if path == newest:
        assert written == json.loads(text), (
            f"the form has changed: keep {path.name}, and add {form}.N.json in the new one"
        )


def test_every_form_has_a_file() -> None:
    assert {path.name.partition(".")[0] for path in KEPT.iterdir()} == FORMS.keys()
