"""What the method and the worker rely on in every model: one test class, run on each."""

from __future__ import annotations

import logging

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from answerprint.backends.base import Backend
from answerprint.backends.depth import DepthBackend
from answerprint.errors import InputError
from answerprint.temporal.chunks import Chunk
from answerprint.temporal.noise import base_noise
from answerprint.temporal.options import MethodOptions, per_frame
from answerprint.temporal.protocols import AttentionOps, Condition, Correspondence, TokenLayer, Window
from answerprint.temporal.sampler import START, ChunkMotion, denoise_chunk
from answerprint.temporal.stopwatch import Stopwatch
from backends.builders import CPU, low_frames

WITHOUT_ATTENTION = frozenset({"generator", "identity"})
"""Families of convolutions at most, which draw from the frames at once: they have no latent to start with."""

MIXED = 500
"""A timestep in the middle, where latent and noise both count."""

FEW_EXAMPLES = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def latent_noise(condition: Condition, seed: int = 0) -> Tensor:
    """Standard normal latents for `condition`."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(condition.frames, *condition.latent_shape, generator=generator)


class Recorder:
    """A hook that writes down which layer saw how many tokens, and leaves the work to the model."""

    def __init__(self) -> None:
        self.seen: list[tuple[TokenLayer, int]] = []

    def __call__(self, layer: TokenLayer, tokens: Tensor, ops: AttentionOps) -> Tensor | None:
        self.seen.append((layer, tokens.shape[1]))
        return None


def plain_attention(layer: TokenLayer, tokens: Tensor, ops: AttentionOps) -> Tensor | None:
    """What the layer itself does, through the seam."""
    return ops.output(ops.attend(*ops.project(tokens)))


def restore(
    backend: Backend, low: Tensor, seed: int, options: MethodOptions, motion: ChunkMotion | None = None
) -> Tensor:
    """Clean latents of one chunk of frames 0, 1, ..."""
    chunk: Chunk[object] = Chunk(tuple(range(len(low))), (None,) * len(low), True)
    key = len(low) // 2
    return denoise_chunk(backend, backend.condition(low), chunk, key, motion, None, options, seed, device=CPU)[0]


def configure(backend: Backend, steps: int, sampler: str = "ddim") -> None:
    """Set the sampler, or what a model has instead of it: some take one step, and have one sampler for it."""
    info = backend.info
    steps = min(steps, info.most_steps or steps)
    backend.configure(steps=steps, sampler=sampler if sampler in info.samplers else info.samplers[0], options={})


class BackendContract:
    """Each test is a promise that every backend keeps. Subclasses provide the fixture `backend`."""

    def test_description_fits_the_loaded_model(self, backend: Backend) -> None:
        info = backend.info
        condition = backend.condition(low_frames(1, 16, 16))
        assert condition.latent_shape[0] == info.latent_channels
        assert info.scale % 1 == 0 and info.tile_cells % info.multiple_of == 0
        assert info.multiple_of % max((layer.scale for layer in backend.layers), default=1) == 0
        assert (info.gives == "depth") == isinstance(backend, DepthBackend)

    def test_layers_are_named_once_and_listed_as_they_run(self, backend: Backend) -> None:
        condition = backend.condition(low_frames(1, 24, 16))
        recorder = Recorder()
        backend.set_hook(recorder)
        backend.predict(latent_noise(condition), MIXED, condition)
        backend.set_hook(None)
        names = [layer.name for layer in backend.layers]
        assert len(set(names)) == len(names)
        assert [layer for layer, _ in recorder.seen] == list(backend.layers)
        if backend.info.family in WITHOUT_ATTENTION:
            assert not names
        else:
            assert {"down", "up"} <= {layer.block for layer in backend.layers}

    def test_scales_are_those_of_the_tokens_that_layers_see(self, backend: Backend) -> None:
        condition = backend.condition(low_frames(1, 24, 44))
        _, height, width = condition.latent_shape
        recorder = Recorder()
        backend.set_hook(recorder)
        backend.predict(latent_noise(condition), MIXED, condition)
        backend.set_hook(None)
        for layer, tokens in recorder.seen:
            assert tokens == -(-height // layer.scale) * -(-width // layer.scale), layer

    def test_hook_that_declines_changes_no_bit(self, backend: Backend) -> None:
        condition = backend.condition(low_frames(2, 12, 20))
        x = latent_noise(condition)
        own = backend.predict(x, MIXED, condition)
        backend.set_hook(Recorder())
        hooked = backend.predict(x, MIXED, condition)
        backend.set_hook(None)
        assert torch.equal(own, hooked)

    def test_plain_attention_through_the_hook_is_the_models_own(self, backend: Backend) -> None:
        condition = backend.condition(low_frames(2, 12, 20))
        x = latent_noise(condition)
        own = backend.predict(x, MIXED, condition)
        backend.set_hook(plain_attention)
        hooked = backend.predict(x, MIXED, condition)
        backend.set_hook(None)
        assert (own - hooked).abs().max() <= 1e-5
        assert torch.equal(own, backend.predict(x, MIXED, condition)), "the hook outlived its removal"

    def test_gather_undoes_spread(self, backend: Backend) -> None:
        """Bit for bit for noise; for clean latents, which may be spread on top of a picture, within rounding."""
        condition = backend.condition(low_frames(2, 16, 24))
        latent = latent_noise(condition)
        spread = backend.spread(latent)
        factor = spread.shape[-1] // latent.shape[-1]
        assert spread.shape[-2:] == (latent.shape[-2] * factor, latent.shape[-1] * factor)
        assert torch.equal(backend.gather(spread), latent)
        clean = backend.spread(latent, condition)
        assert clean.shape == spread.shape
        assert (backend.gather(clean, condition) - latent).abs().max() <= 1e-5

    @FEW_EXAMPLES
    @given(height=st.integers(1, 33), width=st.integers(1, 33), frames=st.integers(1, 2))
    def test_any_size_is_padded_inwards_and_cropped_outwards(
        self, backend: Backend, height: int, width: int, frames: int
    ) -> None:
        info = backend.info
        condition = backend.condition(low_frames(frames, height, width))
        channels, rows, columns = condition.latent_shape
        assert condition.frames == frames and channels == info.latent_channels
        unit = 1 if info.partial_tokens else info.multiple_of
        assert rows % unit == 0 and columns % unit == 0
        for cells, content, pixels in ((rows, condition.content[0], height), (columns, condition.content[1], width)):
            assert content * info.latent_factor == pixels * info.scale
            assert content <= cells < content + unit
        picture = backend.decode(latent_noise(condition), condition)
        assert picture.shape == (frames, 3, info.scale * height, info.scale * width)
        assert picture.dtype == torch.float32 and not picture.is_inference()

    @FEW_EXAMPLES
    @given(data=st.data())
    def test_cropping_and_selecting_commute(self, backend: Backend, data: st.DataObject) -> None:
        condition = backend.condition(low_frames(3, 24, 32))
        _, rows, columns = condition.latent_shape
        top, left = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
        window = Window(top, left, data.draw(st.integers(1, rows - top)), data.draw(st.integers(1, columns - left)))
        chosen = data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
        a, b = condition.crop(window).select(chosen), condition.select(chosen).crop(window)
        assert a.latent_shape == b.latent_shape == (backend.info.latent_channels, window.height, window.width)
        assert a.frames == b.frames == len(chosen)
        assert a.content == b.content == condition.content, "content speaks of the whole picture"

    def test_window_over_everything_changes_no_bit(self, backend: Backend) -> None:
        condition = backend.condition(low_frames(2, 12, 20))
        _, rows, columns = condition.latent_shape
        x = latent_noise(condition)
        whole = backend.predict(x, MIXED, condition.crop(Window(0, 0, rows, columns)))
        assert torch.equal(whole, backend.predict(x, MIXED, condition))

    def test_window_looks_at_its_own_part_of_the_picture(self, backend: Backend) -> None:
        info, low = backend.info, low_frames(1, 96, 96)
        # A third of the picture: encoders look a little beyond what they are shown, to either side.
        unit = max(1, 32 * info.scale // info.latent_factor // info.multiple_of) * info.multiple_of
        side = info.latent_factor * unit // info.scale
        inside, far = low.clone(), low.clone()
        inside[:, :, side : 2 * side, 2 * side : 3 * side] = 0.5
        far[:, :, 88:, :] = 0.5

        usual, other, distant = (backend.condition(picture) for picture in (low, inside, far))

        def change(whole: Condition, row: int, column: int) -> float:
            window = Window(row * unit, column * unit, unit, unit)
            before, after = usual.crop(window), whole.crop(window)
            x = latent_noise(before)
            return float((backend.predict(x, MIXED, before) - backend.predict(x, MIXED, after)).abs().max())

        changes = {(row, column): change(other, row, column) for row in range(3) for column in range(3)}
        assert max(changes, key=lambda place: changes[place]) == (1, 2)
        if info.sees == "pixels":
            assert change(distant, 1, 2) <= 1e-5

    def test_frames_do_not_meet_without_a_hook(self, backend: Backend) -> None:
        condition = backend.condition(low_frames(3, 12, 20))
        x = latent_noise(condition)
        together = backend.predict(x, MIXED, condition)
        assert together.shape == x.shape and bool(together.isfinite().all())
        for k in range(3):
            alone = backend.predict(x[k : k + 1], MIXED, condition.select([k]))
            assert (together[k] - alone[0]).abs().max() <= 1e-5

    def test_prediction_looks_at_frame_latent_and_time(self, backend: Backend) -> None:
        condition = backend.condition(low_frames(1, 12, 20))
        other = backend.condition(low_frames(1, 12, 20, seed=9))
        x = latent_noise(condition)
        base = backend.predict(x, MIXED, condition)
        assert not torch.equal(base, backend.predict(x, MIXED, other))
        same = backend.info.family in WITHOUT_ATTENTION
        assert torch.equal(base, backend.predict(latent_noise(condition, 9), MIXED, condition)) == same
        assert torch.equal(base, backend.predict(x, 10, condition)) == same

    @pytest.mark.parametrize("steps", [1, 2, 3, 12, 50])
    def test_every_sampler_steps_down_to_a_finite_latent(self, backend: Backend, steps: int) -> None:
        if steps > (backend.info.most_steps or steps):
            with pytest.raises(InputError):
                backend.configure(steps=steps, sampler=backend.info.samplers[0], options={})
            return
        shape = (2, backend.info.latent_channels, 4, 4)
        for sampler in backend.info.samplers:
            backend.configure(steps=steps, sampler=sampler, options={})
            schedule = backend.schedule()
            times = list(schedule.timesteps)
            assert len(times) == steps
            assert times == sorted(set(times), reverse=True) and times[-1] >= 0
            x = schedule.start(torch.randn(shape, generator=torch.Generator().manual_seed(1)))
            for i in range(steps):
                x0 = schedule.x0(0.1 * schedule.model_input(x, i), x, i).clamp(-2, 2)
                noise = torch.randn(shape, generator=torch.Generator().manual_seed(i + 2))
                x = schedule.step(x0, x, i, noise if schedule.stochastic and i + 1 < steps else None)
                assert x.shape == x0.shape == shape and x.dtype == torch.float32
            assert bool(x.isfinite().all()), sampler

    def test_samplers_say_truly_whether_they_use_noise(self, backend: Backend) -> None:
        shape = (1, backend.info.latent_channels, 2, 2)
        x, x0 = torch.ones(shape), torch.zeros(shape)
        for sampler in backend.info.samplers:
            configure(backend, 5, sampler)
            results = []
            for seed in (1, 2):
                noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
                results.append(backend.schedule().step(x0, x, 0, noise))
            assert torch.equal(*results) != backend.schedule().stochastic, sampler

    def test_wrong_settings_are_named_and_leave_the_old_ones(self, backend: Backend) -> None:
        configure(backend, 3)
        before = list(backend.schedule().timesteps)
        for steps, sampler, options in (
            (0, "ddim", {}),
            (1001, "ddim", {}),
            (5, "euler", {}),
            (5, "ddim", {"colour": "red"}),
            (5, "ddim", {"eta": "much"}),
            (5, "ddim", {"eta": "1.5"}),
            (5, "ddim", {"eta": "nan"}),
        ):
            with pytest.raises(InputError) as caught:
                backend.configure(steps=steps, sampler=sampler, options=options)
            assert caught.value.remedy
        assert list(backend.schedule().timesteps) == before
        assert not backend.schedule().stochastic

    def test_options_are_described_with_defaults_that_work(self, backend: Backend) -> None:
        defaults = {option.name: option.default_text for option in backend.info.options}
        steps = min(3, backend.info.most_steps or 3)
        backend.configure(steps=steps, sampler=backend.info.samplers[0], options=defaults)

    @pytest.mark.parametrize("sampler", ["ddim", "ddpm", "dpm++", "dpm++sde"])
    def test_per_frame_mode_is_the_model_alone(self, backend: Backend, sampler: str) -> None:
        """denoise_chunk with every tie cut gives bit for bit what a plain loop over the model gives."""
        configure(backend, 4, sampler)
        low, seed = low_frames(2, 10, 14), 7
        result = restore(backend, low, seed, per_frame(MethodOptions()))

        condition, schedule = backend.condition(low), backend.schedule()

        def noise(step: int) -> Tensor:
            return torch.stack([base_noise(seed, k, step, condition.latent_shape) for k in range(2)])

        x = schedule.start(noise(START))
        for i, t in enumerate(schedule.timesteps):
            x0 = schedule.x0(backend.predict(schedule.model_input(x, i), t, condition), x, i)
            x = schedule.step(x0, x, i, noise(i) if schedule.stochastic else None)
        assert torch.equal(result, x)

    def test_seed_decides_every_byte(self, backend: Backend) -> None:
        configure(backend, 3, "ddpm")
        low, options = low_frames(2, 10, 14), per_frame(MethodOptions())
        first, again, other = (restore(backend, low, seed, options) for seed in (1, 1, 2))
        assert torch.equal(first, again)
        # What takes a single step begins with the picture itself, and not with noise.
        assert torch.equal(first, other) == (backend.info.most_steps == 1)

    def test_restoring_does_not_touch_the_global_generator(self, backend: Backend) -> None:
        configure(backend, 2, "dpm++sde")
        before = torch.random.get_rng_state()
        restore(backend, low_frames(2, 10, 14), 1, per_frame(MethodOptions()))
        assert torch.equal(before, torch.random.get_rng_state())

    def test_whole_method_runs_on_it(self, backend: Backend) -> None:
        """Warping, merging in every block and moving noise, with the motion of a still picture."""
        configure(backend, 3)
        low = low_frames(3, 16, 24)
        still = Correspondence(torch.zeros(2, 16, 24), torch.ones(16, 24), torch.ones(16, 24))
        links = [None if k == 1 else still for k in range(3)]
        options = MethodOptions(match_mid="cosine", merge_max_scale=64)
        out = restore(backend, low, 1, options, ChunkMotion(links, links, None))
        assert out.shape[0] == 3 and bool(out.isfinite().all())

    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
    def test_pictures_of_any_float_type_are_computed_in_single(self, backend: Backend, dtype: torch.dtype) -> None:
        condition = backend.condition(low_frames(1, 9, 7).to(dtype))
        x = latent_noise(condition)
        assert backend.predict(x, MIXED, condition).dtype == torch.float32
        assert backend.decode(x, condition).dtype == torch.float32

    def test_values_outside_the_range_are_clamped_and_non_numbers_stay_local(self, backend: Backend) -> None:
        clean = low_frames(1, 8, 8)
        clean[0, :, 0, :4] = torch.tensor([0.0, 1.0, 1.0, 0.0])
        wild = clean.clone()
        wild[0, :, 0, :4] = torch.tensor([-3.0, 7.0, float("inf"), float("nan")])
        a, b = backend.condition(clean), backend.condition(wild)
        x = latent_noise(a)
        assert torch.equal(backend.predict(x, MIXED, a), backend.predict(x, MIXED, b))
        assert torch.equal(backend.decode(x, a), backend.decode(x, b))

    def test_libraries_have_nothing_to_complain_about(self, backend: Backend) -> None:
        """diffusers logs a warning at every call of a layer whose processor does not know all its arguments."""
        said: list[str] = []
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
        logger = logging.getLogger("diffusers")
        logger.addHandler(handler)
        try:
            restore(backend, low_frames(2, 8, 8), 1, per_frame(MethodOptions()))
        finally:
            logger.removeHandler(handler)
        assert said == []

    def test_attention_time_is_counted(self, backend: Backend) -> None:
        watch = Stopwatch()
        condition = backend.condition(low_frames(1, 8, 8))
        backend.time(watch)
        backend.predict(latent_noise(condition), MIXED, condition)
        backend.time(None)
        counted = dict(watch.seconds)
        backend.predict(latent_noise(condition), MIXED, condition)
        assert (counted.get("attention", 0) > 0) == bool(backend.layers) and watch.seconds == counted
