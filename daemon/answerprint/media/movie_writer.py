"""Writes movie files: pictures, sound, timecode, tags and provenance in one container."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from answerprint.errors import MediaError, OutputError
from answerprint.frames.clip_metadata import HdrMetadata
from answerprint.frames.codecs import CodecInfo
from answerprint.frames.frame import FrameRange, Picture, Plane
from answerprint.frames.output_spec import OutputSpec
from answerprint.media import matroska, mxf, quicktime
from answerprint.media.audio import AudioFeed
from answerprint.media.boundary import best_video, open_container, reading, writing
from answerprint.media.clip_metadata import add_metadata
from answerprint.media.dnxhr import declare_matrix
from answerprint.media.encode import encode_pixels
from answerprint.media.hevc import x265_hdr
from answerprint.media.sink import Hooks, Writer, output_colour
from answerprint.media.tags import write_tags
from answerprint.store.atomic import temporary_name
from answerprint.store.open_folder import OpenFolder

__all__ = ["MovieWriter"]

_MUXER_OPTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "mov": {"movflags": "use_metadata_tags+write_colr"},  # also if only the matrix is known
        "mp4": {"movflags": "use_metadata_tags+write_colr+faststart"},
        "matroska": {"write_crc32": "0"},  # the header changes after muxing, see matroska.py
        "mxf": {"strict": "unofficial"},  # rates that few broadcasters use
    }
)


_LONGEST_DELAY = 16
"""Frames that an encoder reorders at most."""

_WIDTH_OF_SLICES = 4  # px


class MovieWriter(Writer):
    """Writes one movie file; each picture is encoded when it arrives."""

    def __init__(self, path: Path, spec: OutputSpec, codec: CodecInfo, hooks: Hooks) -> None:
        super().__init__(path, spec, codec, hooks)
        self._muxer = codec.container_for(path)
        self._colour = output_colour(spec, codec)
        self._stack = ExitStack()
        self._temporary = ""
        """Name of the temporary file in the output's folder; empty if there is none."""
        self._container: OutputContainer | None = None
        self._video: VideoStream | None = None
        self._audio: AudioFeed | None = None

    def _begin(self, place: OpenFolder) -> None:
        with writing(self.path):
            temporary = temporary_name()
            self.hooks.announce(place.path / temporary)
            os.close(place.create(temporary))
            self._temporary = temporary
            # The temporary name tells FFmpeg neither the muxer nor, for certain, the protocol: both are given.
            container = av.open(
                f"file:{place.way(temporary)}", "w", format=self._muxer, options=dict(_MUXER_OPTIONS[self._muxer])
            )
            self._container = container
            self._video = self._add_video(container)
            texts = dict(self.spec.provenance)
            if self._muxer == "matroska" and self.spec.start_timecode:
                texts["timecode"] = self.spec.start_timecode
            add_metadata(container, self._video, self.spec.metadata, texts)
        if self.spec.audio_from is not None and self.spec.audio_from.has_audio:
            feed = AudioFeed(container, self.spec.audio_from, self.spec.audio_range, self._muxer)
            self._audio = self._stack.enter_context(feed)

    def _add_video(self, container: OutputContainer) -> VideoStream:
        spec, codec = self.spec, self.codec
        stream = container.add_stream(codec.encoder, rate=spec.rate, options=self._encoder_options())
        if not isinstance(stream, VideoStream):
            raise ValueError(f"{codec.encoder} is no video encoder")
        context = stream.codec_context
        if codec.sample_entry and self._muxer in ("mov", "mp4"):
            context.codec_tag = codec.sample_entry
        context.width, context.height, context.pix_fmt = spec.width, spec.height, self.pixel_format
        context.time_base = 1 / spec.rate
        context.sample_aspect_ratio = spec.sample_aspect
        context.thread_type = "AUTO"
        write_tags(context, self._colour)
        if spec.start_timecode and self._muxer != "matroska":
            stream.metadata["timecode"] = spec.start_timecode  # becomes a tmcd track, or a timecode component of MXF
        # A name of spaces makes room for what is written after muxing, together with the true name.
        if self._muxer == "matroska" and (spec.sample_aspect != 1 or self._hdr):
            stream.metadata["title"] = matroska.ROOM + spec.metadata.track_title
        elif self._muxer in ("mov", "mp4") and self._hdr:
            stream.metadata["title"] = quicktime.NAME_ROOM + spec.metadata.track_title
        elif spec.metadata.track_title:
            stream.metadata["title"] = spec.metadata.track_title
        return stream

    @property
    def _hdr(self) -> HdrMetadata | None:
        """What is written of it; depth has none."""
        return None if self.spec.grey else self.spec.metadata.hdr

    def _encoder_options(self) -> dict[str, str]:
        options = dict(self.codec.options)
        if self.codec.encoder == "ffv1" and self.spec.width < _WIDTH_OF_SLICES:
            return {"level": "1", "g": "1"}  # versions with slices have none for every such size
        if self.codec.encoder == "libx265" and self._hdr is not None:
            options["x265-params"] = ":".join([options["x265-params"], *x265_hdr(self._hdr)])
        return options

    def _write(self, picture: Picture, alpha: Plane | None) -> None:
        if self._container is None or self._video is None:
            raise ValueError("the writer is not open")
        frame = encode_pixels(
            picture, alpha, self.pixel_format, self._colour, spare_sdi_codes=self.codec.spares_sdi_codes
        )
        frame.pts = self.frames_written
        frame.time_base = 1 / self.spec.rate
        packets = self._encoded(frame)
        if self._audio is not None:
            self._audio.mux_until(self.frames_written / self.spec.rate)
        self._container.mux(packets)

    def _encoded(self, frame: VideoFrame | None) -> list[Packet[VideoStream]]:
        """The packets that are ready after one more frame, or after the last one for None."""
        if self._video is None:
            raise ValueError("the writer is not open")
        packets = self._video.encode(frame)
        for packet in packets:
            if self.codec.encoder == "dnxhd":
                declare_matrix(packet, self._colour.matrix)
            if packet.pts is not None and not _plausible(packet.dts, packet.pts):
                packet.dts = packet.pts  # in a clip of one or two frames, x265 does not set it
        return packets

    def copy(self, source: Path, frames: FrameRange, on_frame: Callable[[], None] = lambda: None) -> None:
        """Append frames of a file with the same codec and size, without encoding them again.

        on_frame: called before each frame; it may raise to stop. Raises OutputError for a codec that cannot be joined
        or a file of another codec or size; MediaError if the file has too few frames; StorageError.
        """
        if self._container is None or self._video is None:
            raise ValueError("the writer is not open")
        if not self.codec.can_join:
            raise OutputError(f"Frames of {self.codec.name} cannot be joined.", "Restore the whole range again.")
        copied = 0
        with open_container(source) as container, reading(source):
            stream = best_video(container, source)
            context = stream.codec_context
            kind = (context.codec_tag.strip("\0 "), context.profile, context.width, context.height)
            wanted = (self.codec.join_tag, self.codec.profile, self.spec.width, self.spec.height)
            if kind[1:] != wanted[1:] or kind[0] not in (wanted[0], ""):  # MXF has no tags
                raise OutputError(
                    f"{source.name} has another codec or size.",
                    "Restore the whole range again.",
                )
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
            raise MediaError(f"{source.name} has too few frames.", "Restore the whole range again.")

    def _finish(self) -> None:
        if self._container is None or self._video is None or self._place is None:
            raise ValueError("the writer is not open")
        packets = self._encoded(None)
        if self._audio is not None:
            self._audio.mux_until(self.frames_written / self.spec.rate)
        self._container.mux(packets)
        if self._audio is not None:
            self._audio.mux_until(None)
            for sentence in self._audio.found():
                self.hooks.warn(sentence)
        self._container.close()
        self._container = None
        self._complete(self._place.way(self._temporary))

    def _complete(self, path: Path) -> None:
        """Write into the closed file what PyAV cannot tell the muxer."""
        spec, title = self.spec, self.spec.metadata.track_title
        if self._muxer == "matroska" and (spec.sample_aspect != 1 or self._hdr):
            matroska.write_video_track(path, (spec.width, spec.height), spec.sample_aspect, self._hdr, title)
        if self._muxer in ("mov", "mp4") and self._hdr:
            quicktime.write_hdr(path, self._hdr, title)
        if self._muxer == "mxf" and spec.sample_aspect != 1:
            mxf.write_frame_aspect(path, spec.width, spec.height, spec.sample_aspect)

    def _publish(self, place: OpenFolder) -> None:
        self._sources.check(place, self.path.name)
        place.publish(self._temporary, self.path.name, self.spec.overwrite, claim=self.hooks.claim)
        self._temporary = ""

    def _discard(self) -> None:
        self._stack.close()
        if self._container is not None:
            # Closing writes a trailer, which can fail on a full disk; the file is removed anyway.
            with suppress(OSError, ValueError, av.FFmpegError):
                self._container.close()
            self._container = None
        if self._temporary and self._place is not None:
            self._place.remove(self._temporary)
            self._temporary = ""


def _plausible(dts: int | None, pts: int) -> bool:
    """Whether a frame can be decoded then, which is at most a few frames before it is shown."""
    return dts is not None and pts - 2 * _LONGEST_DELAY <= dts <= pts
