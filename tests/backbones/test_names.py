"""Short names, files in the layout of a backbone's makers, open_clip where it is installed."""

import importlib.util

import numpy as np
import pytest
import timm
import torch
from PIL import Image as Pillow
from safetensors.torch import save_file
from torchvision.transforms import v2 as transforms

from dfbench.backbones import build as backbones
from dfbench.backbones.names import SHORT, Short
from dfbench.backbones.weights import WeightsError
from dfbench.errors import UnavailableError, UnknownNameError
from dfbench.features.extractors.embedding import Embedding

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
TINY = "vit_xsmall_patch16_clip_224.tinyclip_yfcc15m"  # 8 million parameters
needs_open_clip = pytest.mark.skipif(
    importlib.util.find_spec("open_clip") is None, reason="open_clip is not installed"
)


def pictures():
    rng = np.random.default_rng(1)
    shapes = [(70, 60), (300, 250)]
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


def as_clip_does(images, size=224):
    change = transforms.Compose(
        [
            transforms.Resize(size, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(size),
            transforms.ToImage(),
            transforms.ToDtype(torch.float32, scale=True),
            transforms.Normalize(CLIP_MEAN, CLIP_STD),
        ]
    )
    return torch.stack([change(Pillow.fromarray(image)) for image in images])


def openai_layout(state):
    """Name the tensors of a transformer of timm as OpenAI did, by hand, in half precision."""
    out = {"visual.proj": state["head.weight"].T, "logit_scale": torch.tensor(1.0)}
    out["transformer.resblocks.0.ln_1.weight"] = torch.zeros(4)  # of texts
    for name, its in state.items():
        parts = name.split(".")
        if name == "cls_token":
            out["visual.class_embedding"] = its[0, 0]
        elif name == "pos_embed":
            out["visual.positional_embedding"] = its[0]
        elif name == "patch_embed.proj.weight":
            out["visual.conv1.weight"] = its
        elif parts[0] in ("norm_pre", "norm"):
            where = {"norm_pre": "ln_pre", "norm": "ln_post"}[parts[0]]
            out[f"visual.{where}.{parts[1]}"] = its
        elif parts[0] == "blocks":
            inner = ".".join(parts[2:])
            for own, theirs in (
                ("attn.qkv.", "attn.in_proj_"),
                ("attn.proj.", "attn.out_proj."),
                ("norm1.", "ln_1."),
                ("norm2.", "ln_2."),
                ("mlp.fc1.", "mlp.c_fc."),
                ("mlp.fc2.", "mlp.c_proj."),
            ):
                inner = inner.replace(own, theirs)
            out[f"visual.transformer.resblocks.{parts[1]}.{inner}"] = its
    return {name: its.half().contiguous() for name, its in out.items()}


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    model = timm.create_model(TINY, pretrained=False).eval()
    with torch.no_grad():
        model.head.bias.zero_()  # CLIP's projection has none
        for its in model.parameters():
            its.copy_(its.half().float())
    return model


@pytest.fixture
def clip(monkeypatch):
    monkeypatch.setitem(SHORT, "clip-tiny", Short(f"timm:{TINY}", projected=True))


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_a_file_of_openai_gives_the_embedding_of_the_image(tiny, clip, tmp_path, ending):
    path = tmp_path / f"openai.{ending}"
    state = openai_layout(tiny.state_dict())
    if ending == "pth":
        torch.save({"state_dict": state}, path)
    else:
        save_file(state, path)
    found = Embedding("clip-tiny", str(path)).transform(pictures())
    with torch.inference_mode():
        wanted = tiny(as_clip_does(pictures())).numpy()
    assert found.shape == (2, 512)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_a_file_of_timm_does_too_and_blocks_are_those_of_the_transformer(tiny, clip, tmp_path):
    path = tmp_path / "timm.safetensors"
    save_file(tiny.state_dict(), path)
    images = as_clip_does(pictures())
    with torch.inference_mode():
        wanted = tiny(images).numpy()
        tokens = tiny.forward_intermediates(
            images, output_fmt="NLC", return_prefix_tokens=True, intermediates_only=True
        )[4][1][:, 0]
    found = Embedding("clip-tiny", str(path)).transform(pictures())
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    found = Embedding("clip-tiny", str(path), block=4).transform(pictures())
    np.testing.assert_allclose(found, tokens.numpy(), atol=1e-4 * float(tokens.abs().max()))


def test_a_file_of_something_else_says_what_does_not_fit(clip, tmp_path):
    save_file({"visual.class_embedding": torch.zeros(256)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=r"129 missing .*1 unexpected"):
        Embedding("clip-tiny", str(tmp_path / "a.safetensors")).transform(pictures())


def test_a_grid_of_positions_is_resampled_where_the_size_is_another(tmp_path):
    torch.manual_seed(0)
    large = timm.create_model("test_vit", num_classes=0, img_size=160)
    save_file(large.state_dict(), tmp_path / "a.safetensors")
    built = backbones.build("timm:test_vit", str(tmp_path / "a.safetensors"), 0, 96)
    state, own = large.state_dict(), built.module.state_dict()
    assert own["pos_embed"].shape != state["pos_embed"].shape
    assert all(torch.equal(own[name], state[name]) for name in own if name != "pos_embed")
    assert torch.equal(own["pos_embed"][:, 0], state["pos_embed"][:, 0])


@pytest.mark.parametrize("name", SHORT)
def test_each_short_name_is_one_of_timm_with_weights_to_be_had(name):
    from timm.models import get_pretrained_cfg

    short = SHORT[name]
    library, its = backbones.resolve(name)
    config = get_pretrained_cfg(its)
    assert (library, config.fixed_input_size) == ("timm", "vit" in its)
    assert backbones.imagenet(name).url.startswith("https://huggingface.co/timm/")
    assert config.interpolation == "bicubic"
    if name.startswith("clip"):
        assert (config.mean, config.std) == (CLIP_MEAN, CLIP_STD)
        assert config.num_classes == (768 if "l14" in name else 512)
        assert config.input_size == (3, short.size, short.size)
    else:
        assert not short.projected
    assert list(backbones.identity(name, "imagenet")["libraries"]) == ["timm"]


def test_weights_that_are_absent_are_named_with_their_address(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UnavailableError) as told:
        Embedding("clip-vit-l14").check_available()
    assert str(told.value.what).startswith("weights of clip-vit-l14 are not on this machine")
    assert (
        "timm/vit_large_patch14_clip_224.openai/resolve/main/model.safetensors" in told.value.hint
    )


def test_a_short_name_that_is_misspelt_is_told():
    with pytest.raises(UnknownNameError, match="'clip-vit-l14'"):
        backbones.resolve("clip-vitl14")


def test_without_open_clip_it_says_how_to_install_it(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "open_clip" else find(name)
    )
    with pytest.raises(UnavailableError, match="open_clip_torch is absent") as told:
        Embedding("open_clip:ViT-L-14.openai").check_available()
    assert told.value.hint == 'pip install "dfbench-toolkit[clip]"'


@needs_open_clip
def test_open_clip_runs_as_it_does_itself_and_as_timm_does(tiny, tmp_path, monkeypatch):
    import open_clip

    config = {
        "embed_dim": 512,
        "vision_cfg": {"image_size": 224, "layers": 10, "width": 256, "patch_size": 16},
        "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
    }
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", config)
    torch.manual_seed(0)
    whole = open_clip.create_model("tiny").eval()
    state = {n: i.float() for n, i in openai_layout(tiny.state_dict()).items()}
    own = whole.state_dict()
    own |= {name: its for name, its in state.items() if name.startswith("visual.")}
    whole.load_state_dict(own)
    save_file(own, tmp_path / "a.safetensors")
    images = as_clip_does(pictures())
    found = Embedding("open_clip:tiny", str(tmp_path / "a.safetensors")).transform(pictures())
    with torch.inference_mode():
        wanted = whole.encode_image(images).numpy()
        heads = tiny.blocks[0].attn.num_heads
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    assert heads == 256 // 64  # so that the two are one network
    with torch.inference_mode():
        np.testing.assert_allclose(found, tiny(images), atol=1e-3 * np.abs(wanted).max())
        before = tiny.forward_head(tiny.forward_features(images), pre_logits=True).numpy()
    last = Embedding("open_clip:tiny", str(tmp_path / "a.safetensors"), block="ln_post")
    np.testing.assert_allclose(last.transform(pictures()), before, atol=1e-3 * np.abs(before).max())


@needs_open_clip
def test_names_and_tags_of_open_clip_are_told_where_they_are_wrong():
    assert backbones.resolve("open_clip:ViT-L-14") == ("open_clip", "ViT-L-14.openai")
    with pytest.raises(UnknownNameError, match="'ViT-L-14'"):
        backbones.resolve("open_clip:ViT-L14")
    with pytest.raises(UnknownNameError, match="'openai'"):
        backbones.resolve("open_clip:ViT-L-14.opneai")
    with pytest.raises(UnavailableError, match="weights for") as told:
        backbones.imagenet("open_clip:ViT-g-14")
    assert "open_clip:ViT-g-14.laion2b_s12b_b42k" in told.value.hint
    assert backbones.imagenet("open_clip:ViT-L-14.commonpool_xl_s13b_b90k").url.endswith(
        "/resolve/main/open_clip_model.safetensors"
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("timm:clip-vit-l14", "unknown backbone 'timm:clip-vit-l14' (did you mean 'clip-vit-l14'"),
        ("clip", "known: clip-vit-b16, clip-vit-b32"),
        ("dinov2", "'dinov2-vit-b14'"),
    ],
)
def test_what_is_nearly_a_short_name_is_told_the_short_names(written, said):
    with pytest.raises(UnknownNameError) as told:
        backbones.resolve(written)
    assert said in str(told.value)
