"""Reads and writes video files and image sequences; the only package that uses PyAV and OpenImageIO."""

from answerprint.media.find_fields import find_fields, found_fields, remember_fields
from answerprint.media.output import check_output, output_files
from answerprint.media.probe import probe
from answerprint.media.reader import FrameReader, open_reader
from answerprint.media.sink import Hooks, Writer
from answerprint.media.timeline import OnRead, no_progress
from answerprint.media.writer import open_writer

__all__ = [
    "FrameReader",
    "Hooks",
    "OnRead",
    "Writer",
    "check_output",
    "find_fields",
    "found_fields",
    "no_progress",
    "open_reader",
    "open_writer",
    "output_files",
    "probe",
    "remember_fields",
]
