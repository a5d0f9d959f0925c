"""What the user had before a render, on disk before anything is changed: a later session can put it back.

Everything of the user's as it was before a render, whatever ended it, and as often as need be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from answerprint.resolve.api import Folder, Project, Resolve, Timeline
from answerprint.resolve.deliver.order import Steering
from answerprint.resolve.errors import HangingError, NoAnswerError, NoResolveError, ResolveError
from answerprint.store.atomic import write_bytes

__all__ = [
    "PAGE",
    "UserState",
    "clear_up",
    "left_behind",
    "our_jobs",
    "read_user_state",
    "restore_user_state",
    "work_folder",
]

PAGE = "deliver"
"""Where renders are made."""

_FILE = "answerprint-render.json"
_PREFIX = "answerprint-render-"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class UserState:
    """Ids are Resolve's. work: the folder that only this render writes to; its name is in all that is ours.

    preset: name under which the user's render settings are kept meanwhile. scratch: name of our timeline.
    form, codec, mode: of the Deliver page.
    """

    work: str
    project: str
    project_name: str
    page: str
    timeline: str
    folder: str
    preset: str
    scratch: str
    form: str
    codec: str
    mode: int

    def write(self) -> None:
        """Keep it in the folder of the render. Raises OSError."""
        data = json.dumps({"version": _VERSION, **asdict(self)}, indent=1).encode()
        write_bytes(Path(self.work) / _FILE, data)

    def forget(self) -> None:
        """All is put back."""
        (Path(self.work) / _FILE).unlink(missing_ok=True)


def read_user_state(resolve: Resolve, project: Project, work: Path, token: str) -> UserState:
    """What is there now; changes nothing. Raises ResolveError."""
    pool = project.pool()
    form, codec = project.format_and_codec()
    return UserState(
        str(work),
        _said("GetUniqueId", project.id()),
        project.name(),
        _said("GetCurrentPage", resolve.page()),
        _said("GetUniqueId", project.timeline().id()),
        _said("GetUniqueId", Folder(pool.needed("GetCurrentFolder")).id()),
        f"Answerprint keeps {token}",
        f"Answerprint scratch {token}",
        _said("GetCurrentRenderFormatAndCodec", form),
        _said("GetCurrentRenderFormatAndCodec", codec),
        project.render_mode(),
    )


def _said(method: str, text: str) -> str:
    """What is not known now could not be put back. Raises NoAnswerError."""
    if not text:
        raise NoAnswerError(method)
    return text


def work_folder(folder: Path, token: str) -> Path:
    """A new folder for one render. Raises OSError."""
    work = folder / f"{_PREFIX}{token}"
    work.mkdir(parents=True)
    return work


def left_behind(folder: Path) -> Iterator[UserState]:
    """Renders below a folder after which not all was put back. Raises ResolveError for what cannot be read."""
    for file in sorted(folder.glob(f"{_PREFIX}*/{_FILE}")):
        try:
            said = json.loads(file.read_bytes())
            if said.pop("version") != _VERSION:
                raise ValueError("of another version")
            yield UserState(**said)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ResolveError(
                f"What {file} says of an earlier render cannot be read ({error}).",
                "Remove the file, and in Resolve the timelines and render presets that are called Answerprint.",
            ) from error


_RUNNING = "Rendering"


def clear_up(resolve: Resolve, folder: Path, steering: Steering | None = None, project: str = "") -> tuple[str, ...]:
    """Finish what renders into a folder could not put back because Resolve hung or went away.

    project: id of the only one to look after. Returns what is still left. Raises ResolveError when Resolve cannot be
    asked.
    """
    steering = steering or Steering()
    problems: list[str] = []
    for kept in left_behind(folder):
        if project in ("", kept.project):
            problems += restore_user_state(resolve, kept, steering, later=True)
    return tuple(problems)


def restore_user_state(resolve: Resolve, kept: UserState, steering: Steering, later: bool = False) -> list[str]:
    """Put all back, each step whether or not the one before it could be done, and return what could not.

    later: another session does it, in which the user has gone on: what they opened themselves stays open. Raises
    HangingError and NoResolveError: then nothing more can be done now, and the record stays.
    """
    project = resolve.project()
    if project.id() != kept.project:
        return [f"Open the project {kept.project_name}: a render of ours is to be cleared up there."]
    was_ours = _scratch_is_open(project, kept)
    settled = False

    def settings() -> bool:
        nonlocal settled
        settled = _load_settings(project, kept)
        return settled

    steps: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("A render of ours still runs.", lambda: _stop(project, kept, steering)),
        ("A job of ours is left in the render queue.", lambda: _delete_jobs(project, kept)),
        ("Your timeline is not open.", lambda: not was_ours or _open_timeline(project, kept)),
        ("Your render settings are not those you had.", settings),
        # Nothing else knows what the user had.
        (f"A render preset {kept.preset} is left.", lambda: settled and _delete_preset(project, kept)),
        (f"A timeline {kept.scratch} is left.", lambda: _delete_scratch(project, kept)),
        ("Your bin is not open.", lambda: (later and not was_ours) or _open_folder(project, kept)),
        ("Your page is not open.", lambda: (later and resolve.page() != PAGE) or _open_page(resolve, kept)),
    )
    problems = [what for what, step in steps if not _done(step)]
    if not problems:
        kept.forget()
    return problems


def our_jobs(project: Project, kept: UserState) -> list[str]:
    """Ids of the jobs that write into our folder."""
    return [
        each["JobId"] for each in project.render_jobs() if each.get("JobId") and _same(each.get("TargetDir", ""), kept)
    ]


def _done(step: Callable[[], bool]) -> bool:
    try:
        return step()
    except (HangingError, NoResolveError):
        raise
    except ResolveError:
        return False


def _same(folder: str, kept: UserState) -> bool:
    return Path(folder) == Path(kept.work)


def _stop(project: Project, kept: UserState, steering: Steering) -> bool:
    """Only a render of ours is ever stopped; it takes a while."""
    ours = our_jobs(project, kept)
    end = steering.clock() + steering.stop_seconds
    asked = False
    while any(project.render_status(each).get("JobStatus") == _RUNNING for each in ours):
        if not project.rendering():
            return True  # what a crash leaves
        if not asked:
            project.stop_rendering()
            asked = True
        if steering.clock() > end:
            return False
        steering.wait(steering.poll_seconds)
    return True


def _delete_jobs(project: Project, kept: UserState) -> bool:
    for each in our_jobs(project, kept):
        project.delete_render_job(each)
    return not our_jobs(project, kept)


def _scratch_is_open(project: Project, kept: UserState) -> bool:
    try:
        return project.timeline().name() == kept.scratch
    except (HangingError, NoResolveError):
        raise
    except ResolveError:
        return True  # none is open


def _open_timeline(project: Project, kept: UserState) -> bool:
    for each in project.timelines():
        if each.id() == kept.timeline:
            return project.open_timeline(each) and project.timeline().id() == kept.timeline
    return True  # it is gone, which was not us


def _load_settings(project: Project, kept: UserState) -> bool:
    if kept.preset not in _presets(project):
        return True  # nothing was changed yet, or all is back
    loaded = project.load_preset(kept.preset)
    if project.format_and_codec() != (kept.form, kept.codec):
        project.set_format_and_codec(kept.form, kept.codec)
    if project.render_mode() != kept.mode:
        project.set_render_mode(kept.mode)
    return loaded and (*project.format_and_codec(), project.render_mode()) == (kept.form, kept.codec, kept.mode)


def _delete_preset(project: Project, kept: UserState) -> bool:
    if kept.preset in _presets(project):
        project.delete_preset(kept.preset)
    return kept.preset not in _presets(project)


def _presets(project: Project) -> list[str]:
    names = project.presets()
    if not names:  # every Resolve brings some
        raise NoAnswerError("GetRenderPresetList")
    return names


def _delete_scratch(project: Project, kept: UserState) -> bool:
    ours = _scratches(project, kept)
    return not ours or (project.pool().delete_timelines(ours) and not _scratches(project, kept))


def _scratches(project: Project, kept: UserState) -> list[Timeline]:
    found = project.timelines()
    if len(found) < project.whole("GetTimelineCount"):
        raise NoAnswerError("GetTimelineByIndex")
    names = [each.name() for each in found]
    if not all(names):
        raise NoAnswerError("GetName")
    return [each for each, name in zip(found, names, strict=True) if name == kept.scratch]


def _open_folder(project: Project, kept: UserState) -> bool:
    pool = project.pool()
    now = pool.folder()
    if now is not None and now.id() == kept.folder:
        return True
    found = next((each for each in pool.root().walk() if each.id() == kept.folder), None)
    return found is None or pool.open_folder(found)


def _open_page(resolve: Resolve, kept: UserState) -> bool:
    return resolve.page() == kept.page or resolve.open_page(kept.page)
