"""Writes image sequences: into a hidden folder beside the output first; all files are published at the end."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext

from answerprint.errors import InputError
from answerprint.frames.codecs import CodecInfo
from answerprint.frames.frame import Picture, Plane
from answerprint.frames.output_spec import OutputSpec
from answerprint.frames.sequence import SequencePattern
from answerprint.media.boundary import writing
from answerprint.media.encode import encode_pixels
from answerprint.media.sink import Hooks, Writer, output_colour
from answerprint.media.still_writer import encode_still
from answerprint.store.atomic import temporary_name
from answerprint.store.open_folder import OpenFolder

__all__ = ["SequenceWriter"]

_AFTER_HEADER = 33  # PNG: 8 bytes of signature and 25 of IHDR


class SequenceWriter(Writer):
    """Picture files named by the pattern, numbered from `spec.first_number`."""

    def __init__(self, path: Path, spec: OutputSpec, codec: CodecInfo, hooks: Hooks) -> None:
        super().__init__(path, spec, codec, hooks)
        pattern = SequencePattern.parse(path)
        if pattern is None:
            raise InputError(f"{path.name!r} has no place for a frame number.", "Name it such as out.%04d.png.")
        self._pattern = pattern
        self._colour = output_colour(spec, codec)
        self._temporary = ""
        """Name of the hidden folder in the output's folder; empty if there is none."""
        self._hidden: OpenFolder | None = None

    def _begin(self, place: OpenFolder) -> None:
        with writing(self.path):
            temporary = temporary_name()
            self.hooks.announce(place.path / temporary)
            place.make_folder(temporary)
            self._temporary = temporary
            self._hidden = OpenFolder(place.path / temporary, within=place)

    def _write(self, picture: Picture, alpha: Plane | None) -> None:
        if self._hidden is None:
            raise ValueError("the writer is not open")
        if self.codec.library == "openimageio":
            data = encode_still(picture, alpha, self.spec, self.codec, self.frames_written)
        else:
            data = _encode(encode_pixels(picture, alpha, self.pixel_format, self._colour), self.spec, self.codec)
        target = self._pattern.file(self.spec.first_number + self.frames_written)
        with os.fdopen(self._hidden.create(target.name), "wb") as file:
            file.write(data)

    def _finish(self) -> None:
        pass

    def _publish(self, place: OpenFolder) -> None:
        """Publish one by one. If one fails, remove those already published, unless they replaced others."""
        if self._hidden is None:
            raise ValueError("the writer is not open")
        numbers = range(self.spec.first_number, self.spec.first_number + self.frames_written)
        names = [self._pattern.file(number).name for number in numbers]
        for name in names:
            self._sources.check(place, name)
        published: list[str] = []
        try:
            for name in names:
                self._hidden.publish(name, name, self.spec.overwrite, into=place, claim=self.hooks.claim)
                published.append(name)
        except BaseException:
            if not self.spec.overwrite:
                for name in published:
                    place.remove(name)
            raise

    def _discard(self) -> None:
        if self._hidden is not None:
            self._hidden.close()
            self._hidden = None
        if self._temporary and self._place is not None:
            self._place.remove_tree(self._temporary)
            self._temporary = ""


def _encode(frame: av.VideoFrame, spec: OutputSpec, codec: CodecInfo) -> bytes:
    context = av.CodecContext.create(codec.encoder, "w")
    if not isinstance(context, VideoCodecContext):
        raise ValueError(f"{codec.encoder} is no video encoder")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.options = dict(codec.options)
    context.time_base = Fraction(1, 1)
    context.sample_aspect_ratio = spec.sample_aspect
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in (*context.encode(frame), *context.encode(None)))
    return _png_with_texts(data, spec.provenance) if codec.encoder == "png" else data


def _png_with_texts(data: bytes, texts: Mapping[str, str]) -> bytes:
    chunks = b"".join(_text_chunk(key, value) for key, value in texts.items())
    return data[:_AFTER_HEADER] + chunks + data[_AFTER_HEADER:]


def _text_chunk(key: str, value: str) -> bytes:
    """An uncompressed iTXt chunk (PNG specification, 11.3.3.4); keywords are Latin-1 of at most 79 bytes."""
    keyword = key.encode("latin-1", "replace")[:79]
    body = b"iTXt" + keyword + b"\0\0\0\0\0" + value.encode()
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
