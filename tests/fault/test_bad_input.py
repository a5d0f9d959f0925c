"""Sources that are cut short, hostile, or changed behind the daemon's back."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from answerprint.errors import AnswerprintError
from fault.conftest import Truth
from fault.daemon import DaemonProcess
from fault.material import decode, litter, new_job, small
from fault.promise import Watch
from media.makers import make_movie, png_bytes
from media.test_refusals import opened_files

PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{canary}\n#EXT-X-ENDLIST\n",
    "list.mov": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{canary}\n#EXT-X-ENDLIST\n",
    "list.mp4": "ffconcat version 1.0\nfile '{canary}'\n",
    "list.mkv": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
    "list.mpd": "<?xml version='1.0'?><MPD><Period><BaseURL>{canary}</BaseURL></Period></MPD>",
}
NO_FILES = ("http://127.0.0.1:9/a.mp4", "concat:/etc/passwd|/etc/hosts", "subfile,,start,0,end,9,,:/etc/passwd", "-")


def test_what_is_no_file_of_this_machine_is_refused_when_it_is_submitted(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.start().client() as client:
        for text in (*NO_FILES, "/dev/zero", str(tmp_path), str(tmp_path / "no.mov"), "../clip.mov"):
            request = small(Path("/x"), tmp_path / "out.mov").to_json() | {"input": text}
            job = new_job(small(Path("/x"), tmp_path / "out.mov"))
            with pytest.raises(AnswerprintError) as refused:
                client.submit(type(job)(job.id, job.kind, request))
            assert refused.value.exit_code == 2, (text, refused.value)
            assert "\n" not in refused.value.message
        assert client.list().total == 0


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_playlists_are_refused_and_no_other_file_is_opened(daemon: DaemonProcess, tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    canary = make_movie(media / "canary.mp4")
    with daemon.start().client() as client:
        with opened_files(media) as opened:
            for name, text in PLAYLISTS.items():
                (tmp_path / name).write_text(text.format(canary=canary))
                request = small(tmp_path / name, tmp_path / "out.mov")
                with pytest.raises(AnswerprintError) as refused:
                    client.submit(new_job(request))
                assert refused.value.code == "bad_media", refused.value
                assert refused.value.remedy
        assert opened == set()
        assert client.list().total == 0


def test_a_picture_of_absurd_size_is_refused_without_taking_memory(daemon: DaemonProcess, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"a.{number:04}.png").write_bytes(png_bytes(60000, 60000, 8, bytes(100)))
    with daemon.start().client() as client:
        request = small(tmp_path / "a.%04d.png", tmp_path / "out.mov")
        with pytest.raises(AnswerprintError) as refused:
            client.submit(new_job(request))
        assert refused.value.code == "bad_media"
        (child,) = daemon.children("media")  # it lives: what is refused is not what ends a child
        peak = next(line for line in Path(f"/proc/{child}/status").read_text().splitlines() if "VmHWM" in line)
        assert int(peak.split()[1]) < 400_000, peak


@pytest.mark.fault
@pytest.mark.parametrize("share", [0.4, 0.6, 0.9])
def test_a_source_that_ends_early_keeps_its_chunks_and_is_never_done(
    share: float, daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    source = tmp_path / "source.mkv"
    whole = (clips / "pan.mkv").read_bytes()
    source.write_bytes(whole[: int(len(whole) * share)])
    request = small(source, tmp_path / "out.mkv", codec="ffv1")
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(request))[0].id)
        problem = watch.until("failed")["problem"]
        assert problem["code"] == "truncated", problem
        assert "of 14 frames" in problem["message"], problem
        assert "done" not in watch.kinds()
        assert not (tmp_path / "out.mkv").exists()
        assert not daemon.verify().errors
        frames = sum(chunk.stop - chunk.first for chunk in watch.chunks())
        assert frames == client.get(watch.job).frames_done
        assert frames > 0

        shutil.copy(clips / "pan.mkv", source)
        client.retry(watch.job)
        watch.again()
        watch.until("done")
    assert decode(request.output) == truth.pan
    assert not litter(daemon.home, tmp_path)


@pytest.mark.fault
def test_a_source_that_changes_meanwhile_is_restored_anew_as_a_whole(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    source = tmp_path / "source.mkv"
    make_movie(source, 14, codec="ffv1")
    request = small(source, tmp_path / "out.mkv", codec="ffv1", range="0:14")
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(request))[0].id)
        watch.until("chunk", 2)
        client.pause(watch.job)
        watch.until("paused")
        shutil.copy(clips / "pan.mkv", source)
        client.resume(watch.job)
        watch.until("done")
    assert any("changed" in event["message"] for event in watch.of("warning"))
    assert decode(request.output) == truth.pan


@pytest.mark.fault
def test_an_output_that_somebody_else_makes_meanwhile_is_not_replaced(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    request = small(clips / "pan.mkv", tmp_path / "out.mkv", codec="ffv1")
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(request))[0].id)
        watch.until("chunk", 1)
        (tmp_path / "out.mkv").write_text("mine")
        problem = watch.until("failed")["problem"]
        assert problem["code"] == "bad_output", problem
        assert (tmp_path / "out.mkv").read_text() == "mine"
        computed = len(watch.chunks())

        (tmp_path / "out.mkv").unlink()
        client.retry(watch.job)
        watch.again()
        watch.until("done")
    assert len(watch.chunks()) == computed, "finished chunks were computed again"
    assert decode(request.output) == truth.pan
    assert not litter(daemon.home, tmp_path)


@pytest.mark.fault
def test_an_output_folder_that_is_gone_fails_the_job_and_a_retry_writes_it(
    daemon: DaemonProcess, clips: Path, tmp_path: Path, truth: Truth
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    request = small(clips / "pan.mkv", folder / "out.mkv", codec="ffv1")
    with daemon.start().client() as client:
        watch = Watch(daemon, client.submit(new_job(request))[0].id)
        watch.until("chunk", 1)
        folder.rmdir()
        problem = watch.until("failed")["problem"]
        assert problem["exit_code"] in (2, 4)
        assert str(folder) in problem["message"]
        folder.mkdir()
        client.retry(watch.job)
        watch.again()
        watch.until("done")
    assert decode(request.output) == truth.pan
