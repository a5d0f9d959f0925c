"""Weights that wait elsewhere give the same results, and the device holds them only while they are used."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from answerprint.backends.network_state import offload_layer, offload_networks
from backends.builders import small_tiny


class Watched(nn.Linear):
    """A layer that remembers the weights it ran with."""

    def forward(self, input: Tensor) -> Tensor:
        self.ran_with = self.weight
        return super().forward(input)


def test_a_layer_runs_with_weights_of_the_moment_and_keeps_its_own() -> None:
    torch.manual_seed(0)
    layer, x = Watched(4, 3), torch.rand(2, 4)
    expected = layer(x)
    offload_layer(layer, torch.device("cpu"))
    waiting = layer.weight
    with torch.inference_mode():
        assert torch.equal(layer(x), expected)
    assert layer.weight is waiting
    assert layer.ran_with is not waiting


def test_a_layer_that_fails_keeps_its_weights() -> None:
    layer = nn.Linear(4, 3)
    offload_layer(layer, torch.device("cpu"))
    waiting = layer.weight
    with pytest.raises(RuntimeError):
        layer(torch.rand(2, 5))
    assert layer.weight is waiting


def test_a_model_on_the_cpu_stays_as_it_is() -> None:
    backend = small_tiny()
    backend.offload()
    offload_networks([backend._network], torch.device("cpu"))
    assert all("forward" not in vars(layer) for layer in backend._network.modules())


@pytest.mark.parametrize("part", ["_network", "_restorer"])
def test_a_whole_model_gives_the_same_through_layers_that_bring_their_weights(part: str) -> None:
    one, other = small_tiny(), small_tiny()
    for layer in getattr(other, part).modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            offload_layer(layer, torch.device("cpu"))
    low = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    results = []
    for backend in (one, other):
        condition = backend.condition(low)
        x = torch.randn(2, *condition.latent_shape, generator=torch.Generator().manual_seed(2))
        results.append(backend.decode(backend.predict(x, 500, condition), condition))
    torch.testing.assert_close(results[0], results[1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_holds_less_of_a_model_that_is_offloaded() -> None:
    device = torch.device("cuda:0")
    networks = [nn.Sequential(*(nn.Linear(1024, 1024) for _ in range(8))).to(device)]
    before = torch.cuda.memory_allocated(device)
    expected = networks[0](torch.ones(1, 1024, device=device))
    offload_networks(networks, device)
    assert torch.cuda.memory_allocated(device) < before // 4
    torch.testing.assert_close(networks[0](torch.ones(1, 1024, device=device)), expected)
