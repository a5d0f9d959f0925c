"""Collect all of OpenTimelineIO: it loads adapters and schemas by file name."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

datas = collect_data_files("opentimelineio", include_py_files=True, excludes=["console/**"])
hiddenimports = collect_submodules("opentimelineio", filter=lambda name: name != "opentimelineio.console")
