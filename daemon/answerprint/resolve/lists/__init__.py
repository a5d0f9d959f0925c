"""Lists of cuts (EDL, OpenTimelineIO) as jobs, for those who are not in Resolve or have its free edition.

Reading gives one entry for each picture on the timeline, or the reason why it cannot be restored. Writing gives the
same list with the restored files in it, which Resolve takes with File > Import > Timeline.
"""

from .entries import EditList, ListEntry, Probe
from .masters import Master, masters
from .otio_reading import steady_speeds
from .reading import read_list
from .writing import RestoredMedia, write_list

__all__ = [
    "EditList",
    "ListEntry",
    "Master",
    "Probe",
    "RestoredMedia",
    "masters",
    "read_list",
    "steady_speeds",
    "write_list",
]
