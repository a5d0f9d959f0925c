"""The source's sound for a deliverable, in sync with the pictures, and copied without encoding if possible.

- Uncompressed sound is cut to the sample; its bits do not change.
- Compressed sound is copied packet by packet: all packets for a whole clip, the packets that begin in the range for a
  part of one. So sound can start up to one packet (21 ms of AAC) after the picture, but is never early nor shifted.
- Sound that the container cannot hold, and compressed sound in a .mov (Resolve on Linux cannot play AAC), becomes PCM,
  cut to the sample; in an .mp4 it becomes AAC, or ALAC if AAC cannot hold it.
- What is missing becomes silence, exactly as long, in all but copied packets, which keep their times.

`check_sound` takes the same way for the first seconds, before any picture is restored.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from answerprint.errors import MediaError, OutputError
from answerprint.frames.clip import ClipInfo
from answerprint.frames.codecs import codec_named
from answerprint.frames.frame import FrameRange
from answerprint.frames.output_spec import OutputSpec
from answerprint.media.boundary import WITHOUT_SOUND, open_container, reading
from answerprint.media.sound_frames import kept
from answerprint.media.sound_span import Joint, find_joints, span_of
from answerprint.media.sound_track import PCM, SoundForm, SoundTrack

__all__ = ["AudioFeed", "check_sound"]

_COPIED_TO_MP4 = frozenset({"aac", "mp3", "mp3float", "ac3", "eac3", "alac"})
_LOSSLESS = frozenset({"flac", "alac", "wavpack", "tta", "truehd", "mlp"})
_COPIED_TO_MXF = frozenset({"pcm_s16le", "pcm_s24le"})
_MXF_RATE = 48_000
_PLAIN_LAYOUTS = ("", "mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""What channels without names are taken for, by their number, if a codec needs names."""
_CHANNELS_OF_STEREO = 2
_PLANAR = ("aac", "alac")
"""Encoders that take each channel in a plane of its own."""
_OF_QUICKTIME = {
    "cze": "ces", "deu": "ger", "ell": "gre", "fre": "fra", "isl": "ice", "mkd": "mac", "nld": "dut", "rum": "ron",
    "slo": "slk", "sqi": "alb", "swe": "sve", "zho": "chi",
}  # fmt: skip
"""The one code that FFmpeg's writer of QuickTime knows of a language that has two, or that is misspelt there."""
_TRIED_SECONDS = Fraction(2)
_TRIED_PLACES = 9
_TRIED_FRAMES = 3
_PRIMING_SECONDS = Fraction(1, 10)  # a decoder's run-up, kept before the first picture

_Timed = tuple[Fraction, "Packet[Any]"]  # seconds from the first frame written, and the packet


def check_sound(spec: OutputSpec, path: Path) -> list[str]:
    """Write the first seconds of the sound to memory, as the deliverable will have it; return what to warn of.

    path: of the deliverable, whose name says which container it is.

    Raises MediaError or OutputError, which name the track, if the sound cannot be read or the container cannot hold it.
    """
    source, codec = spec.audio_from, codec_named(spec.codec)
    if source is None or not source.has_audio:
        return []
    if codec.is_sequence:
        return [f"Picture files have no sound: that of {source.path.name} is not written."]
    muxer = codec.container_for(path)
    with (
        # An MXF needs pictures too, which are not there yet; a QuickTime file can hold all that it can.
        av.open(io.BytesIO(), "w", format="mov" if muxer == "mxf" else muxer) as container,
        AudioFeed(container, source, spec.audio_range, muxer) as feed,
    ):
        feed.mux_until(_TRIED_SECONDS)
        return feed.notes


class AudioFeed:
    """Owns the open source of the sound, and muxes its packets as the pictures advance.

    notes: what is left out or loses quality, a sentence each.
    """

    def __init__(self, container: OutputContainer, source: ClipInfo, frames: FrameRange | None, muxer: str) -> None:
        """Add the audio streams to the container before its header is written. Raises MediaError, OutputError.

        muxer: FFmpeg's name of the deliverable's.
        """
        self.notes: list[str] = []
        self._container = container
        self._muxer = muxer
        self._source = source
        self._stack = ExitStack()
        self._joints = find_joints(source)
        self._heads: list[tuple[_Timed | None, Iterator[_Timed], SoundTrack]] = []
        self._kept: set[int] = set()
        """Numbers of the tracks whose packets are copied."""
        span = span_of(source, frames, self._joints)
        try:
            with open_container(source.path) as listing:
                count = len(listing.streams.audio)
            for number in range(1, count + 1):
                # Each stream has its own demuxer, so that interleaving needs no queues.
                reader = self._stack.enter_context(open_container(source.path))
                track = SoundTrack(reader, number, source, span, self._joints)
                with reading(source.path, track.name):
                    packets = self._add(track)
                if packets is not None:
                    self._stack.callback(packets.close)
                    self._heads.append((None, packets, track))
            if count and not self._heads:
                raise MediaError(f"The sound of {source.path} cannot be read. {self.notes[0]}", WITHOUT_SOUND)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def mux_until(self, seconds: Fraction | None) -> None:
        """Mux the sound that begins before a time of the output, in seconds; None means all that is left."""
        for place, (head, packets, track) in enumerate(self._heads):
            while True:
                if head is None:
                    with reading(self._source.path, track.name):
                        head = next(packets, None)
                if head is None or (seconds is not None and head[0] >= seconds):
                    break
                self._mux(head[1], track)
                head = None
            self._heads[place] = (head, packets, track)

    def found(self) -> list[str]:
        """What was wrong with the sound, and what became of it; complete once all of it is muxed."""
        return [
            sentence
            for *_, track in self._heads
            for sentence in track.faults.sentences(track.name, kept=track.number in self._kept)
        ]

    def _mux(self, packet: Packet[Any], track: SoundTrack) -> None:
        try:
            self._container.mux(packet)
        except OSError:
            raise  # of the disk
        except (av.FFmpegError, ValueError) as error:
            raise self._refused(track, str(error)) from error

    def _add(self, track: SoundTrack) -> Generator[_Timed, None, None] | None:
        context = track.stream.codec_context
        if context is None:  # the muxer cannot be told about a codec that FFmpeg does not know
            self.notes.append(f"{track.name} has a format that is not supported, and is left out.")
            return None
        if not context.sample_rate or not context.channels:
            self.notes.append(f"{track.name} is empty, and is left out.")
            return None
        if _is_copied(self._muxer, track):
            try:
                copy = self._container.add_stream_from_template(track.stream)
            except ValueError:
                pass  # this container cannot hold that codec: transcode below
            else:
                _label(copy, track.stream, self._muxer)
                if PCM.fullmatch(track.codec):
                    return _pcm_packets(track, copy)
                self._kept.add(track.number)
                return _copied_packets(track, copy)
        encoder, form = self._target(track)
        out = self._container.add_stream(encoder, rate=form.rate)
        if not isinstance(out, AudioStream):
            raise ValueError(f"{encoder} is no sound encoder")
        _set_up(out.codec_context, encoder, form)
        # Opened now, because only then its number of samples per packet is known.
        out.codec_context.open()
        _label(out, track.stream, self._muxer)
        self._note_loss(track, encoder, form)
        return self._encoded_packets(track, out, form)

    def _target(self, track: SoundTrack) -> tuple[str, SoundForm]:
        """The encoder and the form of sound that is decoded. Raises OutputError if the container has none."""
        context = track.stream.codec_context
        layout = _widest_layout(self._source, track, self._joints)
        rate, pcm = context.sample_rate, bool(PCM.fullmatch(track.codec))
        sample = context.format.name.removesuffix("p")
        if self._muxer == "mp4":
            count = av.AudioLayout(layout).nb_channels
            if count >= len(_PLAIN_LAYOUTS):
                raise self._refused(track, f"{count} channels")
            if "channels" in layout:
                layout = _PLAIN_LAYOUTS[count]
                self._note_layout(track, layout)
            of_alac = "s16" if sample in ("s16", "u8") else "s32"
            for encoder, form in (("aac", SoundForm("flt", layout, rate)), ("alac", SoundForm(of_alac, layout, rate))):
                if _can_encode(encoder, form):
                    return encoder, form
            raise self._refused(track, f"{layout}, {rate} Hz")
        rate = _MXF_RATE if self._muxer == "mxf" else rate
        if sample in ("s16", "u8"):
            return "pcm_s16le", SoundForm("s16", layout, rate)
        if self._muxer == "mxf":
            return "pcm_s24le", SoundForm("s32", layout, rate)
        if sample in ("flt", "dbl") and (pcm or track.codec in _LOSSLESS):
            return f"pcm_f{32 if sample == 'flt' else 64}le", SoundForm(sample, layout, rate)
        if sample == "s32" and pcm and "24" not in track.codec:
            return "pcm_s32le", SoundForm("s32", layout, rate)
        return "pcm_s24le", SoundForm("s32", layout, rate)

    def _refused(self, track: SoundTrack, why: str) -> OutputError:
        kind = f".{'mkv' if self._muxer == 'matroska' else self._muxer}"
        others = " or ".join(each for each in (".mov", ".mkv") if each != kind)
        return OutputError(
            f"{track.name} of {self._source.path} cannot be written to {kind} ({why}).",
            f"Choose an output in {others}, or restore without sound (--no-audio).",
        )

    def _note_layout(self, track: SoundTrack, layout: str) -> None:
        if (count := av.AudioLayout(layout).nb_channels) > _CHANNELS_OF_STEREO:
            self.notes.append(
                f"{track.name} does not say in a known order which speakers its {count} channels are for: they are"
                f" written as {layout}."
            )

    def _note_loss(self, track: SoundTrack, encoder: str, form: SoundForm) -> None:
        if track.stream.codec_context.sample_rate != form.rate:
            self.notes.append(f"{track.name} is converted to {form.rate} Hz: an .{self._muxer} holds no other rate.")
        if encoder == "aac":
            self.notes.append(f"{track.name} becomes AAC, because .mp4 cannot hold it; .mov and .mkv keep all of it.")

    def _encoded_packets(self, track: SoundTrack, out: AudioStream, form: SoundForm) -> Generator[_Timed, None, None]:
        for position, rows in track.decoded_rows(form):
            for made in out.encode(form.frame(rows, position)):
                yield (made.pts or 0) * made.time_base, made
        for made in out.encode(None):
            yield (made.pts or 0) * made.time_base, made


def _is_copied(muxer: str, track: SoundTrack) -> bool:
    if muxer == "mov":
        return bool(PCM.fullmatch(track.codec))
    if muxer == "mxf":
        return track.codec in _COPIED_TO_MXF and track.stream.codec_context.sample_rate == _MXF_RATE
    return muxer != "mp4" or track.codec in _COPIED_TO_MP4


def _label(out: AudioStream, stream: AudioStream, container: str) -> None:
    """Keep what people tell tracks apart by."""
    kept = {key: value for key, value in stream.metadata.items() if key in ("language", "title")}
    if container == "mov" and "language" in kept:
        kept["language"] = _OF_QUICKTIME.get(kept["language"], kept["language"])
    out.metadata.update(kept)
    out.disposition = stream.disposition


def _set_up(context: AudioCodecContext, encoder: str, form: SoundForm) -> None:
    context.layout = form.layout
    context.format = form.sample + ("p" if encoder in _PLANAR else "")
    context.sample_rate, context.time_base = form.rate, Fraction(1, form.rate)
    if encoder == "aac":  # at most 6 bits a sample fit
        context.bit_rate = min(max(256_000, 96_000 * form.channels), 5 * form.rate * form.channels)


def _can_encode(encoder: str, form: SoundForm) -> bool:
    context = av.CodecContext.create(encoder, "w")
    if not isinstance(context, AudioCodecContext):
        raise ValueError(f"{encoder} is no sound encoder")
    try:
        _set_up(context, encoder, form)
        context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _widest_layout(source: ClipInfo, track: SoundTrack, joints: tuple[Joint, ...]) -> str:
    """The layout with the most channels of those found here and there in the span: broadcasts change it."""
    span, context = track.span, track.stream.codec_context
    layouts = {context.layout.name: context.channels}
    if PCM.fullmatch(track.codec):
        return str(context.layout.name)
    with open_container(source.path) as container:
        stream = container.streams.audio[track.number - 1]
        for place in range(_TRIED_PLACES if len(joints) == 1 and stream.time_base else 0):
            seconds = span.start + (span.end - span.start) * place / _TRIED_PLACES
            try:
                container.seek(int(seconds / (stream.time_base or 1)), stream=stream, backward=True)
                for frame in map(kept, islice(container.decode(stream), _TRIED_FRAMES)):
                    layouts[frame.layout.name] = frame.layout.nb_channels
            except (av.FFmpegError, ValueError):
                continue  # a damaged packet: it is counted when the sound is written
    return max(layouts, key=lambda each: layouts[each])


def _copied_packets(track: SoundTrack, out: AudioStream) -> Generator[_Timed, None, None]:
    """Copy packets; those that begin before the last one has ended are there twice, and left out."""
    span = track.span
    ends: Fraction | None = None
    for when, packet in track.packets():
        if when is None or packet.pts is None or packet.size == 0:
            continue
        seconds = when - span.start
        # A whole clip keeps its priming packet before zero: the decoder needs it, and players skip it.
        if seconds < (-_PRIMING_SECONDS if span.from_first_frame else 0):
            continue
        length = (packet.duration or 0) * packet.time_base
        if ends is not None and track.note_neighbour(seconds, ends, length):
            continue
        ends = max(seconds + length, ends or seconds)
        pts = round(seconds / packet.time_base)
        packet.dts = pts if packet.dts is None else pts + packet.dts - packet.pts
        packet.pts = pts
        packet.stream = out
        yield seconds, packet


def _pcm_packets(track: SoundTrack, out: AudioStream) -> Generator[_Timed, None, None]:
    rate = track.stream.codec_context.sample_rate
    for position, rows in track.pcm_rows():
        piece: Packet[Any] = Packet(rows.tobytes())
        piece.stream = out
        piece.time_base = Fraction(1, rate)
        piece.pts = piece.dts = position
        piece.duration = len(rows)
        yield Fraction(position, rate), piece
