"""Edit lists (EDL, OpenTimelineIO), for editors who do not use Resolve, or use its free edition.

Reading gives one entry for each clip on the timeline, or the reason why it cannot be restored. Writing gives the same
list with the restored files in it; Resolve imports it with File > Import > Timeline.

model.py         what a list holds, and which frames of each file to restore
read_write.py    read and write a list of any kind
media_search.py  find the files that a list names
edl.py, edl_conform.py, edl_write.py      EDL: parse, conform to files, write
otio.py, otio_conform.py, otio_write.py   OTIO: parse, conform to files, write
"""

from answerprint.resolve.edit_lists.model import EditList, EditListProbe, ListEntry, Master, masters
from answerprint.resolve.edit_lists.otio_conform import steady_speeds
from answerprint.resolve.edit_lists.read_write import RestoredMedia, read_list, write_list

__all__ = [
    "EditList",
    "EditListProbe",
    "ListEntry",
    "Master",
    "RestoredMedia",
    "masters",
    "read_list",
    "steady_speeds",
    "write_list",
]
