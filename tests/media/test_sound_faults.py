"""Sound that is damaged, incomplete or changes stays in time with the picture, or is refused before any work.

Every source shows a white flash and sounds a chirp at the same moment; the result is read by its own decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from answerprint.errors import InputError
from answerprint.frames import FrameRange, OutputSpec
from answerprint.media import Hooks, open_reader, open_writer, probe
from answerprint.media.audio import check_sound
from media.makers import SOUND_RATE, fill, make_movie, numbered_frame, read_sound, sound_at

FRAMES, FLASH, FPS = 30, 20, 25
SECONDS = FRAMES / FPS
CODECS = {".mov": "prores4444", ".mxf": "dnxhr-hqx", ".mkv": "ffv1", ".mp4": "h264", ".png": "png"}


Change: TypeAlias = "Callable[[Packet[Any], float], list[Packet[Any]]]"


def chirp(rate: int = SOUND_RATE) -> NDArray[np.float32]:
    times = np.arange(rate // 20) / rate
    return (0.7 * np.sin(2 * np.pi * (500 + 20000 * times) * times)).astype(np.float32)


def sound(rate: int = SOUND_RATE) -> NDArray[np.float32]:
    """Faint noise with the chirp at the moment of the flash."""
    samples = np.random.default_rng(1).normal(0, 0.01, round(SECONDS * rate)).astype(np.float32)
    samples[round(FLASH / FPS * rate) :][: rate // 20] += chirp(rate)
    return samples


def encoded(context: AudioCodecContext, samples: NDArray[np.float32], first: int = 0) -> Iterator[Packet[Any]]:
    """The same sound in every channel."""
    name = context.format.name
    scale, kind = {"u8": (127, np.uint8), "s16": (32767, np.int16), "s32": (2**31 - 1, np.int32)}.get(
        name.removesuffix("p"), (1, np.float32)
    )
    values = (samples.astype(np.float64) * scale + (128 if name.startswith("u8") else 0)).astype(kind)
    step = context.frame_size or 1024
    for start in range(0, len(values), step):
        part = values[start : start + step]
        array = np.tile(part, (context.channels, 1)) if name.endswith("p") else part.repeat(context.channels)[None]
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(array), format=name, layout=context.layout.name)
        frame.sample_rate, frame.pts = context.sample_rate, first + start
        frame.time_base = Fraction(1, context.sample_rate)
        yield from context.encode(frame)
    yield from context.encode(None)


def make_clip(
    path: Path,
    codec: str,
    *,
    layouts: tuple[str, ...] = ("stereo",),
    languages: tuple[str, ...] = ("",),
    rate: int = SOUND_RATE,
) -> Path:
    """A clip with a flash and a chirp. Several layouts follow each other in each track, one track for each language."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4" if path.suffix == ".avi" else "libx264", rate=FPS)
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.max_b_frames = 0
        tracks = []
        for language in languages:
            track = container.add_stream(codec, rate=rate)
            assert isinstance(track, AudioStream)
            track.codec_context.layout = layouts[0]
            track.metadata["language"] = language
            tracks.append(track)
        for number in range(FRAMES):
            frame = numbered_frame(number)
            fill(frame, 0, np.full((48, 64), 235 if number == FLASH else 16, np.uint8))
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for track in tracks:
            part = round(len(sound(rate)) / len(layouts))
            for place, layout in enumerate(layouts):
                context = track.codec_context if not place else AudioCodecContext.create(codec, "w")
                assert isinstance(context, AudioCodecContext)
                if place:
                    context.layout, context.sample_rate, context.format = layout, rate, track.format
                    context.open()
                for packet in encoded(context, sound(rate)[place * part : (place + 1) * part], place * part):
                    packet.stream, packet.time_base = track, Fraction(1, rate)
                    container.mux(packet)
    return path


def changed(source: Path, target: Path, change: Change) -> Path:
    """The source with other packets."""
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        streams = {stream.index: made.add_stream_from_template(stream) for stream in given.streams}
        for packet in given.demux():
            if packet.size:
                for each in change(packet, float((packet.pts or 0) * packet.time_base)):
                    each.stream = streams[packet.stream_index]
                    made.mux(each)
    return target


def sounding(change: Change) -> Change:
    return lambda packet, when: change(packet, when) if packet.stream.type == "audio" else [packet]


def damage(packet: Packet[Any], when: float) -> list[Packet[Any]]:
    if not 0.3 <= when < 0.4:
        return [packet]
    broken: Packet[Any] = Packet(np.random.default_rng(packet.size).bytes(packet.size))
    broken.pts, broken.dts, broken.time_base, broken.duration = (
        packet.pts,
        packet.dts,
        packet.time_base,
        packet.duration,
    )
    return [broken]


def twice(packet: Packet[Any], when: float) -> list[Packet[Any]]:
    again: Packet[Any] = Packet(bytes(packet))
    again.pts, again.dts, again.time_base, again.duration = packet.pts, packet.dts, packet.time_base, packet.duration
    return [packet, again] if 0.3 <= when < 0.5 else [packet]


def picture_later(packet: Packet[Any], when: float) -> list[Packet[Any]]:
    if packet.stream.type == "video" and packet.pts is not None and packet.dts is not None:
        later = round(Fraction(2, 5) / packet.time_base)
        packet.pts, packet.dts = packet.pts + later, packet.dts + later
    return [packet]


FAULTS: dict[str, tuple[Change, float, str]] = {
    "missing": (sounding(lambda p, t: [] if 0.3 <= t < 0.6 else [p]), 0, "gap"),
    "damaged": (sounding(damage), 0, "could not be decoded"),
    "twice": (sounding(twice), 0, "overlap"),
    "late": (sounding(lambda p, t: [] if t < 0.3 else [p]), 0, ""),
    "early": (picture_later, 0.4, ""),
}


def restored(
    source: Path, target: Path, frames: FrameRange | None = None, size: tuple[int, int] | None = None
) -> list[str]:
    """Write the source's pictures and sound; return the warnings."""
    info = probe(source)
    chosen = info.checked(frames)
    spec = OutputSpec.for_clip(info, chosen, CODECS[target.suffix], size=size)
    said = check_sound(spec, target)
    with open_writer(target, spec, Hooks(warn=said.append)) as writer, open_reader(info, chosen) as reader:
        for frame in reader:
            writer.write(np.resize(frame.picture, (spec.height, spec.width, 3)), None)
    return said


def heard(path: Path, track: int = 0) -> NDArray[np.float64]:
    """The sound from the first picture on: PCM as editors read it, without times; other codecs by their times."""
    with av.open(str(path)) as container:
        picture = next(container.decode(container.streams.video[0]))
        begins = Fraction(picture.pts or 0) * (picture.time_base or 1)
    with av.open(str(path)) as container:
        stream = container.streams.audio[track]
        plain = stream.codec_context.name.startswith("pcm")
        samples = np.zeros(0)
        for frame in container.decode(stream):
            array = frame.to_ndarray()
            first = array[0] if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels)[:, 0]
            scale = np.iinfo(first.dtype).max if first.dtype.kind in "iu" else 1
            at = round(((frame.pts or 0) * (frame.time_base or 1) - begins) * frame.sample_rate)
            at = len(samples) if plain and len(samples) else at
            samples = np.concatenate(
                [samples[: max(0, at)], np.zeros(max(0, at - len(samples))), first[max(0, -at) :] / scale]
            )
    return samples


def lag_of_chirp(samples: NDArray[np.float64], seconds: float) -> int:
    """By how many samples the chirp is later than it should be, by cross-correlation."""
    return int(np.argmax(np.abs(np.correlate(samples, chirp(), "valid")))) - round(seconds * SOUND_RATE)


def flash_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return int(np.argmax([f.to_ndarray(format="gray").mean() for f in container.decode(video=0)]))


WAYS = ("ac3.mkv .mov", "aac.mp4 .mov", "pcm_s16le.mkv .mov", "pcm_s16le.mkv .mp4", "ac3.mkv .mkv")
CASES = [
    (fault, way)
    for fault in FAULTS
    for way in WAYS
    # What is not decoded cannot be found to be damaged, and an .mp4 has no room for a packet twice.
    if not (fault == "damaged" and ("pcm" in way or "mkv .mkv" in way)) and not (fault == "twice" and "mp4 " in way)
]


@pytest.mark.parametrize(("fault", "way"), CASES)
def test_faulty_sound_stays_in_time_with_the_picture(tmp_path: Path, fault: str, way: str) -> None:
    change, shift, word = FAULTS[fault]
    made, target = way.split()
    codec, _, suffix = made.partition(".")
    source = changed(make_clip(tmp_path / f"good.{suffix}", codec), tmp_path / f"in.{suffix}", change)
    said = restored(source, tmp_path / f"out{target}")
    output = tmp_path / f"out{target}"
    assert flash_in(output) == FLASH
    samples = heard(output)
    # The picture begins later where the sound begins early: the chirp stays where it was recorded.
    assert abs(lag_of_chirp(samples, FLASH / FPS - shift)) <= SOUND_RATE // 200
    assert not word or any(word in sentence for sentence in said), said
    assert any("gap" in sentence for sentence in said) is (fault == "missing")
    if fault == "missing" and target == ".mov":
        assert not samples[round(0.35 * SOUND_RATE) : round(0.59 * SOUND_RATE)].any()


def test_recordings_that_were_joined_keep_their_sound_in_time(tmp_path: Path) -> None:
    part = make_clip(tmp_path / "part.ts", "mp2").read_bytes()
    source = tmp_path / "joined.ts"
    source.write_bytes(part + part)
    for target in (".mov", ".mkv"):
        restored(source, tmp_path / f"out{target}")
        samples = heard(tmp_path / f"out{target}")
        for begins in (0, FRAMES):
            part_of = samples[round(begins / FPS * SOUND_RATE) :][: round(SECONDS * SOUND_RATE)]
            assert abs(lag_of_chirp(part_of, FLASH / FPS)) < SOUND_RATE // 100


@pytest.mark.parametrize("layouts", [("stereo", "5.1"), ("5.1", "stereo")])
@pytest.mark.parametrize("target", [".mov", ".mp4"])
def test_a_layout_that_changes_becomes_the_widest(tmp_path: Path, layouts: tuple[str, ...], target: str) -> None:
    source = make_clip(tmp_path / "in.ts", "ac3", layouts=layouts)
    said = restored(source, tmp_path / f"out{target}")
    with av.open(str(tmp_path / f"out{target}")) as container:
        assert container.streams.audio[0].codec_context.channels == 6 or target == ".mp4"
    assert abs(lag_of_chirp(heard(tmp_path / f"out{target}"), FLASH / FPS)) < SOUND_RATE // 100
    assert any("changes within the clip" in sentence for sentence in said) is (target == ".mov")


@pytest.mark.parametrize("made", ["pcm_u8.avi", "pcm_s16le.avi", "pcm_s24le.mkv", "pcm_f32le.mkv", "flac.mkv"])
def test_uncompressed_sound_becomes_aac_in_mp4(tmp_path: Path, made: str) -> None:
    codec, _, suffix = made.partition(".")
    said = restored(make_clip(tmp_path / f"in.{suffix}", codec), tmp_path / "out.mp4")
    assert abs(lag_of_chirp(heard(tmp_path / "out.mp4"), FLASH / FPS)) < SOUND_RATE // 200
    assert ["becomes AAC" in sentence for sentence in said] == [True]


def test_a_cut_far_into_a_file_whose_times_are_rounded_is_exact_to_the_sample(tmp_path: Path) -> None:
    clip = make_movie(tmp_path / "in.mkv", 120, rate=Fraction(24000, 1001), sound="pcm_s16le")  # times of 1 ms
    restored(clip, tmp_path / "out.mov", FrameRange(101, 119))
    begins, samples, _ = read_sound(tmp_path / "out.mov")
    first, stop = (round(frame * Fraction(1001, 24000) * SOUND_RATE) for frame in (101, 119))
    assert begins == 0
    np.testing.assert_array_equal(samples, sound_at(np.arange(first, stop)))


@pytest.mark.parametrize("codec", ["pcm_s24le", "pcm_f32le", "pcm_s32le", "flac"])
@pytest.mark.parametrize("target", [".mov", ".mkv"])
def test_deep_sound_stays_exact(tmp_path: Path, codec: str, target: str) -> None:
    source = make_clip(tmp_path / "in.mkv", codec)
    assert not restored(source, tmp_path / f"out{target}")
    np.testing.assert_array_equal(heard(tmp_path / f"out{target}"), heard(source))


def test_tracks_keep_their_languages_whether_copied_or_converted(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", "ac3", languages=("eng", "deu"))
    for target in (".mov", ".mkv", ".mp4"):
        restored(source, tmp_path / f"out{target}")
        with av.open(str(tmp_path / f"out{target}")) as container:
            found = [stream.metadata["language"] for stream in container.streams.audio]
            assert found in (["eng", "deu"], ["eng", "ger"])  # German has two codes


def test_a_track_of_an_unknown_format_is_left_out_with_a_warning(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mov", "pcm_s16le", languages=("eng", "deu"))
    data = source.read_bytes()
    place = data.rindex(b"sowt")
    source.write_bytes(data[:place] + b"zzzz" + data[place + 4 :])
    said = restored(source, tmp_path / "out.mov")
    assert len(said) == 1
    assert "Sound track 2" in said[0]
    assert "left out" in said[0]
    with av.open(str(tmp_path / "out.mov")) as container:
        assert len(container.streams.audio) == 1


def noise(packet: Packet[Any], when: float) -> list[Packet[Any]]:
    return damage(packet, 0.3)


@pytest.mark.parametrize(
    ("codec", "suffix", "change", "target", "words"),
    [
        ("pcm_s16le", ".mov", "16 channels", ".mp4", ("Sound track 1", "16 channels", ".mov or .mkv", "--no-audio")),
        ("pcm_s16le", ".mov", "hexadecagonal", ".mp4", ("Sound track 1", "16 channels", ".mov or .mkv", "--no-audio")),
        ("aac", ".mp4", sounding(noise), ".mov", ("Sound track 1", "cannot be decoded", "--no-audio")),
        ("pcm_s16le", ".mov", "unknown", ".mov", ("sound", "not supported", "--no-audio")),
    ],
    ids=["too many channels", "too many that have names", "all damaged", "unknown format"],
)
def test_impossible_sound_is_refused_before_any_picture(
    tmp_path: Path, codec: str, suffix: str, change: Change | str, target: str, words: tuple[str, ...]
) -> None:
    layout = change if isinstance(change, str) and change != "unknown" else "stereo"
    source = make_clip(tmp_path / f"made{suffix}", codec, layouts=(layout,))
    if callable(change):
        source = changed(source, tmp_path / f"in{suffix}", change)
    elif change == "unknown":
        source.write_bytes(source.read_bytes().replace(b"sowt", b"zzzz"))
    info = probe(source)
    with pytest.raises(InputError) as caught:
        check_sound(OutputSpec.for_clip(info, info.whole, CODECS[target]), tmp_path / f"out{target}")
    for word in words:
        assert word in str(caught.value)
    assert "video" not in str(caught.value)


def test_pictures_have_no_sound_and_it_is_said(tmp_path: Path) -> None:
    info = probe(make_clip(tmp_path / "in.mov", "pcm_s16le"))
    assert "in.mov" in check_sound(OutputSpec.for_clip(info, info.whole, "png"), tmp_path / "out.%d.png")[0]


def test_sound_of_another_rate_is_converted_for_an_mxf_and_it_is_said(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mov", "pcm_s16le", rate=44100)
    said = restored(source, tmp_path / "out.mxf", size=(256, 128))
    assert ["48000 Hz" in sentence for sentence in said] == [True]
    assert abs(lag_of_chirp(heard(tmp_path / "out.mxf"), FLASH / FPS)) < SOUND_RATE // 1000
