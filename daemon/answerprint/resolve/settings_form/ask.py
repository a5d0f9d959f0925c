"""Ask for the settings of a restoration with the first dialog that works."""

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
    last: RestoreSettings,
    dialogs: Sequence[FormDialog],
    report: Callable[[str], None],
    project: str = "",
) -> RestoreSettings | None:
    """The chosen settings; None if the user cancels.

    models, method_options: as the daemon describes them. last: the last settings. They stay, and `report` gets a
    message, if no dialog can be shown. Invalid answers are asked again. Raises InputError if no model is ready, and
    what a dialog raises if Resolve has quit.
    """
    form = form_for(models, method_options, last, project)
    for dialog in dialogs:
        try:
            while True:
                answers = dialog.ask(form)
                if answers is None:
                    return None
                try:
                    return settings_from(form, answers, models, method_options, last)
                except InputError as error:
                    form = form.again(answers, form_wording(str(error)))
        except CannotAskError:
            continue
    report(
        f"The settings form cannot be shown. The last settings stay: {summary(last)}."
        " The form needs a display, and a Python 3 with tkinter."
    )
    return last


def summary(settings: RestoreSettings) -> str:
    """The main settings in words."""
    model = settings.settings.get("model")
    return ", ".join(
        [
            f"model {model}" if model else "default model",
            f"put back: {settings.put}",
            f"handles: {settings.handles} frames",
            f"folder: {settings.folder or 'Restored, next to the source'}",
        ]
    )
