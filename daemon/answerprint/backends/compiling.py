"""torch.compile for networks whose attention is somebody else's, and how to do without it again."""

from __future__ import annotations

import torch
from diffusers.models.attention_processor import Attention
from torch import nn

__all__ = ["COMPILER", "compile_network", "compiler_failure", "uncompile_network"]

COMPILER = "inductor"


def compile_network(network: nn.Module) -> str:
    """Have `network` compiled in place when it first runs; returns why it cannot be, empty where it can so far.

    Attention is left out: what its hook does depends on the values of tokens, which a compiled network cannot know.
    Shapes that were seen before decide which code runs: a first call was measured to differ by 5e-7 from later ones.
    """
    for module in network.modules():
        if isinstance(module, Attention):
            module.forward = torch.compiler.disable(module.forward)  # type: ignore[no-untyped-call]
    try:
        network.compile(backend=COMPILER)
    except (ImportError, RuntimeError) as error:  # of packages that do not have the compiler, and of some systems
        return compiler_failure(error) or str(error)
    return ""


def uncompile_network(network: nn.Module) -> None:
    """Run `network` as it was written."""
    network._compiled_call_impl = None
    for module in network.modules():
        if isinstance(module, Attention):
            vars(module).pop("forward", None)


def compiler_failure(error: Exception) -> str:
    """Why the compiler failed: no C++ compiler or Triton, or a network beyond it; empty for an error of the network."""
    from torch._dynamo.exc import TorchDynamoException  # slow to import: only after a failure

    if not isinstance(error, TorchDynamoException):
        return ""
    return " ".join(str(error).partition("\n\n")[0].split()) or type(error).__name__
