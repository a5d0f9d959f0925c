"""Reading and writing of video files and image sequences; the only package that knows PyAV."""

from .output import check_output, output_files
from .probe import probe
from .reader import FrameReader, open_reader
from .sink import Hooks, Writer
from .timeline import OnRead, unheard
from .writer import open_writer

__all__ = [
    "FrameReader",
    "Hooks",
    "OnRead",
    "Writer",
    "check_output",
    "open_reader",
    "open_writer",
    "output_files",
    "probe",
    "unheard",
]
