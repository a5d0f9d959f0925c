"""OpenTimelineIO whole: it loads its adapters and schemas by the names of their files."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

datas = collect_data_files("opentimelineio", include_py_files=True, excludes=["console/**"])
hiddenimports = collect_submodules("opentimelineio", filter=lambda name: name != "opentimelineio.console")
