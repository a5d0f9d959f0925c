"""An instance of a plugin: its parameters, its source frames, and its renders as numpy arrays."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ofx.host.library import Layout, Render
from ofx.host.session import OK, Host

__all__ = ["Interaction", "Node", "Rendered"]

Picture = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of a render. picture: [H, W, 4], the top row first. identity: the host shows the source itself."""

    status: int
    picture: Picture
    identity: bool
    milliseconds: float


class Node:
    """An instance. Pictures are [H, W, 4] float32, the top row first, and cover the whole frame."""

    def __init__(
        self, host: Host, size: tuple[int, int], *, path: str | Path | None = None, page: str | None = None,
        scale: float = 1.0, aspect: float = 1.0, thumbnail: bool = False, interactive: bool = True,
        parameters: dict[str, float | str] | None = None,
    ) -> None:  # fmt: skip
        """size: width and height in px, at this scale. path: of the source, for hosts that tell it. parameters: of a
        saved project."""
        self.host, self.size, self._scale, self._aspect, self._interactive = host, size, scale, aspect, interactive
        self._library = host.library
        self._images: dict[tuple[str, float], int] = {}
        self._premultiplication = host.ways.premultiplication.encode()  # images keep the pointers
        self._field = host.ways.field.encode()
        self.effect = self._library.instance_new(host.plugin, host.ways.general)
        self._describe_project(path, thumbnail=thumbnail)
        for name, value in (parameters or {}).items():
            self._put(self._library.param_put, name, value)
        self._library.instance_create(self.effect, page.encode() if page else None)
        host.check()

    def _describe_project(self, path: str | Path | None, *, thumbnail: bool) -> None:
        library, effect = self._library, self.effect
        properties = library.instance_properties(effect)
        if self.host.ways.minor_version < 5:
            for name in (b"Config", b"Style"):
                library.host_property_remove(properties, b"OfxImageEffectPropColourManagement" + name)
        else:
            style = b"OfxImageEffectPropColourManagementStyle"
            agreed = self.host.described(style.decode())[0].encode()
            library.host_property_string(properties, style, 0, agreed)
        library.host_property_int(properties, b"OfxPropIsInteractive", 0, self._interactive)
        for i, side in enumerate(self.size):
            for name in (b"Size", b"Extent"):
                library.host_property_double(properties, b"OfxImageEffectPropProject" + name, i, side / self._scale)
        depth = b"OfxBitDepthHalf" if self.host.ways.half else b"OfxBitDepthFloat"
        for clip in (b"Source", b"Output"):
            clip_properties = library.clip_properties(effect, clip)
            library.host_property_string(clip_properties, b"OfxImageEffectPropPixelDepth", 0, depth)
            library.host_property_double(clip_properties, b"OfxImagePropPixelAspectRatio", 0, self._aspect)
            premultiplication = self.host.ways.premultiplication.encode()
            library.host_property_string(clip_properties, b"OfxImageEffectPropPreMultiplication", 0, premultiplication)
            if self.host.ways.minor_version < 5:
                library.host_property_remove(clip_properties, b"OfxImageClipPropColourspace")
                library.host_property_remove(clip_properties, b"OfxImageClipPropPreferredColourspaces")
            if self.host.ways.source_extras:
                library.host_property_add(clip_properties, b"kOfxImageClipPropThumbnail", b"i", 1)
                library.host_property_int(clip_properties, b"kOfxImageClipPropThumbnail", 0, thumbnail)
        if self.host.ways.source_extras:
            library.host_property_add(properties, b"OfxImageEffectPropSrcFilePath", b"s", 1)
            told = os.fsencode(path) if path else b""
            library.host_property_string(properties, b"OfxImageEffectPropSrcFilePath", 0, told)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.destroy()
        if error is None:
            self.host.check()

    def destroy(self) -> None:
        """The end of the instance."""
        self._library.instance_destroy(self.effect)
        for image in self._images.values():
            self._library.image_free(image)
        self._images.clear()

    def act(self, action: str) -> int:
        """Send an action without arguments."""
        status = int(self._library.instance_action(self.effect, action.encode()))
        self.host.check()
        return status

    def ask_preferences(self) -> None:
        """Send GetClipPreferences."""
        self._library.instance_clip_preferences(self.effect)
        self.host.check()

    def ask_colourspace(self, preferred: str) -> tuple[int, str]:
        """Send GetOutputColourspace: status and answer."""
        answer = ctypes.create_string_buffer(256)
        status = self._library.instance_output_colourspace(self.effect, preferred.encode(), answer, 256)
        self.host.check()
        return int(status), answer.value.decode()

    @contextmanager
    def sequence(self, first: float, last: float) -> Iterator[None]:
        """Begin and end of a final render of many frames."""
        for action in (b"OfxImageEffectActionBeginSequenceRender", b"OfxImageEffectActionEndSequenceRender"):
            self._library.instance_begin_end(self.effect, action, first, last, self._interactive)
            self.host.check()
            if action.endswith(b"BeginSequenceRender"):
                yield

    # Parameters.

    def parameters(self) -> dict[str, str]:
        """Name and type of each."""
        names = [self._library.param_name(self.effect, i) for i in range(self._library.param_count(self.effect))]
        return {name.decode(): self._library.param_type(self.effect, name).decode() for name in names}

    def _put(self, function: Callable[..., object], name: str, *values: float | str) -> None:
        numbers = [each for each in values if not isinstance(each, str)]
        text = next((os.fsencode(each) for each in values if isinstance(each, str)), None)
        function(self.effect, name.encode(), (ctypes.c_double * 4)(*numbers), len(numbers), text)

    def edit(self, name: str, *values: float | str) -> None:
        """Change a parameter as a user does; no value: press the button."""
        self._put(self._library.param_edit, name, *values)
        self.host.check()

    def number(self, name: str, index: int = 0) -> float:
        """A value of a parameter."""
        return float(self._library.param_number(self.effect, name.encode(), index))

    def text(self, name: str) -> str:
        """The value of a text parameter."""
        return os.fsdecode(self._library.param_text(self.effect, name.encode()))

    def of_parameter(self, parameter: str, name: str) -> str | int | list[str]:
        """A property of a parameter: options as a list, a flag, or a text."""
        properties = self._library.param_properties(self.effect, parameter.encode())
        if name == "OfxParamPropChoiceOption":
            count = self._library.property_count(properties, name.encode())
            return [self._library.property_string(properties, name.encode(), i).decode() for i in range(count)]
        if name in ("OfxParamPropSecret", "OfxParamPropEnabled"):
            return int(self._library.property_int(properties, name.encode(), 0))
        return str(self._library.property_string(properties, name.encode(), 0).decode())

    @property
    def persistent_message(self) -> str:
        """What the node says on its face."""
        return str(self._library.instance_persistent_message(self.effect).decode())

    # Pictures.

    def layout(self) -> Layout:
        """The shape of this host's images of this node."""
        ways = self.host.ways
        x, y = ways.origin
        bounds = (x, y, x + self.size[0], y + self.size[1])
        return Layout(
            bytes=2 if ways.half else 4, bounds=bounds, region=bounds, negative_rows=ways.negative_rows,
            padding=ways.padding, scale=(self._scale, self._scale), aspect=self._aspect,
            premultiplication=self._premultiplication, field=self._field,
        )  # fmt: skip

    def _image(self, clip: str, time: float) -> int:
        key = (clip, time)
        if key not in self._images:
            self._images[key] = int(self._library.image_new(ctypes.byref(self.layout())))
        return self._images[key]

    def give(self, time: float, picture: Picture) -> None:
        """Put a source frame at a time."""
        dtype = np.float16 if self.host.ways.half else np.float32
        packed = np.ascontiguousarray(picture[::-1], dtype)
        assert packed.shape == (self.size[1], self.size[0], 4), packed.shape
        image = self._image("Source", time)
        self._library.image_write(image, packed.ctypes.data)
        self._library.clip_put_frame(self.effect, b"Source", time, image)

    def take_away(self, time: float) -> None:
        """Let the source have no frame at a time."""
        self._library.clip_put_frame(self.effect, b"Source", time, None)
        self._library.image_free(self._images.pop(("Source", time)))

    def render(
        self, time: float, *, source_frame: int | None = None, window: tuple[int, int, int, int] | None = None,
        draft: bool = False, sequential: bool = False, slot: float = 0,
    ) -> Rendered:  # fmt: skip
        """Render as the host does. window: x1, y1, x2, y2 in px, else the whole frame. slot: threads that render at the
        same time need one each, for their output. Raises BreachError."""
        rendered = self.render_unchecked(
            time, source_frame=source_frame, window=window, draft=draft, sequential=sequential, slot=slot
        )
        self.host.check()
        return rendered

    def render_unchecked(
        self, time: float, *, source_frame: int | None = None, window: tuple[int, int, int, int] | None = None,
        draft: bool = False, sequential: bool = False, slot: float = 0,
    ) -> Rendered:  # fmt: skip
        """Render, and leave the breaches to who asks for them."""
        ways, output = self.host.ways, self._image("Output", slot)
        bounds = tuple(self.layout().bounds)
        told = ways.source_extras
        call = Render(
            time=time, window=window or bounds, scale=(self._scale, self._scale), field=ways.field.encode(),
            sequential=sequential, interactive=self._interactive, draft=draft, has_source_frame=told,
            source_frame=int(time) if source_frame is None else source_frame, skip=ways.skip,
        )  # fmt: skip
        status = self._library.instance_render(self.effect, output, ctypes.byref(call))
        dtype = np.float16 if ways.half else np.float32
        packed = np.empty((self.size[1], self.size[0], 4), dtype)
        shown = self._image("Source", time) if call.identity and status == OK else output
        self._library.image_read(shown, packed.ctypes.data)
        picture = packed[::-1].astype(np.float32)
        return Rendered(int(status), picture, bool(call.identity), call.nanoseconds / 1e6)

    def interact(self) -> Interaction | None:
        """The overlay, if host and plugin have one."""
        made = self._library.interact_new(self.effect)
        self.host.check()
        return Interaction(self.host, made) if made else None


class Interaction:
    """An overlay of a node."""

    def __init__(self, host: Host, handle: int) -> None:
        self._host, self._handle = host, handle

    def act(self, action: str, time: float = 0, at: tuple[float, float] = (0, 0)) -> int:
        """Send OfxInteractAction<action>. at: the pen, in canonical coordinates."""
        status = self._host.library.interact_act(self._handle, f"OfxInteractAction{action}".encode(), time, *at)
        self._host.check()
        return int(status)

    @property
    def drawn(self) -> int:
        """Figures and texts of the last draw."""
        return int(self._host.library.interact_drawn(self._handle))

    def close(self) -> None:
        """The end of the overlay."""
        self._host.library.interact_free(self._handle)
        self._host.check()
