"""`eval` and `bench` take what they use, and say what is wrong in two plain lines."""

from __future__ import annotations

import pytest

from answerprint.metrics import benchmark, evaluation


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["clips"], "The following arguments are required: CLIP."),
        (["clips", "a.mov", "--frames", "many"], "Argument --frames: invalid int value: 'many'."),
        (["table", "3", "a.mov"], "Argument number: invalid choice: '3'"),
        (["clips", "absent.mov", "--fra", "2"], "Unrecognized arguments: --fra 2."),
        *(
            (["degrade", "a.mov", "b.mkv", option, "1"], f"Unrecognized arguments: {option}")
            for option in ("--model", "--task", "--steps", "--sampler", "--device", "--out")
        ),
        (["degrade", "a.mov", "b.mkv", "--json"], "Unrecognized arguments: --json"),
        (["table", "2", "a.mov", "--sampler", "ddim"], "Unrecognized arguments: --sampler ddim"),
    ],
)
def test_what_eval_cannot_use_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluation.main(arguments) == 2
    message, remedy = capsys.readouterr().err.splitlines()
    assert message.startswith(f"answerprint: {said}")
    assert remedy.startswith("  See answerprint eval")
    assert remedy.endswith("--help.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["memory"], "The following arguments are required: CLIP."),
        (["speed"], "Argument command: invalid choice: 'speed'"),
        (["matching", "--frames", "3"], "Unrecognized arguments: --frames 3."),
        (["memory", "a.mov", "--repeat", "3"], "Unrecognized arguments: --repeat 3."),
    ],
)
def test_what_bench_cannot_use_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(arguments) == 2
    message, remedy = capsys.readouterr().err.splitlines()
    assert message.startswith(f"answerprint: {said}")
    assert remedy.startswith("  See answerprint bench")
