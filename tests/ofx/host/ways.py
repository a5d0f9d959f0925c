"""How hosts differ, as far as it is known: what they send, what they leave out, and how their images lie in memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FUSION", "NATRON", "NUKE", "RESOLVE", "STANDARD", "Ways"]


@dataclass(frozen=True, slots=True)
class Ways:
    """What one host does.

    source_extras: it tells path and frame of the source, and which images are thumbnails. skip: actions it never sends,
    as bits (1 region of definition, 2 regions of interest, 4 frames needed, 8 identity). general: the context General.
    half: images of 16 bits. padding: bytes after a row. origin: px, of the lower left corner of every image.
    without: suites, or SUITE/VERSION, that it lacks.
    """

    name: str
    source_extras: bool = False
    skip: int = 0
    general: bool = False
    half: bool = False
    negative_rows: bool = False
    padding: int = 0
    origin: tuple[int, int] = (0, 0)
    premultiplication: str = "OfxImageOpaque"
    field: str = "OfxFieldNone"
    overlays: bool = True
    temporal: bool = True
    minor_version: int = 5
    without: str = ""


STANDARD = Ways("strict host")
RESOLVE = Ways(
    "DaVinciResolve",
    source_extras=True,
    skip=1,
    overlays=False,
    premultiplication="OfxImageAlphaPremultiplied",
    without="OfxInteractSuite,OfxDrawSuite,OfxProgressSuite,OfxTimeLineSuite",
)
NUKE = Ways(
    "uk.co.thefoundry.nuke",
    general=True,
    premultiplication="OfxImageAlphaPremultiplied",
    padding=64,
    minor_version=2,
    overlays=False,
    without="OfxDrawSuite",
)
NATRON = Ways(
    "fr.inria.Natron",
    general=True,
    half=True,
    origin=(-3, 5),
    premultiplication="OfxImageAlphaUnPremultiplied",
    minor_version=3,
)
FUSION = Ways(
    "com.blackmagicdesign.Fusion",
    negative_rows=True,
    temporal=False,
    minor_version=4,
    overlays=False,
    without="OfxMessageSuite/2,OfxDrawSuite",
)
