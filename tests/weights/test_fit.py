"""Files of another model are refused before they are a model, with the part that is wrong and what it looks like."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from answerprint.backends.fit import check
from answerprint.backends.weights import tensor_mismatch
from answerprint.errors import JobFailedError, ModelError
from answerprint.weights.identify import Shapes, check_family, likeness
from answerprint.weights.importing.child import fit_in_child
from answerprint.weights.importing.import_model import import_model
from answerprint.weights.manifest import Manifest
from backends.builders import save_pipeline, small_pipeline
from backends.builders_diffbir import Sizes, base_shapes, control_shapes, write_diffbir
from backends.builders_generator import write_generator
from backends.builders_marigold import save_marigold
from backends.builders_one_step import write_one_step
from backends.builders_sd_x4 import FULL_CODEC, FULL_UNET, write_sd_x4
from backends.builders_text import FULL_TEXT
from backends.test_ldm_sr_layout import published

NETWORK = "unet/diffusion_pytorch_model.safetensors"
CODEC = "vae/diffusion_pytorch_model.safetensors"
TEXTS = "text_encoder/model.safetensors"


def write_ldm_sr(folder: Path) -> None:
    save_pipeline(small_pipeline(), folder)


WRITERS: Mapping[str, Callable[[Path], None]] = {
    "diffbir": write_diffbir,
    "generator": write_generator,
    "ldm_sr": write_ldm_sr,
    "marigold": save_marigold,
    "sd_one_step": write_one_step,
    "sd_x4": write_sd_x4,
}
SCALES = {"diffbir": 4, "generator": 4, "ldm_sr": 4, "marigold": 1, "sd_one_step": 4, "sd_x4": 4}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small model of each family."""
    root = tmp_path_factory.mktemp("made")
    for family, write in WRITERS.items():
        write(root / family)
        (root / family / "manifest.json").unlink()
    return root


@pytest.fixture
def copies(made: Path, tmp_path: Path) -> Path:
    """The same, to be spoiled."""
    return shutil.copytree(made, tmp_path / "copies")


def refusal(folder: Path, family: str) -> str:
    """What is said, in one line, of files that make no model."""
    with pytest.raises(ModelError) as caught:
        check_family(folder, family)
        check(folder, family, SCALES[family])
    assert caught.value.remedy
    assert "\n" not in caught.value.message
    assert str(folder) not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("family", WRITERS)
def test_files_of_a_family_make_a_model_of_it_and_no_number_is_read(family: str, copies: Path) -> None:
    folder = copies / family
    for path in folder.rglob("*.safetensors"):
        header = path.read_bytes()
        length = 8 + int.from_bytes(header[:8], "little")
        with path.open("r+b") as file:  # the numbers become a hole of the same length
            file.truncate(length)
            file.truncate(len(header))
    check_family(folder, family)
    check(folder, family, SCALES[family])


@pytest.mark.parametrize("family", WRITERS)
def test_a_tensor_too_few_too_many_or_of_another_shape_is_named_with_its_file(family: str, copies: Path) -> None:
    folder = copies / family
    for path in sorted(folder.rglob("*.safetensors")):
        name, whole = path.relative_to(folder).as_posix(), load_file(path)
        gone = max(whole, key=len)
        spoiled: list[dict[str, Tensor]] = [
            {tensor: each for tensor, each in whole.items() if tensor != gone},
            {tensor: torch.zeros(3, 5, 7) if tensor == gone else each for tensor, each in whole.items()},
            whole | {f"{gone}.stray": torch.zeros(1)},
        ]
        for each in spoiled:
            save_file(each, path)
            said = refusal(folder, family)
            part = name.partition("/")[0] if "/" in name else {"control": "ControlNet"}.get(name.split(".")[0], "The")
            assert part in said
        save_file(whole, path)
    check(folder, family, SCALES[family])


@pytest.mark.parametrize(
    ("family", "part", "other", "theirs", "said"),
    [
        ("sd_x4", NETWORK, "marigold", NETWORK, "conv_in.weight is 16 x 8 x 3 x 3 and should be 16 x 7 x 3 x 3"),
        ("sd_x4", NETWORK, "marigold", NETWORK, f"{NETWORK} is the network of Marigold"),
        ("sd_x4", NETWORK, "sd_one_step", NETWORK, f"{NETWORK} is the network of Stable Diffusion"),
        ("sd_x4", NETWORK, "ldm_sr", NETWORK, f"{NETWORK} is the network of LDM-SR"),
        ("sd_x4", CODEC, "sd_one_step", CODEC, "an autoencoder with 4 latent channels and cells of 8 x 8 pixels"),
        ("sd_x4", TEXTS, "sd_x4", CODEC, f"{TEXTS} is an autoencoder"),
        ("marigold", NETWORK, "sd_x4", NETWORK, f"{NETWORK} is the network of the SD x4 upscaler"),
        ("ldm_sr", NETWORK, "sd_x4", NETWORK, "files in unet do not form a network: "),
        ("ldm_sr", "vqvae/diffusion_pytorch_model.safetensors", "sd_x4", CODEC, "missing: quantize.embedding.weight"),
        ("diffbir", "base.safetensors", "diffbir", "control.safetensors", "base.safetensors is not that part"),
        ("diffbir", "base.safetensors", "diffbir", "control.safetensors", "it is DiffBIR's ControlNet"),
        ("diffbir", "control.safetensors", "diffbir", "base.safetensors", "an original checkpoint of Stable Diffusion"),
        ("diffbir", "base.safetensors", "sd_x4", NETWORK, "it is the network of the SD x4 upscaler"),
    ],
)
def test_a_part_of_another_model_is_named_with_what_it_looks_like(
    family: str, part: str, other: str, theirs: str, said: str, made: Path, copies: Path
) -> None:
    shutil.copyfile(made / other / theirs, copies / family / part)
    assert said in refusal(copies / family, family)


@pytest.mark.parametrize(
    ("family", "part", "other", "said"),
    [
        ("sd_x4", "unet", "sd_one_step", "has 4 input and 4 output channels"),
        ("sd_x4", "unet", "marigold", "has 8 input and 4 output channels"),
        ("marigold", "unet", "sd_x4", "has 7 input and 4 output channels"),
        ("sd_x4", "vae", "sd_one_step", "a scale of 8, not 4"),
    ],
)
def test_a_whole_part_of_another_model_with_its_configuration_is_refused(
    family: str, part: str, other: str, said: str, made: Path, copies: Path
) -> None:
    """Such as Stable Diffusion 1.5 where the SD x4 upscaler is wanted: each part is whole, and they do not fit."""
    shutil.copytree(made / other / part, copies / family / part, dirs_exist_ok=True)
    assert said in refusal(copies / family, family)


@pytest.mark.parametrize("family", WRITERS)
@pytest.mark.parametrize("other", WRITERS)
def test_a_whole_model_of_another_family_is_refused(family: str, other: str, made: Path) -> None:
    if family != other:
        refusal(made / other, family)


def test_a_base_of_stable_diffusion_1_is_no_base_of_diffbir(copies: Path) -> None:
    path = copies / "diffbir" / "base.safetensors"
    older = {
        name.replace("cond_stage_model.model.", "cond_stage_model.transformer."): t
        for name, t in load_file(path).items()
    }
    save_file(older, path)
    said = refusal(copies / "diffbir", "diffbir")
    assert "no tensors under cond_stage_model.model" in said
    assert "base.safetensors is an original checkpoint of Stable Diffusion" in said


def test_a_first_stage_must_be_the_one_of_its_task(copies: Path) -> None:
    stage = copies / "diffbir" / "stage1"
    stage.mkdir()
    save_file({"m_head.0.weight": torch.zeros(1)}, stage / "face.safetensors")
    assert "by its tensors it is SCUNet" in refusal(copies / "diffbir", "diffbir")
    (stage / "face.safetensors").rename(stage / "denoise.safetensors")
    save_file({"layers.0.residual_group.blocks.0.attn.qkv.weight": torch.zeros(1)}, stage / "sr.safetensors")
    check_family(copies / "diffbir", "diffbir")  # a SwinIR, as version 2.1 has it


def test_a_missing_file_is_named(copies: Path) -> None:
    (copies / "sd_x4" / "vae" / "config.json").unlink()
    assert "has no file vae/config.json" in refusal(copies / "sd_x4", "sd_x4")


def test_import_refuses_in_a_child_and_takes_the_right_file_then(made: Path, copies: Path, tmp_path: Path) -> None:
    """Through the program that the command line starts, which is where the heavy libraries are."""
    models = tmp_path / "models"
    models.mkdir()
    index = {"_class_name": "StableDiffusionUpscalePipeline"}
    parts = ("unet", "vae", "text_encoder", "scheduler", "low_res_scheduler")
    mine = copies / "sd_x4"
    (mine / "model_index.json").write_text(json.dumps(index | {part: ["diffusers", "X"] for part in parts}))
    said = Manifest("mine", "sd_x4", "1", "MIT", "of the tests", 0, ())
    shutil.copyfile(made / "marigold" / NETWORK, mine / NETWORK)
    with pytest.raises(ModelError, match="is the network of Marigold") as caught:
        import_model([mine], models, said, scales=SCALES)
    assert "--family" in caught.value.remedy
    assert [path.name for path in models.iterdir()] == [".partial"]
    shutil.copyfile(made / "sd_x4" / NETWORK, mine / NETWORK)

    def here(folder: Path, family: str, scale: int, *more: object) -> None:
        check(folder, family, scale)

    assert import_model([mine], models, said, scales=SCALES, fit=here).scale == 4


def test_a_check_that_breaks_is_no_verdict(made: Path) -> None:
    import sys

    broken = [sys.executable, "-c", "raise SystemExit('something of a library')"]
    with pytest.raises(JobFailedError, match=r"Could not check the model \(something of a library\)"):
        fit_in_child(made / "ldm_sr", "ldm_sr", 4, threading.Event(), child_command=lambda kind: broken)


def of_network(network: torch.nn.Module) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def test_published_networks_are_known_by_sight() -> None:
    with torch.device("meta"):
        upscaler, codec = UNet2DConditionModel(**FULL_UNET), AutoencoderKL(**FULL_CODEC)
        one, two = (
            UNet2DConditionModel(cross_attention_dim=width, block_out_channels=(32, 32, 32, 32))
            for width in (768, 1024)
        )
        eight = UNet2DConditionModel(in_channels=8, block_out_channels=(32, 32, 32, 32))
        texts = CLIPTextModel(CLIPTextConfig(**FULL_TEXT))
    old, vq = published()
    assert likeness(of_network(upscaler)) == "the network of the SD x4 upscaler"
    assert likeness(of_network(codec)) == "an autoencoder with 4 latent channels and cells of 4 x 4 pixels"
    assert likeness(of_network(one)) == "the network of Stable Diffusion 1.x"
    assert likeness(of_network(two)) == "the network of Stable Diffusion 2.x"
    assert likeness(of_network(eight)) == "the network of Marigold"
    assert likeness(of_network(old)) == "the network of LDM-SR"
    assert likeness(of_network(vq)) == "a VQ codec with 3 latent channels and cells of 4 x 4 pixels"
    assert likeness(of_network(texts)) == "CLIP's text encoder of width 1024"
    assert likeness(base_shapes(Sizes())) == "an original checkpoint of Stable Diffusion 2.x"
    assert likeness(control_shapes(Sizes())) == "DiffBIR's ControlNet"
    assert likeness({"lora_unet_mid_block.lora_down.weight": (4, 320)}).startswith("a LoRA")
    assert likeness({"w": (1,)}) == likeness({}) == likeness({"conv_in.weight": ()}) == ""


SHAPES = st.dictionaries(st.text("ab", max_size=3), st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=5)


@given(SHAPES, SHAPES)
def test_nothing_but_the_same_names_and_shapes_fits(
    wanted: dict[str, tuple[int, int]], found: dict[str, tuple[int, int]]
) -> None:
    assert (tensor_mismatch(wanted, found) == "") == (wanted == found)
    assert tensor_mismatch(wanted, wanted) == ""
