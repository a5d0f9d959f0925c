"""Ask for the settings of a restoration, in whatever way there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from answerprint.errors import InputError
from answerprint.option import Option
from answerprint.resolve.restore.settings import RestoreSettings
from answerprint.resolve.settings_form.answers import settings_from
from answerprint.resolve.settings_form.build import form_for
from answerprint.resolve.settings_form.form import CannotAskError
from answerprint.resolve.settings_form.show import FormDialog
from answerprint.resolve.settings_form.wording import form_wording
from answerprint.rpc.convert_info import ModelForm

__all__ = ["ask_settings", "summary"]


def ask_settings(
    models: Sequence[ModelForm],
    method_options: Sequence[Option],
    wishes: RestoreSettings,
    ways: Sequence[FormDialog],
    say: Callable[[str], None],
    project: str = "",
) -> RestoreSettings | None:
    """What a person wishes, None when they cancelled.

    models, method_options: as a daemon describes them. wishes: of the last time; they hold, and `say` is told so, where
    no way can show a form. Answers that cannot be meant are asked for again. Raises InputError when no model is ready,
    and what a way raises when Resolve is gone.
    """
    form = form_for(models, method_options, wishes, project)
    for way in ways:
        try:
            while True:
                answers = way.ask(form)
                if answers is None:
                    return None
                try:
                    return settings_from(form, answers, models, method_options, wishes)
                except InputError as error:
                    form = form.again(answers, form_wording(str(error)))
        except CannotAskError:
            continue
    say(
        f"There is no way to ask here; the last settings hold: {summary(wishes)}."
        " A window needs a display, and a Python 3 with tkinter."
    )
    return wishes


def summary(wishes: RestoreSettings) -> str:
    """The wishes that matter most, in words."""
    model = wishes.settings.get("model")
    return ", ".join(
        [
            f"model {model}" if model else "the usual model",
            f"put back: {wishes.put}",
            f"handles: {wishes.handles} frames",
            f"folder: {wishes.folder or 'Restored, beside the source'}",
        ]
    )
