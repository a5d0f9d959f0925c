"""Movie files: pictures, sound, timecode, tags and provenance in one container."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from answerprint.errors import MediaError, OutputError
from answerprint.frames.codecs import CodecInfo, OutputSpec
from answerprint.frames.frame import FrameRange, Picture, Plane
from answerprint.media.audio import AudioFeed
from answerprint.media.boundary import best_video, open_container, reading, writing
from answerprint.media.encode import encode_pixels
from answerprint.media.matroska import ASPECT_ROOM, write_aspect
from answerprint.media.sink import Hooks, Writer, output_colour
from answerprint.media.tags import write_tags
from answerprint.store.atomic import temporary_name
from answerprint.store.open_folder import OpenFolder

__all__ = ["MovieWriter"]


class MovieWriter(Writer):
    """One movie file: pictures encoded as they come, sound beside them, tags, timecode and provenance."""

    def __init__(self, path: Path, spec: OutputSpec, codec: CodecInfo, hooks: Hooks) -> None:
        super().__init__(path, spec, codec, hooks)
        self._colour = output_colour(spec, codec)
        self._stack = ExitStack()
        self._temporary = ""
        """Its name in the output's folder; empty for none."""
        self._container: OutputContainer | None = None
        self._video: VideoStream | None = None
        self._audio: AudioFeed | None = None

    def _begin(self, place: OpenFolder) -> None:
        with writing(self.path):
            temporary = temporary_name()
            self.hooks.announce(place.path / temporary)
            os.close(place.create(temporary))
            self._temporary = temporary
            # The muxer is named, for the temporary name says nothing; the protocol too, as for reading.
            container = av.open(
                f"file:{place.way(temporary)}", "w", format=self.codec.container, options=dict(_container_options(self))
            )
            self._container = container
            self._video = self._add_video(container)
            container.metadata.update(self.spec.provenance)
            if self.codec.container == "matroska" and self.spec.start_timecode:
                container.metadata["timecode"] = self.spec.start_timecode
        if self.spec.audio_from is not None and self.spec.audio_from.has_audio:
            self._audio = self._stack.enter_context(AudioFeed(container, self.spec.audio_from, self.spec.audio_range))

    def _add_video(self, container: OutputContainer) -> VideoStream:
        spec, codec = self.spec, self.codec
        stream = container.add_stream(codec.encoder, rate=spec.rate, options=dict(codec.options))
        if not isinstance(stream, VideoStream):
            raise ValueError(f"{codec.encoder} is no video encoder")
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = spec.width, spec.height, self.pixel_format
        context.time_base = 1 / spec.rate
        context.sample_aspect_ratio = spec.sample_aspect
        context.thread_type = "AUTO"
        write_tags(context, self._colour)
        if spec.start_timecode and codec.container != "matroska":
            stream.metadata["timecode"] = spec.start_timecode  # becomes a tmcd track
        if self._needs_aspect:
            stream.metadata["title"] = ASPECT_ROOM
        return stream

    @property
    def _needs_aspect(self) -> bool:
        return self.codec.container == "matroska" and self.spec.sample_aspect != 1

    def _write(self, picture: Picture, alpha: Plane | None) -> None:
        if self._container is None or self._video is None:
            raise ValueError("the writer is not open")
        frame = encode_pixels(picture, alpha, self.pixel_format, self._colour)
        frame.pts = self.frames_written
        frame.time_base = 1 / self.spec.rate
        packets = self._video.encode(frame)
        if self._audio is not None:
            self._audio.mux_until(self.frames_written / self.spec.rate)
        self._container.mux(packets)

    def copy(self, source: Path, frames: FrameRange, on_frame: Callable[[], None] = lambda: None) -> None:
        """Append frames of a file that was written with the same codec and size, as they are, none encoded again.

        on_frame: called before each frame; what it raises passes through. Raises OutputError for a codec whose frames
        do not stand alone, or a file of another kind; MediaError for one that holds too few; StorageError.
        """
        if self._container is None or self._video is None:
            raise ValueError("the writer is not open")
        if not self.codec.can_join:
            raise OutputError(f"Frames of {self.codec.name} cannot be joined.", "Restore the whole range again.")
        copied = 0
        with open_container(source) as container, reading(source):
            stream = best_video(container, source)
            context = stream.codec_context
            kind = (context.codec_tag, context.width, context.height)
            if kind != (self.codec.join_tag, self.spec.width, self.spec.height):
                raise OutputError(f"{source.name} is of another kind.", "Restore the whole range again.")
            packets = (packet for packet in container.demux(stream) if packet.size)
            for packet in islice(packets, frames.start, frames.stop):
                on_frame()
                packet.stream = self._video
                packet.time_base = 1 / self.spec.rate
                packet.pts = packet.dts = self.frames_written
                packet.duration = 1
                with writing(self.path):
                    if self._audio is not None:
                        self._audio.mux_until(self.frames_written / self.spec.rate)
                    self._container.mux(packet)
                self.frames_written += 1
                copied += 1
        if copied != len(frames):
            raise MediaError(f"{source.name} holds too few frames.", "Restore the whole range again.")

    def _finish(self) -> None:
        if self._container is None or self._video is None or self._place is None:
            raise ValueError("the writer is not open")
        packets = self._video.encode(None)
        if self._audio is not None:
            self._audio.mux_until(self.frames_written / self.spec.rate)
        self._container.mux(packets)
        if self._audio is not None:
            self._audio.mux_until(None)
        self._container.close()
        self._container = None
        if self._needs_aspect:
            write_aspect(self._place.way(self._temporary), self.spec.width, self.spec.height, self.spec.sample_aspect)

    def _publish(self, place: OpenFolder) -> None:
        self._sources.check(place, self.path.name)
        place.publish(self._temporary, self.path.name, self.spec.overwrite, claim=self.hooks.claim)
        self._temporary = ""

    def _discard(self) -> None:
        self._stack.close()
        if self._container is not None:
            # Closing writes a trailer, which can fail on a full disk; the file goes away in any case.
            with suppress(OSError, ValueError, av.FFmpegError):
                self._container.close()
            self._container = None
        if self._temporary and self._place is not None:
            self._place.remove(self._temporary)
            self._temporary = ""


def _container_options(writer: MovieWriter) -> dict[str, str]:
    options = dict(writer.codec.container_options)
    if writer.codec.container == "matroska":
        options["write_crc32"] = "0"  # the head is completed after muxing, see matroska.py
    return options
