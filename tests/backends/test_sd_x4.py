"""sd_x4: what its options say to the network, how prompts guide, and that every weight counts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from answerprint.backends import kl
from answerprint.backends.sd_x4.adapter import SdX4Backend
from answerprint.errors import InputError
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.temporal.protocols import AttentionOps, Correspondence, TokenLayer, Window
from answerprint.temporal.stopwatch import Stopwatch
from answerprint.temporal.tokens import TokenMerger
from backends.builders import low_frames
from backends.builders_sd_x4 import small_sd_x4
from backends.contract import latent_noise, restore
from backends.influence import without_influence
from backends.report_equality import PROMPTED, SEED


@pytest.mark.parametrize(
    "change", [{"prompt": "dog"}, {"negative_prompt": "cat"}, {"guidance": "6"}, {"noise_level": "9"}]
)
def test_every_option_counts(change: dict[str, str]) -> None:
    backend, low = small_sd_x4(), low_frames(1, 8, 8)
    results = []
    for options in (PROMPTED, PROMPTED | change):
        backend.configure(steps=3, sampler="ddim", options=options)
        condition = backend.condition(low)
        results.append(backend.predict(latent_noise(condition), 500, condition))
    assert (results[0] - results[1]).abs().max() > 1e-3


def test_prompts_that_are_alike_cost_no_second_run() -> None:
    backend = small_sd_x4()
    assert runs(backend, {}) == runs(backend, {"prompt": "cat", "guidance": "1"}) == [1, 1, 1, 1]
    assert runs(backend, {"prompt": "cat"}) == [2, 2, 2, 2]


@pytest.mark.parametrize(("stop", "guided"), [("0", 0), ("0.1", 1), ("0.5", 2), ("0.51", 3), ("1", 4)])
def test_guidance_stops_after_its_share_of_the_steps(stop: str, guided: int) -> None:
    found = runs(small_sd_x4(), {"prompt": "cat", "guidance_stop": stop})
    assert found == [2] * guided + [1] * (4 - guided)


def runs(backend: SdX4Backend, options: dict[str, str]) -> list[int]:
    """How many groups the network saw at each of four steps."""
    backend.configure(steps=4, sampler="ddim", options=options)
    seen: list[int] = []

    def count(layer: TokenLayer, tokens: Tensor, ops: AttentionOps) -> Tensor | None:
        if layer == backend.layers[0]:
            seen.append(len(tokens))
        return None

    condition = backend.condition(low_frames(1, 8, 8))
    x = latent_noise(condition)
    backend.set_hook(count)
    for timestep in backend.schedule().timesteps:
        backend.predict(x, timestep, condition)
    backend.set_hook(None)
    return seen


@pytest.mark.parametrize(
    "options",
    [
        {"guidance": "0.5"},
        {"guidance": "nan"},
        {"guidance_stop": "1.1"},
        {"noise_level": "351"},
        {"noise_level": "-1"},
        {"noise_level": "20.5"},
        {"prompts": "cat"},
    ],
    ids=str,
)
def test_wrong_options_leave_the_old_ones(options: dict[str, str]) -> None:
    backend, low = small_sd_x4(), low_frames(1, 8, 8)
    backend.configure(steps=3, sampler="ddim", options=PROMPTED)
    condition = backend.condition(low)
    x = latent_noise(condition)
    before = backend.predict(x, 500, condition)
    with pytest.raises(InputError) as caught:
        backend.configure(steps=3, sampler="ddim", options=options)
    assert caught.value.remedy
    assert torch.equal(before, backend.predict(x, 500, backend.condition(low)))


def test_noise_of_the_source_is_one_for_all_frames_and_clips() -> None:
    backend = small_sd_x4()
    one, two = backend.condition(low_frames(3, 12, 20)), backend.condition(low_frames(1, 12, 20, seed=5))
    assert torch.equal(one.grain, two.grain.expand_as(one.grain))
    assert abs(float(one.grain.std()) - 1) < 0.1
    difference = one.noised - one.low
    assert 0 < difference.abs().mean() < 0.1


def test_window_sees_the_noise_of_its_place() -> None:
    condition = small_sd_x4().condition(low_frames(1, 24, 24))
    cropped = condition.crop(Window(4, 8, 8, 12))
    assert torch.equal(cropped.noised, condition.noised[:, :, 4:12, 8:20])


def test_both_prompts_are_merged_by_the_same_pairs() -> None:
    """One guided run with merging gives what a run for each prompt, merged by the same flow, gives."""
    backend, frames = small_sd_x4(), 3
    condition = backend.condition(low_frames(frames, 16, 24))
    x = latent_noise(condition)
    aside = Correspondence(torch.full((2, 16, 24), 4.0), torch.ones(16, 24), torch.rand(16, 24))
    method = MethodOptions(merge_max_scale=4, merge_ratio=0.7)

    def merged(prompt: str, negative_prompt: str, guidance: str) -> Tensor:
        options = {"prompt": prompt, "negative_prompt": negative_prompt, "guidance": guidance}
        backend.configure(steps=4, sampler="ddim", options=options)
        merger = TokenMerger(method, 4, frames, 1, [aside, None, aside], condition.content, Stopwatch())
        merger.begin(0, Window(0, 0, 16, 24))
        backend.set_hook(merger)
        out = backend.predict(x, 500, condition)
        backend.set_hook(None)
        return out

    u, c = merged("dog!", "dog!", "1"), merged("a red cat", "a red cat", "1")
    guided = merged("a red cat", "dog!", "4")
    assert (guided - (u + 4 * (c - u))).abs().max() <= 1e-5
    alone = backend.predict(x, 500, condition)
    assert (guided - alone).abs().max() > 1e-3, "nothing was merged"


def test_large_latents_are_decoded_in_windows_that_blend(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = small_sd_x4()
    condition = backend.condition(low_frames(2, 40, 24))
    latent = latent_noise(condition)
    whole = backend.decode(latent, condition)
    monkeypatch.setattr(kl, "_WINDOW_CELLS", 24)
    monkeypatch.setattr(kl, "_OVERLAP_CELLS", 8)
    blended = backend.decode(latent, condition)
    assert blended.shape == whole.shape
    assert not torch.equal(blended, whole)
    # What windows differ in is the mean and deviation that the decoder's normalisation takes of them.
    assert (blended - whole).abs().mean() <= 0.1 * whole.std()


def test_every_weight_of_the_network_counts() -> None:
    backend = small_sd_x4()
    condition = backend.condition(low_frames(1, 8, 8))
    x = latent_noise(condition)
    assert without_influence(backend._network, lambda: backend.predict(x, 500, condition)) == set()


def test_every_weight_of_the_decoder_counts() -> None:
    backend = small_sd_x4()
    condition = backend.condition(low_frames(1, 4, 4))
    x = latent_noise(condition)
    idle = without_influence(backend._codec, lambda: backend.decode(x, condition))
    # Pictures are decoded only, so nothing of the encoder counts.
    unused = {n for n, _ in backend._codec.named_parameters() if n.startswith(("encoder.", "quant_conv."))}
    # Softmax ignores what is added to all keys alike.
    assert idle - unused == {"decoder.mid_block.attentions.0.to_k.bias"}
    assert unused <= idle


def test_levels_with_cross_attention_alone_give_no_layers() -> None:
    layers = small_sd_x4().layers
    assert [(layer.block, layer.scale) for layer in layers] == [("down", 4), ("mid", 4), ("up", 4), ("up", 4)]


def test_result_can_be_enlarged_once_more() -> None:
    """How the paper comes to 8 and 16 times."""
    backend, low = small_sd_x4(), low_frames(1, 5, 7)
    backend.configure(steps=2, sampler="ddim", options={})
    for _ in range(2):
        condition = backend.condition(low)
        low = backend.decode(restore(backend, low, SEED, per_frame(MethodOptions())), condition).clamp(0, 1)
    assert low.shape == (1, 3, 80, 112) and low.std() > 0.05
