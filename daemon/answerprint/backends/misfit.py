"""How the tensors of a file differ from those that a network has, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["misfit"]

_Shapes = Mapping[str, Sequence[int]]


def misfit(wanted: _Shapes, found: _Shapes) -> str:
    """What is wrong with tensors of these shapes, by name; the empty text where they are those that are wanted.

    Of each kind of fault one tensor is named, the first in the order of the network, and the others are counted.
    """
    odd = [name for name in wanted if name in found and tuple(found[name]) != tuple(wanted[name])]
    faults = [
        _told((name for name in wanted if name not in found), "missing"),
        _told((name for name in found if name not in wanted), "unknown"),
        _told(odd, "of another shape"),
    ]
    if not any(faults):
        return ""
    if odd:
        faults[-1] += f" is {_sides(found[odd[0]])} and should be {_sides(wanted[odd[0]])}"
    return f"it has {len(found)} tensors and needs {len(wanted)}; " + "; ".join(filter(None, faults))


def _told(names: Iterable[str], fault: str) -> str:
    """How many there are, and the first of them."""
    some = list(names)
    return f"{len(some)} {fault}: {some[0]}" if some else ""


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"
