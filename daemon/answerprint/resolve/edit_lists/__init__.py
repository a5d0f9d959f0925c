"""Lists of cuts (EDL, OpenTimelineIO) as jobs, for those who are not in Resolve or have its free edition.

Reading gives one entry for each picture on the timeline, or the reason why it cannot be restored. Writing gives the
same list with the restored files in it, which Resolve takes with File > Import > Timeline.
"""

from answerprint.resolve.edit_lists.model import EditList, ListEntry, Master, Probe, masters
from answerprint.resolve.edit_lists.otio_conform import steady_speeds
from answerprint.resolve.edit_lists.read_write import RestoredMedia, read_list, write_list

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
