"""Save the user's state in Resolve before a render, and restore it afterwards.

The state is on disk before anything is changed, so that a later session can restore it after a crash. Restoring it is
idempotent.
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
"""The page on which renders run."""

_FILE = "answerprint-render.json"
_PREFIX = "answerprint-render-"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class UserState:
    """What the user had open and set. Ids are Resolve's. work: the folder of this render, whose jobs name it.

    preset: the preset that holds the user's render settings meanwhile. scratch: the name of our timeline. form, codec,
    mode: of the Deliver page.
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
        """Save it in the folder of the render. Raises OSError."""
        data = json.dumps({"version": _VERSION, **asdict(self)}, indent=1).encode()
        write_bytes(Path(self.work) / _FILE, data)

    def forget(self) -> None:
        """Delete it: all is restored."""
        (Path(self.work) / _FILE).unlink(missing_ok=True)


def read_user_state(resolve: Resolve, project: Project, work: Path, token: str) -> UserState:
    """Read the user's state; changes nothing. Raises ResolveError."""
    pool = project.pool()
    form, codec = project.format_and_codec()
    return UserState(
        str(work),
        _required("GetUniqueId", project.id()),
        project.name(),
        _required("GetCurrentPage", resolve.page()),
        _required("GetUniqueId", project.timeline().id()),
        _required("GetUniqueId", Folder(pool.needed("GetCurrentFolder")).id()),
        f"Answerprint keeps {token}",
        f"Answerprint scratch {token}",
        _required("GetCurrentRenderFormatAndCodec", form),
        _required("GetCurrentRenderFormatAndCodec", codec),
        project.render_mode(),
    )


def _required(method: str, text: str) -> str:
    """The text: without it the state could not be restored. Raises NoAnswerError if it is ""."""
    if not text:
        raise NoAnswerError(method)
    return text


def work_folder(folder: Path, token: str) -> Path:
    """Create the folder of one render. Raises OSError."""
    work = folder / f"{_PREFIX}{token}"
    work.mkdir(parents=True)
    return work


def left_behind(folder: Path) -> Iterator[UserState]:
    """The saved states of renders in a folder that were not restored completely. Raises ResolveError for a bad file."""
    for file in sorted(folder.glob(f"{_PREFIX}*/{_FILE}")):
        try:
            fields = json.loads(file.read_bytes())
            if fields.pop("version") != _VERSION:
                raise ValueError("of another version")
            yield UserState(**fields)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ResolveError(
                f"The saved state of an earlier render in {file} is not readable ({error}).",
                "Delete the file, and in Resolve the timelines and render presets whose names begin with Answerprint.",
            ) from error


_RUNNING = "Rendering"


def clear_up(resolve: Resolve, folder: Path, steering: Steering | None = None, project: str = "") -> tuple[str, ...]:
    """Restore the user's state after renders in a folder that could not do so because Resolve hung or quit.

    project: id of the only project to restore, "" for all. Returns what is still left, in words. Raises ResolveError if
    Resolve does not answer.
    """
    steering = steering or Steering()
    problems: list[str] = []
    for kept in left_behind(folder):
        if project in ("", kept.project):
            problems += restore_user_state(resolve, kept, steering, later=True)
    return tuple(problems)


def restore_user_state(resolve: Resolve, kept: UserState, steering: Steering, later: bool = False) -> list[str]:
    """Restore the user's state; a failed step does not stop the next ones. Returns what could not be restored, in
    words.

    later: called in a later session, in which the user went on working: what they opened since stays open. Raises
    HangingError and NoResolveError: then the saved state stays on disk.
    """
    project = resolve.project()
    if project.id() != kept.project:
        return [f"Open the project {kept.project_name}: an earlier render has to be cleaned up there."]
    was_ours = _scratch_is_open(project, kept)
    settings_restored = False

    def settings() -> bool:
        nonlocal settings_restored
        settings_restored = _load_settings(project, kept)
        return settings_restored

    steps: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("Answerprint's render is still running.", lambda: _stop(project, kept, steering)),
        ("Answerprint's job is still in the render queue.", lambda: _delete_jobs(project, kept)),
        ("Your timeline could not be reopened.", lambda: not was_ours or _open_timeline(project, kept)),
        ("Your render settings could not be restored.", settings),
        # The preset is the only record of the user's render settings.
        (f"The render preset {kept.preset} is left.", lambda: settings_restored and _delete_preset(project, kept)),
        (f"The timeline {kept.scratch} is left.", lambda: _delete_scratch(project, kept)),
        ("Your bin could not be reopened.", lambda: (later and not was_ours) or _open_folder(project, kept)),
        ("Your page could not be reopened.", lambda: (later and resolve.page() != PAGE) or _open_page(resolve, kept)),
    )
    problems = [problem for problem, step in steps if not _succeeds(step)]
    if not problems:
        kept.forget()
    return problems


def our_jobs(project: Project, kept: UserState) -> list[str]:
    """Ids of the render jobs that write into the folder of this render."""
    return [
        each["JobId"] for each in project.render_jobs() if each.get("JobId") and _same(each.get("TargetDir", ""), kept)
    ]


def _succeeds(step: Callable[[], bool]) -> bool:
    try:
        return step()
    except (HangingError, NoResolveError):
        raise
    except ResolveError:
        return False


def _same(folder: str, kept: UserState) -> bool:
    return Path(folder) == Path(kept.work)


def _stop(project: Project, kept: UserState, steering: Steering) -> bool:
    """Stop our own render, and no other, and wait until it has stopped."""
    ours = our_jobs(project, kept)
    end = steering.clock() + steering.stop_seconds
    stop_sent = False
    while any(project.render_status(each).get("JobStatus") == _RUNNING for each in ours):
        if not project.rendering():
            return True  # a status left by a crash
        if not stop_sent:
            project.stop_rendering()
            stop_sent = True
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
    return True  # the user deleted it


def _load_settings(project: Project, kept: UserState) -> bool:
    if kept.preset not in _presets(project):
        return True  # nothing was changed yet, or all is restored
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
    if not names:  # every Resolve has some
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
