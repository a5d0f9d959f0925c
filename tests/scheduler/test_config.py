"""The daemon's settings, its help and its log."""

from __future__ import annotations

import logging
import re
import stat
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from answerprint.cli import answerprintd
from answerprint.errors import InputError
from answerprint.scheduler.config import Config, load_config
from answerprint.scheduler.logfile import LOG_NAME, open_log


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert load_config(tmp_path / "none.toml", {}) == Config()


def test_sizes_and_spans_have_units_and_the_environment_comes_last(tmp_path: Path) -> None:
    text = 'keep_alive_seconds = "10m"\nmemory_cap_bytes = "8G"\nhang_seconds = 30\nscratch = "/fast/scratch"\n'
    config = load_config(write(tmp_path, text), {"ANSWERPRINT_MEMORY_CAP_BYTES": "1.5gb", "ANSWERPRINT_HOME": "/x"})
    assert (config.keep_alive_seconds, config.memory_cap_bytes, config.hang_seconds) == (600.0, 3 << 29, 30.0)
    assert config.scratch_folder == Path("/fast/scratch")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speed = 3", "line 1: unknown setting 'speed'"),
        ('keep_alive_seconds = "long"', "line 1: keep_alive_seconds must be a duration, not 'long'"),
        ("\n# a remark\nmemory_cap_bytes = -1", "line 3: memory_cap_bytes must be 0 or more, not -1"),
        ('memory_cap_bytes = "much"', "line 1: memory_cap_bytes must be a size, not 'much'"),
        ("threads = -1", "threads must be 0 or more"),
        ("history_jobs = 1.5", "history_jobs must be a whole number, not 1.5"),
        ("hang_seconds = 0", "hang_seconds must be above 0"),
        ("idle_worker_seconds = 0", "idle_worker_seconds must be above 0"),
        ("hang_seconds = nan", "hang_seconds must be a duration, not nan"),
        ("chunk_attempts = 0", "chunk_attempts must be 1 or more"),
        ("chunk_attempts = true", "chunk_attempts must be a whole number, not True"),
        ('on_failure = "panic"', "on_failure must be"),
        ('scratch = "here"', "scratch must be an absolute path"),
        ("scratch = 3", "scratch must be text, not 3"),
        ("threads = 2\n= what", "line 2, cannot be read (Invalid statement): '= what'"),
        ("threads = ", "line 1, cannot be read"),
        ('scratch = "/fast', "line 1, cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)) as refusal:
        load_config(write(tmp_path, text), {})
    assert refusal.value.message.startswith(f"{tmp_path / 'config.toml'}, line ")
    assert len(refusal.value.remedy) > 10


def test_a_mistake_in_the_environment_is_said_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ANSWERPRINT_THREADS in the environment: threads must be a whole number"):
        load_config(write(tmp_path, "threads = 2"), {"ANSWERPRINT_THREADS": "few"})


def test_a_file_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"threads = 2\n# caf\xe9\n")
    with pytest.raises(InputError, match="line 2, cannot be read: it is not UTF-8"):
        load_config(path, {})


def test_a_setting_that_is_nearly_one_is_told_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        load_config(write(tmp_path, "thread = 2"), {})
    assert "Did you mean threads?" in refusal.value.remedy


def test_the_settings_that_the_help_shows_are_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        answerprintd.main(["--help"])
    assert end.value.code == 0
    shown = re.findall(r"^  (\w+ = \S+)", capsys.readouterr().out, re.MULTILINE)
    assert len(shown) >= 3
    assert load_config(write(tmp_path, "\n".join(shown)), {}) != Config()


def test_every_setting_says_what_it_does() -> None:
    source = Path(load_config.__code__.co_filename).read_text()
    for field in fields(Config):
        assert re.search(rf'^    {field.name}: .*\n    """.+', source, re.MULTILINE), f"{field.name} is not described"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    logger = logging.getLogger("answerprint")
    before = list(logger.handlers), logger.level, logger.propagate
    open_log(tmp_path / "logs", most_bytes=4000, files=2)
    yield tmp_path / "logs" / LOG_NAME
    for handler in set(logger.handlers) - set(before[0]):
        handler.close()
        logger.removeHandler(handler)
    logger.setLevel(before[1])
    logger.propagate = before[2]


def test_every_line_of_the_log_names_a_job_and_a_chunk(log: Path) -> None:
    logger = logging.getLogger("answerprint.test")
    logger.info("begins")
    logger.info("done", extra={"job": "j", "chunk": 4})
    lines = log.read_text().splitlines()
    assert [line.partition(" answerprint.test ")[2] for line in lines] == ["job=- chunk=- begins", "job=j chunk=4 done"]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_the_log_does_not_grow_for_ever(log: Path) -> None:
    logger = logging.getLogger("answerprint.test")
    for number in range(500):
        logger.info("line %d", number)
    files = sorted(log.parent.iterdir())
    assert [file.name for file in files] == [LOG_NAME, f"{LOG_NAME}.1", f"{LOG_NAME}.2"]
    assert all(file.stat().st_size <= 4000 for file in files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
