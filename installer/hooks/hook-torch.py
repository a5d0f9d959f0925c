"""torch as collected by PyInstaller's community hook, including CUDA if installed, without C++ test programs, headers
and test data."""

import runpy
from importlib.resources import files
from pathlib import PurePath

_COMMUNITY = runpy.run_path(str(files("_pyinstaller_hooks_contrib") / "stdhooks" / "hook-torch.py"))
_UNUSED = {"include", "share", "test"}
_KEPT_PROGRAM = "torch_shm_manager"  # torch does not import without it


def _is_used(entry: tuple[str, str]) -> bool:
    source, folder = entry
    part = PurePath(folder).parts[1:2]
    if part == ("bin",):
        return PurePath(source).stem == _KEPT_PROGRAM
    return not (part and part[0] in _UNUSED)


datas = [each for each in _COMMUNITY["datas"] if _is_used(each)]
binaries = [each for each in _COMMUNITY["binaries"] if _is_used(each)]
# Those that torch imports are found anyway.
hiddenimports = [each for each in _COMMUNITY["hiddenimports"] if not each.startswith("torch.testing._internal.")]
module_collection_mode = _COMMUNITY["module_collection_mode"]
warn_on_missing_hiddenimports = False
bindepend_symlink_suppression = _COMMUNITY.get("bindepend_symlink_suppression", [])
