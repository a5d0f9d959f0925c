"""OpenImageIO's own libraries, at the places where it looks for them, without its programs and fonts."""

from PyInstaller.utils.hooks import collect_dynamic_libs

binaries = collect_dynamic_libs("OpenImageIO", search_patterns=["*.so*", "*.dylib", "*.dll"])
