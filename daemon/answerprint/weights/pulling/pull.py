"""A known model is brought to this computer: its licence accepted, every file fetched and held against its hash.

All gathers in a folder of its own that survives a broken connection, Ctrl-C and a kill; the model appears under its
name when it is whole. The command line and the daemon pull with the same code.
"""

from __future__ import annotations

import json
import shlex
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import quote, urlsplit

from answerprint.errors import DiskFullError, ModelError
from answerprint.store.quota import room, size_text, spare_room, storage_error
from answerprint.weights.content import check_form
from answerprint.weights.identify import check_family
from answerprint.weights.importing.child import Convert, Fit, convert_in_child, fit_in_child
from answerprint.weights.install import alone, install_model, partial_folder
from answerprint.weights.manifest import FileRecord, read_manifest
from answerprint.weights.packaged.package import is_here
from answerprint.weights.published_models import KnownFile, KnownModel
from answerprint.weights.pulling.address import check_address, origin
from answerprint.weights.pulling.download import Download, PullError, pin_file
from answerprint.weights.pulling.memory import Pin, accept, has_accepted, pin, read_memory, unpin
from answerprint.weights.pulling.transfer import Route
from answerprint.weights.settings import ModelSettings
from answerprint.weights.verify import verify_model

__all__ = ["PullOptions", "PullProgress", "comes_in_package", "published_name", "pull"]

_PICKLE_SUFFIX = ".original"
_PART_SUFFIX = ".part"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is. total_bytes: of all files, or about so many; never below done_bytes, and exact at the end."""

    stage: Literal["fetch", "convert", "check", "done"]
    file: str
    done_bytes: int
    total_bytes: int


def _silent(progress: PullProgress) -> None:
    pass


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How the user wants it. mirror: an address or empty; folder: one that has the files already."""

    accept_licence: bool = False
    trust_first: bool = False
    mirror: str = ""
    folder: Path | None = None


@dataclass(slots=True)
class _Count:
    """Adds up what is here."""

    model: KnownModel
    tell: Callable[[PullProgress], None]
    bytes: dict[str, int] = field(default_factory=dict)

    def report(self, stage: Literal["fetch", "convert", "check", "done"], file: str, here: int | None = None) -> None:
        if here is not None:
            self.bytes[file] = here
        done = sum(self.bytes.values())
        total = sum(max(each.size or 0, self.bytes.get(each.name, 0)) for each in self.model.files)
        whole = stage in ("check", "done")  # then all sizes are known
        self.tell(PullProgress(stage, file, done, total if whole else max(total, self.model.size)))


def pull(
    model: KnownModel,
    models: Path,
    settings: ModelSettings,
    wishes: PullOptions = PullOptions(),
    *,
    on_progress: Callable[[PullProgress], None] = _silent,
    cancelled: threading.Event | None = None,
    download: Download | None = None,
    convert: Convert = convert_in_child,
    fit: Fit = fit_in_child,
) -> Path:
    """Bring `model` into the folder `models`; returns its own folder. One that is here and whole is left as it is.

    One that comes in a package is made of that, unless a mirror or a folder is named.

    Raises ModelError for a licence that is not accepted, files without a published hash that the user does not trust,
    and files that are not what they should be or make no model of its family; PullError, DiskFullError,
    CancelledError: pulled again, it goes on.
    """
    cancelled = cancelled or threading.Event()
    download = replace(download or Download(), cancelled=cancelled)
    final = models / model.name
    with alone(models, model.name):
        if _is_whole(final):
            return final
        if comes_in_package(model, wishes):
            from answerprint.weights.packaged.unpack import unpack  # NumPy, for which --help has no use

            return unpack(model, models)
        if wishes.accept_licence:
            accept(models, model)
        pins = read_memory(models, model.name).pins
        _check_wishes(model, models, pins, settings, wishes)
        gathered = partial_folder(models, model.name)
        _check_room(model, gathered)
        count = _Count(model, on_progress)
        work = _Work(model, models, gathered, final, pins, settings, wishes, download, convert, count)
        for file in model.files:
            work.bring(file)
        count.report("check", "")
        work.check(fit)
        install_model(gathered, final, model.manifest())
        count.report("done", "")
    return final


def comes_in_package(model: KnownModel, wishes: PullOptions) -> bool:
    """Whether nothing need be fetched, for a package holds the weights; not where the user says from where to take."""
    return model.package is not None and not wishes.mirror and wishes.folder is None and is_here(model.package)


def _is_whole(final: Path) -> bool:
    with suppress(ModelError):
        verify_model(final)
        return True
    return False


def _command(model: KnownModel, wishes: PullOptions, *options: str) -> str:
    """The command that asks for the same with these options as well."""
    words = ["answerprint", "models", "pull", model.name]
    words += ["--mirror", wishes.mirror] if wishes.mirror else []
    words += ["--from-folder", str(wishes.folder)] if wishes.folder is not None else []
    return shlex.join([*words, *options])


def _check_wishes(
    model: KnownModel, models: Path, pins: Mapping[str, Pin], settings: ModelSettings, wishes: PullOptions
) -> None:
    if wishes.mirror:
        check_address(wishes.mirror)
    if wishes.folder is not None and not wishes.folder.is_dir():
        raise ModelError(f"{wishes.folder} is not a folder.", "Check the path.")
    unknown = [name for name in model.unhashed if name not in pins]
    trusts = wishes.trust_first or not unknown
    trust = ["--trust-first-download"] if unknown else []
    if not has_accepted(models, model):
        raise ModelError(
            f"The licence of {model.name!r} is not accepted: {model.licence.title}, {model.licence.url}",
            f"Read it. To accept it{', and what comes without a published hash' if unknown else ''}: "
            f"{_command(model, wishes, '--accept-licence', *trust)}",
        )
    if not trusts:
        raise ModelError(
            f"Nobody published a hash of {len(unknown)} of the files, such as {max(unknown, key=len)}: what is fetched "
            "first cannot be checked.",
            f"If you trust the source: {_command(model, wishes, *trust)} (what comes then is held "
            "to its hash from there on)",
        )
    if settings.offline and wishes.folder is None:
        raise PullError(
            f"{model.name!r} is not fetched: this installation is offline.",
            "Take the files from a folder: --from-folder DIR, or end ANSWERPRINT_OFFLINE and models.offline.",
        )


def _check_room(model: KnownModel, gathered: Path) -> None:
    """A conversion has the checkpoint and its result on disk at one time."""
    needed = _unsized_bytes(model, gathered)
    try:
        for file in model.files:
            if not (gathered / file.name).exists():
                part = _part(gathered, file)
                here = part.stat().st_size if part.exists() else 0
                needed += max(0, (file.size or 0) * (2 if file.convert else 1) - here)
        free = room(gathered) - spare_room(gathered)
    except OSError as error:
        raise storage_error(error, gathered) from error
    if needed > free:
        raise DiskFullError(
            f"{model.name!r} needs {size_text(needed)} in {gathered.parent}, and {size_text(max(0, free))} are free.",
            "Make room, or move everything that Answerprint keeps with ANSWERPRINT_HOME.",
            needed_bytes=needed, folder=str(gathered.parent),
        )  # fmt: skip


def _unsized_bytes(model: KnownModel, gathered: Path) -> int:
    """About how much of the files without a published size is still to come."""
    here = 0
    for file in model.files:
        for path in (gathered / file.name, _part(gathered, file)) if file.size is None else ():
            with suppress(OSError):
                here += path.stat().st_size
    return max(0, model.size - sum(file.size or 0 for file in model.files) - here)


@dataclass(frozen=True, slots=True)
class _Work:
    model: KnownModel
    models: Path
    gathered: Path
    final: Path
    pins: Mapping[str, Pin]
    settings: ModelSettings
    wishes: PullOptions
    download: Download
    convert: Convert
    count: _Count

    def bring(self, file: KnownFile) -> None:
        """Have one file in the gathering folder, as it should be."""
        target = self.gathered / file.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.content is not None:
                target.write_text(json.dumps(dict(file.content), indent=1) + "\n")
                return
            if self._is_here(file, target) or self._reuse(file, target):
                self.count.report("fetch", file.name, file.size or target.stat().st_size)
                return
            self._fetch(file, target)
        except OSError as error:
            raise storage_error(error, target, file.size or 0) from error

    def check(self, fit: Fit) -> None:
        """Raise ModelError where the files are another model's; those that nobody published a hash of go then."""
        try:
            check_family(self.gathered, self.model.family)
            fit(self.gathered, self.model.family, self.model.scale, self.download.cancelled)
        except ModelError as error:
            for name in self.model.unhashed:
                (self.gathered / name).unlink(missing_ok=True)
            unpin(self.models, self.model.name, self.model.unhashed)
            raise ModelError(
                error.message,
                "What could not be checked by a hash is removed. Pull again from another source: --mirror URL, or "
                "--from-folder DIR.",
            ) from error

    def _fetch(self, file: KnownFile, target: Path) -> None:
        part = _part(self.gathered, file)
        expected = self._expected(file)
        download = replace(self.download, on_bytes=lambda here: self.count.report("fetch", file.name, here))
        if self._copy(file, part):
            found = pin_file(part, download.cancelled)
            self.count.report("fetch", file.name, found.size)
            if expected is not None and expected.sha256 != found.sha256:
                part.unlink()
                raise ModelError(
                    f"{file.name} in {self.wishes.folder} is not the file that it should be.", "Get the file anew."
                )
        else:
            download = replace(download, route=self._route(download.route))
            found = download.fetch(file, expected, self._sources(file), part)
        if file.convert:
            self.count.report("convert", file.name)
            _convert(part, target, self.convert, download.cancelled)
        else:
            self._check(part, file)
            part.replace(target)
        if expected is None:
            pin(self.models, self.model.name, file.name, found)

    def _check(self, part: Path, file: KnownFile) -> None:
        try:
            check_form(part, file.name)
        except ModelError:
            part.unlink(missing_ok=True)
            raise

    def _expected(self, file: KnownFile) -> Pin | None:
        return Pin(file.size or 0, file.sha256) if file.sha256 else self.pins.get(file.name)

    def _is_here(self, file: KnownFile, target: Path) -> bool:
        """Whether an earlier pull finished this file; a converted one was checked when it was made."""
        expected = self._expected(file)
        if not target.is_file() or expected is None:
            return False
        return file.convert or pin_file(target, self.download.cancelled).sha256 == expected.sha256

    def _reuse(self, file: KnownFile, target: Path) -> bool:
        """Take over what is right in a damaged folder of the same model."""
        with suppress(ModelError, OSError):
            records: Mapping[str, FileRecord] = {each.name: each for each in read_manifest(self.final).files}
            record, expected, old = records[file.name], self._expected(file), self.final / file.name
            wanted = record.sha256 if file.convert or expected is None else expected.sha256
            if old.is_file() and pin_file(old, self.download.cancelled).sha256 == wanted == record.sha256:
                shutil.copyfile(old, target)
                return True
        return False

    def _copy(self, file: KnownFile, part: Path) -> bool:
        """Take the file from the user's folder, where it lies under its name here or there."""
        if self.wishes.folder is None:
            return False
        published = published_name(file)
        for name in (published, PurePosixPath(published).name) if file.convert else (published,):
            path = self.wishes.folder / name
            if path.is_file():
                shutil.copyfile(path, part)
                return True
        return False

    def _sources(self, file: KnownFile) -> tuple[str, ...]:
        if self.settings.offline:
            raise PullError(
                f"{file.name} is not in {self.wishes.folder}, and this installation is offline.",
                "Put it there, or end ANSWERPRINT_OFFLINE and models.offline.",
            )
        mirror = self._mirror()
        if not mirror:
            return file.sources
        return (f"{mirror.rstrip('/')}/{quote(self.model.name)}/{quote(published_name(file))}", *file.sources)

    def _mirror(self) -> str:
        return self.wishes.mirror or self.settings.mirror

    def _route(self, route: Route) -> Route:
        mirror = self._mirror()
        private = origin(check_address(mirror)) if mirror else None
        return replace(route, proxy=self.settings.proxy, private=private)


def _convert(part: Path, target: Path, convert: Convert, cancelled: threading.Event) -> None:
    """Convert, and keep nothing of the checkpoint; one that is refused goes too."""
    try:
        convert(part, target, cancelled)
    except ModelError:
        part.unlink(missing_ok=True)
        raise
    part.unlink()


def published_name(file: KnownFile) -> str:
    """What a mirror or a folder calls the file: a checkpoint has the name that its makers gave it."""
    if not file.convert:
        return file.name
    return str(PurePosixPath(file.name).with_name(PurePosixPath(urlsplit(file.sources[0]).path).name))


def _part(gathered: Path, file: KnownFile) -> Path:
    suffix = _PICKLE_SUFFIX if file.convert else _PART_SUFFIX
    return gathered / f"{file.name}{suffix}"
