"""`eval` and `bench` take what they use, and say what is wrong in two plain lines."""

from __future__ import annotations

import pytest

from answerprint.metrics import benchmark, evaluation


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["clips"], "CLIP is missing."),
        (["clips", "a.mov", "--frames", "many"], "--frames cannot be 'many'."),
        (["table", "3", "a.mov"], "number cannot be '3'."),
        (["clips", "absent.mov", "--fra", "2"], "answerprint eval clips has no option --fra."),
        *(
            (["degrade", "a.mov", "b.mkv", option, "1"], f"answerprint eval degrade has no option {option}.")
            for option in ("--model", "--task", "--steps", "--sampler", "--device", "--out")
        ),
        (["degrade", "a.mov", "b.mkv", "--json"], "answerprint eval degrade has no option --json."),
        (["table", "2", "a.mov", "--sampler", "ddim"], "answerprint eval table has no option --sampler."),
    ],
)
def test_what_eval_cannot_use_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluation.main(arguments) == 2
    message, remedy = capsys.readouterr().err.splitlines()
    assert message.startswith(f"answerprint: {said}")
    assert remedy.startswith(("  See answerprint eval", "  Did you mean --", "  Give "))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["memory"], "CLIP is missing."),
        (["speed"], "command cannot be 'speed'."),
        (["matching", "--frames", "3"], "answerprint bench matching has no option --frames."),
        (["memory", "a.mov", "--repeat", "3"], "answerprint bench memory has no option --repeat."),
    ],
)
def test_what_bench_cannot_use_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(arguments) == 2
    message, remedy = capsys.readouterr().err.splitlines()
    assert message.startswith(f"answerprint: {said}")
    assert remedy.startswith(("  See answerprint bench", "  Did you mean --", "  Give "))
