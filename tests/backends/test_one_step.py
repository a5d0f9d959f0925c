"""One step from the encoded picture to the restored one, by the equation that it was trained with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler
from torch import Tensor

from answerprint.backends.colour import fix_colour
from answerprint.backends.load import load
from answerprint.backends.sd_one_step.adapter import SdOneStepBackend
from answerprint.errors import InputError
from answerprint.temporal.options import MethodOptions, per_frame
from backends.builders import CPU, low_frames
from backends.builders_one_step import SCHEDULER, small_one_step, small_parts, write_one_step
from backends.builders_text import small_text
from backends.contract import restore
from backends.influence import without_influence

LOW = low_frames(2, 16, 24)
_HALVES = ("encoder", "decoder")


def _restored(backend: SdOneStepBackend, low: Tensor = LOW) -> Tensor:
    condition = backend.condition(low)
    return backend.decode(restore(backend, low, 0, per_frame(MethodOptions())), condition)


def test_result_is_that_of_the_published_equation() -> None:
    """OSEDiff, Eq. 6, by diffusers' own scheduler and modules, on a size that needs no padding."""
    backend = small_one_step()
    backend.configure(steps=1, sampler="one-step", options={"prompt": "cat dog"})
    (unet, codec), text = small_parts(), small_text().encode(["cat dog"], CPU)
    picture = F.interpolate(LOW, scale_factor=4, mode="bicubic").clamp(0, 1)
    with torch.no_grad():
        z = codec.encode(picture * 2 - 1).latent_dist.mode() * 0.18215
        eps = unet(z, 999, encoder_hidden_states=text.expand(2, -1, -1)).sample
        x0 = DDPMScheduler.from_config(SCHEDULER, clip_sample=False).step(eps, 999, z).pred_original_sample
        drawn = codec.decode(x0 / 0.18215).sample / 2 + 0.5
    wanted = fix_colour(drawn, picture)
    assert (_restored(backend) - wanted).abs().max() <= 1e-4 * max(1.0, float(wanted.abs().max()))


def test_every_weight_counts() -> None:
    backend, low = small_one_step(), low_frames(1, 8, 16)
    silent = {
        f"{part}.{name}"
        for part, module in (("unet", backend._network), ("vae", backend._vae))
        for name in without_influence(module, lambda: _restored(backend, low))
    }
    # Softmax ignores what is added to all keys alike, and what is added to the whole picture is a colour.
    idle = {"vae.decoder.conv_out.bias", *(f"vae.{part}.mid_block.attentions.0.to_k.bias" for part in _HALVES)}
    assert silent == idle


def test_the_prompt_counts_and_nothing_else_can_be_set() -> None:
    backend = small_one_step()
    plain = _restored(backend)
    backend.configure(steps=1, sampler="one-step", options={"prompt": "red dog"})
    assert not torch.equal(_restored(backend), plain)
    for steps, sampler, options in ((2, "one-step", {}), (1, "ddim", {}), (1, "one-step", {"eta": "0"})):
        with pytest.raises(InputError) as caught:
            backend.configure(steps=steps, sampler=sampler, options=options)
        assert caught.value.remedy


def test_a_folder_is_loaded_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWERPRINT_HOME", str(tmp_path))
    write_one_step(tmp_path / "models" / "quick-x4")
    loaded = load("quick-x4", CPU)
    assert isinstance(loaded, SdOneStepBackend)
    assert torch.equal(_restored(loaded), _restored(small_one_step()))
