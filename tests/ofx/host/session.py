"""A host with one plugin loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ofx.host.library import host_library
from ofx.host.ways import STANDARD, Ways

__all__ = ["OK", "REPLY_DEFAULT", "BreachError", "Host", "open_host"]

OK = 0
REPLY_DEFAULT = 14


class BreachError(AssertionError):
    """The plugin broke a rule of the standard; the message lists all breaches, each with the action it happened in."""


class Host:
    """A host that works in one of the known ways, and the plugin at path in it. verify: check every pixel written."""

    def __init__(self, path: Path, ways: Ways = STANDARD, *, verify: bool = True) -> None:
        self.ways = ways
        self.library = host_library()
        self._host = self.library.host_new()
        self._without = ways.without.encode()  # the host keeps the pointer
        self._set_up(verify=verify)
        self.plugin = self.library.plugin_open(self._host, str(path).encode())
        if not self.plugin:
            complaints = self.complaints()
            self.library.host_free(self._host)
            raise BreachError("\n".join(complaints) or f"{path} does not want to be loaded")

    def _set_up(self, *, verify: bool) -> None:
        library, properties = self.library, self.library.host_properties(self._host)
        library.host_set_verify(self._host, verify)
        library.host_set_without(self._host, self._without)
        library.host_property_string(properties, b"OfxPropName", 0, self.ways.name.encode())
        library.host_property_int(properties, b"OfxPropAPIVersion", 1, self.ways.minor_version)
        library.host_property_int(properties, b"OfxImageEffectPropSupportsOverlays", 0, self.ways.overlays)
        library.host_property_int(properties, b"OfxImageEffectPropTemporalClipAccess", 0, self.ways.temporal)
        if self.ways.minor_version < 5:  # these came with version 1.5
            for name in (b"AvailableConfigs", b"Style"):
                library.host_property_remove(properties, b"OfxImageEffectPropColourManagement" + name)
        if not self.ways.half:
            library.host_property_remove(properties, b"OfxImageEffectPropSupportedPixelDepths")
            library.host_property_add(properties, b"OfxImageEffectPropSupportedPixelDepths", b"s", 0)
            library.host_property_string(properties, b"OfxImageEffectPropSupportedPixelDepths", 0, b"OfxBitDepthFloat")

    def load(self) -> None:
        """Load and describe in the host's context."""
        library = self.library
        library.plugin_load(self.plugin)
        library.plugin_describe(self.plugin)
        library.plugin_describe_in_context(self.plugin, self.ways.general)
        self.check()

    def unload(self) -> None:
        """Unload; raises BreachError if something is left."""
        self.library.plugin_unload(self.plugin)
        self.check()

    def close(self) -> None:
        """Let go of the library and the host."""
        self.library.plugin_close(self.plugin)
        self.library.host_free(self._host)

    def complaints(self) -> list[str]:
        """The breaches so far; they are forgotten."""
        found = [
            self.library.host_complaint(self._host, i).decode() for i in range(self.library.host_complaints(self._host))
        ]
        self.library.host_forget_complaints(self._host)
        return found

    def check(self) -> None:
        """Raise BreachError if there were breaches."""
        if found := self.complaints():
            raise BreachError("\n".join(found))

    def seek(self, time: float, first: float = 0, last: float = 100) -> None:
        """Put the playhead somewhere."""
        self.library.host_set_timeline(self._host, time, first, last)

    @property
    def message(self) -> str:
        """The last message to the user."""
        return str(self.library.host_message(self._host).decode())

    @property
    def redraws(self) -> int:
        """How often the plugin asked for its overlay to be drawn."""
        return int(self.library.host_redraws(self._host))

    def described(self, name: str) -> list[str]:
        """The values of a string property of the plugin's description."""
        properties = self.library.plugin_properties(self.plugin, self.ways.general)
        count = self.library.property_count(properties, name.encode())
        return [self.library.property_string(properties, name.encode(), i).decode() for i in range(count)]


@contextmanager
def open_host(path: Path, ways: Ways = STANDARD, *, verify: bool = True) -> Iterator[Host]:
    """A host with the plugin loaded; at the end it is unloaded, and what it left behind raises BreachError."""
    host = Host(path, ways, verify=verify)
    try:
        host.load()
        yield host
        host.unload()
    finally:
        host.close()
