"""Each public card reads a miniature of its set as its owners say."""

from __future__ import annotations

import io
import itertools
import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dfbench.errors import DataError
from dfbench.suites.datasets import catalogue
from dfbench.suites.datasets.inspection.completeness import completeness_of
from dfbench.suites.datasets.manifest import read_dataset
from dfbench.suites.datasets.scan import settle_root


@dataclass(frozen=True)
class Mini:
    """A small set: its images, a line each, what lies beside them, and how it is to be read.

    ``{a,b}`` and ``{1..3}`` stand for several names, as in a shell. Counts are by split where
    owners tell it, then class, then kind, with blanks between. Groups are by path.
    """

    images: str
    counts: dict[str, int]
    files: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    left_out: str = ""
    """Images that are left out without a word."""
    videos: int = 0
    """How many videos they are of, where owners count these."""


FF = "{0,1}/{0..1}.png"
PAIRS = '[["000", "001"]]', '[["002", "003"]]', '[["004", "005"]]'
FF_LISTS = {
    f"splits/{name}.json": text for name, text in zip(("train", "val", "test"), PAIRS, strict=True)
}
FF_REAL = "original_sequences/youtube/{level}/frames/00{{0..5}}/000{{0..1}}.png"
FF_FAKE = (
    "manipulated_sequences/{kinds}/{level}/{folder}/"
    "{{000_001,001_000,002_003,003_002,004_005,005_004}}/000{{0..1}}.png"
)
FOUR = "{Deepfakes,Face2Face,FaceSwap,NeuralTextures}"
FF_COUNTS = {
    f"{split} {name}": 4
    for split in ("train", "validation", "test")
    for name in ("real", *(f"fake {kind}" for kind in FOUR.strip("{}").split(",")))
}


def ff(level: str, other: str) -> Mini:
    return Mini(
        FF_REAL.format(level=level)
        + "\n"
        + FF_FAKE.format(level=level, kinds=FOUR, folder="frames"),
        FF_COUNTS,
        FF_LISTS,
        {
            f"original_sequences/youtube/{level}/frames/001/0000.png": "000",
            f"manipulated_sequences/FaceSwap/{level}/frames/001_000/0000.png": "000",
        },
        "\n".join(
            [
                FF_REAL.format(level=other),
                FF_FAKE.format(
                    level=level, kinds="{FaceShifter,DeepFakeDetection}", folder="frames"
                ),
                FF_FAKE.format(level=level, kinds="Deepfakes", folder="masks"),
                f"original_sequences/actors/{level}/frames/01__walk/0000.png",
            ]
        ),
        videos=6 + 24,
    )


CELEBS = Mini(
    "Celeb-real/frames/id{0..3}_0000/00{0..1}.png\n"
    "YouTube-real/frames/0000{0..3}/00{0..1}.png\n"
    "Celeb-synthesis/frames/{id0_id1,id1_id0,id2_id3,id3_id2}_0000/00{0..1}.png",
    {"train real": 10, "train fake": 6, "test real": 6, "test fake": 2},
    {
        "List_of_testing_videos.txt": "1 YouTube-real/00003.mp4\n1 YouTube-real/00002.MP4\n"
        "1 Celeb-real/id3_0000\n0 Celeb-synthesis/id3_id2_0000.mp4\n"
    },
    {
        "Celeb-real/frames/id3_0000/000.png": "id3",
        "Celeb-synthesis/frames/id3_id2_0000/000.png": "id3",
        "YouTube-real/frames/00003/000.png": "00003",
    },
    "Celeb-real/landmarks/id0_0000/000.png",
    videos=12,
)

MINI: dict[str, Mini] = {
    "faceforensics++": ff("c23", "c40"),
    "faceforensics++-c40": ff("c40", "c23"),
    "faceshifter": Mini(
        FF_REAL.format(level="c23")
        + "\n"
        + FF_FAKE.format(level="c23", kinds="FaceShifter", folder="frames"),
        {
            f"{split} {name}": 4
            for split in ("train", "validation", "test")
            for name in ("real", "fake FaceShifter")
        },
        {"train.json": PAIRS[0], "val.json": PAIRS[1], "test.json": PAIRS[2]},
        left_out=FF_FAKE.format(level="c23", kinds="Deepfakes", folder="frames"),
        videos=12,
    ),
    "deepfakedetection": Mini(
        "original_sequences/actors/c23/frames/0{1..8}__walk/000{0..1}.png\n"
        "manipulated_sequences/DeepFakeDetection/c23/frames/"
        "{01_02,03_04,05_06,07_08}__walk__ABC/000{0..1}.png",
        {"real": 16, "fake": 8},
        groups={
            "original_sequences/actors/c23/frames/02__walk/0000.png": "01",
            "manipulated_sequences/DeepFakeDetection/c23/frames/01_02__walk__ABC/0000.png": "01",
        },
        left_out="original_sequences/youtube/c23/frames/000/0000.png",
        videos=12,
    ),
    "deepfakebench": Mini(
        "datasets/rgb/FaceForensics++/original_sequences/youtube/c23/frames/00{0..5}/00{0..1}.png\n"
        "datasets/rgb/FaceForensics++/manipulated_sequences/{Deepfakes,FaceSwap}/c23/frames/"
        "{000_001,002_003,004_005}/00{0..1}.png",
        {
            f"{split} {name}": 2 * n
            for split in ("train", "validation", "test")
            for name, n in (("real", 2), ("fake Deepfakes", 1), ("fake FaceSwap", 1))
        },
        {
            "preprocessing/dataset_json/FaceForensics++.json": """{"FaceForensics++": {
            "FF-real": {
              "train": {"c23": {"000": {"label": "FF-real", "frames": ["./rgb/000/000.png"]},
                                "001": {"label": "FF-real", "frames": []}}},
              "val": {"c23": {"002": {"label": "FF-real", "frames": []},
                              "003": {"label": "FF-real", "frames": []}}},
              "test": {"c23": {"004": {"label": "FF-real", "frames": []},
                               "005": {"label": "FF-real", "frames": []}}}},
            "FF-DF": {
              "train": {"c23": {"000_001": {"label": "FF-DF", "frames": ["a", "b"]}},
                        "c40": {"004_005": {"label": "FF-DF", "frames": []}}},
              "val": {"c23": {"002_003": {"label": "FF-DF", "frames": []}}},
              "test": {"c23": {"004_005": {"label": "FF-DF", "frames": []}}}},
            "FF-FS": {
              "train": {"c23": {"000_001": {"label": "FF-FS", "frames": []}}},
              "val": {"c23": {"002_003": {"label": "FF-FS", "frames": []}}},
              "test": {"c23": {"004_005": {"label": "FF-FS", "frames": []}}}}}}"""
        },
        {
            "datasets/rgb/FaceForensics++/manipulated_sequences/FaceSwap/c23/frames/004_005/000.png"
            "": "004"
        },
        "datasets/rgb/FaceForensics++/manipulated_sequences/Deepfakes/c23/masks/000_001/000.png\n"
        "datasets/rgb/Celeb-DF-v2/Celeb-real/frames/id0_0000/000.png",
        videos=12,
    ),
    "celeb-df-v1": CELEBS,
    "celeb-df-v2": CELEBS,
    "dfdc": Mini(
        "train/dfdc_train_part_{0,1}/frames/{real,fake}{a,b,c,d}/00{0..1}.png\n"
        "test/frames/{x,y}/00{0..1}.png",
        {"real": 16, "fake": 16, "test real": 2, "test fake": 2},
        {
            **{
                f"train/dfdc_train_part_{n}/metadata.json": "{"
                + ", ".join(
                    f'"real{v}.mp4": {{"label": "REAL", "split": "train"}}, "fake{v}.mp4": '
                    f'{{"label": "FAKE", "split": "train", "original": "real{v}.mp4"}}'
                    for v in "abcd"
                )
                + "}"
                for n in (0, 1)
            },
            "test/labels.csv": "filename,label\nx.mp4,1\ny.mp4,0\n",
        },
        {
            "train/dfdc_train_part_0/frames/reala/000.png": "reala",
            "train/dfdc_train_part_1/frames/fakea/000.png": "reala",
        },
    ),
    "dfdc-preview": Mini(
        "original_videos/frames/{11,12}_A/00{0..1}.png\n"
        "method_{A,B}/frames/{11_A_001,12_B_001}/00{0..1}.png",
        {
            "train real": 2,
            "test real": 2,
            "train fake method_A": 2,
            "test fake method_A": 2,
            "train fake method_B": 2,
            "test fake method_B": 2,
        },
        {
            "dataset.json": "{"
            + ", ".join(
                f'"{path}.mp4": {{"label": "{label}", "set": "{split}"}}'
                for path, label, split in (
                    ("original_videos/11_A", "real", "train"),
                    ("original_videos/12_A", "real", "test"),
                    ("method_A/11_A_001", "fake", "train"),
                    ("method_A/12_B_001", "fake", "test"),
                    ("method_B/11_A_001", "fake", "train"),
                    ("method_B/12_B_001", "fake", "test"),
                )
            )
            + "}"
        },
        {"method_B/frames/12_B_001/000.png": "12"},
        videos=6,
    ),
    "deeperforensics": Mini(
        "original_sequences/youtube/c23/frames/00{0..5}/00{0..1}.png\n"
        "manipulated_videos/end_to_end/frames/00{0..5}_M10{0,1}/00{0..1}.png",
        {
            f"{s} {c}": n
            for s in ("train", "validation", "test")
            for c, n in (("real", 4), ("fake", 8))
        },
        {
            "lists/splits/train.txt": "000_M100.mp4\n001_M100.mp4\n",
            "lists/splits/val.txt": "002_M100.mp4\n003_M100.mp4\n",
            "lists/splits/test.txt": "004_M100.mp4\n005_W101.mp4\n",
        },
        {"manipulated_videos/end_to_end/frames/005_M101/000.png": "005"},
        "manipulated_videos/end_to_end_level_1/frames/000_M100/000.png\n"
        "source_videos/M100/light_down/happy/camera_front/frames/000.png",
        videos=18,
    ),
    "wilddeepfake": Mini(
        "{real,fake}_{train,test}/{0,1}/{real,fake}/{0,1}/{0..1}.png",
        {f"{s} {c}": 16 for s in ("train", "test") for c in ("real", "fake")},
        groups={"real_train/0/real/1/0.png": "real_train/0"},
        videos=32,
    ),
    "ffiw-10k": Mini(
        "{source,target}/{train,val}/{00001,00002}/00{0..1}.png",
        {f"{s} {c}": 4 for s in ("train", "validation") for c in ("real", "fake")},
        groups={"target/val/00002/000.png": "00002"},
        left_out="target_mask/train/00001/000.png",
        videos=8,
    ),
    "uadfv": Mini(
        "real/frames/000{0..5}/00{0..1}.png\nfake/frames/000{0..5}_fake/00{0..1}.png",
        {"real": 12, "fake": 12},
        groups={"real/frames/0003/000.png": "0003", "fake/frames/0003_fake/000.png": "0003"},
        left_out="fake/masks/0000_fake/000.png",
        videos=12,
    ),
    "df40": Mini(
        "train/simswap/frames/{000_001,001_000}/00{0..1}.png\n"
        "test/simswap/ff/frames/004_005/00{0..1}.png\n"
        "test/fomm/fomm/cdf/frames/id0_id1_0000/00{0..1}.png\n"
        "test/starganv2/{real,fake}/{0..1}.png\n"
        "real/FaceForensics++/original_sequences/youtube/c23/frames/00{0..5}/00{0..1}.png\n"
        "real/Celeb-DF-v2/Celeb-real/frames/id0_0000/00{0..1}.png",
        {
            "train real": 8,
            "train fake simswap": 4,
            "test real": 4 + 2 + 2,
            "test fake simswap": 2,
            "test fake fomm": 2,
            "test fake starganv2": 2,
        },
        {
            f"real/FaceForensics++/{name}.json": text
            for name, text in zip(("train", "val", "test"), PAIRS, strict=True)
        },
        {"train/simswap/frames/001_000/000.png": "001_000"},
    ),
    "forgerynet": Mini(
        "Training/image/train_release/{1,16}/{aa,bb}/frame{0..1}.jpg\n"
        "Validation/image/val_release/{2,17}/cc/frame{0..1}.jpg",
        {
            "train fake 1": 4,
            "train real": 4,
            "validation fake 2": 2,
            "validation real": 2,
        },
        {
            "Training/image_list.txt": "".join(
                f"train_release/{m}/{v}/frame{n}.jpg {'1 1 1' if m == 1 else '0 0 0'}\n"
                for m in (1, 16)
                for v in ("aa", "bb")
                for n in (0, 1)
            ),
            "Validation/image_list.txt": "".join(
                f"val_release/{m}/cc/frame{n}.jpg {'1 2 2' if m == 2 else '0 0 0'}\n"
                for m in (2, 17)
                for n in (0, 1)
            ),
        },
        {"Training/image/train_release/1/bb/frame0.jpg": "bb"},
        "Training/spatial_localize/train_release/1/aa/frame0.jpg",
    ),
    "140k-real-and-fake-faces": Mini(
        "real_vs_fake/real-vs-fake/{train,valid,test}/{real,fake}/{0..1}.jpg",
        {f"{s} {c}": 2 for s in ("train", "validation", "test") for c in ("real", "fake")},
    ),
    "deepfake-and-real-images": Mini(
        "Dataset/{Train,Validation,Test}/{Real,Fake}/{0..1}.jpg",
        {f"{s} {c}": 2 for s in ("train", "validation", "test") for c in ("Real", "Fake")},
    ),
    "fake-video-images": Mini(
        "{aa,bb,cc,dd,ee,ff}_{1,17}_{0,1}.jpg",
        {"real": 12, "fake": 12},
        groups={"aa_17_1.jpg": "aa"},
    ),
    "real-and-fake-face-detection": Mini(
        "real_and_fake_face/training_real/real_0000{0..5}.jpg\n"
        "real_and_fake_face/training_fake/{easy_1_1110,mid_2_0001,hard_3_1111}{0..4}.jpg",
        {"real": 6, "fake easy": 5, "fake mid": 5, "fake hard": 5},
        left_out="real_and_fake_face_detection/real_and_fake_face/training_real/real_00000.jpg",
    ),
    "deepfakeface": Mini(
        "{wiki,text2img,inpainting,insight}/00/{0..5}_1990.jpg",
        {"real": 6, "fake text2img": 6, "fake inpainting": 6, "fake insight": 6},
        groups={"wiki/00/3_1990.jpg": "3_1990", "insight/00/3_1990.jpg": "3_1990"},
    ),
    "faces-hq": Mini(
        "{Flickr-Faces-HQ_10K,celebA-HQ_10K,100KFake_10K,thispersondoesntexists_10K}/{0..4}.jpg",
        {"real": 10, "fake 100KFake_10K": 5, "fake thispersondoesntexists_10K": 5},
    ),
    "forensynths": Mini(
        "progan_train/{airplane,train}/{0_real,1_fake}/{0..1}.png\n"
        "progan_val/airplane/{0_real,1_fake}/{0..1}.png\n"
        "CNN_synth_testset/progan/airplane/{0_real,1_fake}/{0..1}.png\n"
        "CNN_synth_testset/{biggan,deepfake}/{0_real,1_fake}/{0..1}.png",
        {
            "train real": 4,
            "train fake progan": 4,
            "validation real": 2,
            "validation fake progan": 2,
            "test real": 6,
            "test fake progan": 2,
            "test fake biggan": 2,
            "test fake deepfake": 2,
        },
    ),
    "univfd-diffusion": Mini(
        "diffusion_datasets/{imagenet,laion}/0_real/{0..4}.png\n"
        "diffusion_datasets/{guided,dalle}/1_fake/{0..4}.png",
        {"real": 10, "fake guided": 5, "fake dalle": 5},
    ),
    "genimage": Mini(
        "Midjourney/imagenet_midjourney/{train,val}/{ai,nature}/{0..1}.png\n"
        "imagenet_ai_0508_adm/{train,val}/{ai,nature}/{0..1}.png",
        {
            f"{split} {name}": n
            for split in ("train", "test")
            for name, n in (("real", 4), ("fake Midjourney", 2), ("fake ADM", 2))
        },
    ),
    "artifact": Mini(
        "afhq/{cat,dog}/{0..2}.jpg\ncycle_gan/{a,b}/{0..2}.jpg\nddpm/{0..4}.jpg",
        {"real": 6 + 3, "fake cycle_gan": 3, "fake ddpm": 5},
        {
            "afhq/metadata.csv": "filename,image_path,target,category\n"
            + "".join(f"{n}.jpg,{c}/{n}.jpg,0,{c}\n" for c in ("cat", "dog") for n in range(3)),
            "cycle_gan/metadata.csv": "filename,image_path,target,category\n"
            + "".join(f"{n}.jpg,{c}/{n}.jpg,{6 * (c == 'a')},x\n" for c in "ab" for n in range(3)),
            "ddpm/metadata.csv": "filename,image_path,target,category\n"
            + "".join(f"{n}.jpg,{n}.jpg,2,x\n" for n in range(5)),
        },
    ),
    "aigcdetectbenchmark": Mini(
        "progan/airplane/{0_real,1_fake}/{0..4}.png\n{DALLE2,wukong}/{0_real,1_fake}/{0..4}.png",
        {"real": 15, "fake progan": 5, "fake DALLE2": 5, "fake wukong": 5},
    ),
    "chameleon": Mini("test/{0_real,1_fake}/{0..9}.jpg", {"real": 10, "fake": 10}),
    "drct-2m": Mini(
        "MSCOCO/{train2017,val2017}/00000000000{1..2}.jpg\n"
        "DRCT-2M/{sdxl-turbo,stable-diffusion-v1-4}/{train2017,val2017}/00000000000{1..2}.png",
        {
            f"{split} {name}": 2
            for split in ("train", "test")
            for name in ("real", "fake sdxl-turbo", "fake stable-diffusion-v1-4")
        },
        groups={
            "MSCOCO/val2017/000000000001.jpg": "000000000001",
            "DRCT-2M/sdxl-turbo/val2017/000000000001.png": "000000000001",
        },
        left_out="DR/MSCOCO/full_inpainting/train2017/000000000001.png",
    ),
    "cifake": Mini(
        "{train,test}/{REAL,FAKE}/000{0..1}.jpg",
        {f"{s} {c}": 2 for s in ("train", "test") for c in ("REAL", "FAKE")},
    ),
    "synthbuster": Mini(
        "synthbuster/{dalle2,stable-diffusion-xl}/r00{0..9}t.png\nRAISE-1k/r00{0..9}t.png",
        {"real": 10, "fake dalle2": 10, "fake stable-diffusion-xl": 10},
        groups={"RAISE-1k/r003t.png": "r003t", "synthbuster/dalle2/r003t.png": "r003t"},
    ),
    "diffusionforensics": Mini(
        "images/{train,val}/lsun_bedroom/{real,adm}/{0..1}.png\n"
        "images/test/lsun_bedroom/lsun_bedroom/{real,adm,ddpm}/{0..1}.png\n"
        "images/train/imagenet/{real,adm}/{000,001}/{0..1}.png",
        {
            "train real": 6,
            "train fake adm": 6,
            "validation real": 2,
            "validation fake adm": 2,
            "test real": 2,
            "test fake adm": 2,
            "test fake ddpm": 2,
        },
        left_out="dire/train/lsun_bedroom/adm/0.png",
    ),
    "gangen-detection": Mini(
        "{AttGAN,STGAN}/{0_real,1_fake}/{0..4}.png",
        {"real": 10, "fake AttGAN": 5, "fake STGAN": 5},
    ),
    "openfake": Mini(
        "core/{train,validation,test}/{real,fake}/{0..2}.png\nreddit/test/{real,fake}/0.png",
        {
            f"{split} {name}": 3
            for split in ("train", "validation", "test")
            for name in ("real", "fake")
        },
    ),
    "community-forensics-small": Mini("data/{0,fake}/{0..9}.png", {"real": 10, "fake": 10}),
    "community-forensics-eval": Mini("data/CompEval/{real,1}/{0..9}.png", {"real": 10, "fake": 10}),
    "susy": Mini(
        "{train,val,test}/{coco,dalle-3-images,diffusiondb,midjourney-images,midjourney-tti,"
        "realisticSDXL}/{0..1}.png",
        {
            f"{split} {name}": 2
            for split in ("train", "validation", "test")
            for name in (
                "coco",
                "dalle-3-images",
                "diffusiondb",
                "midjourney-images",
                "midjourney_tti",
                "realisticSDXL",
            )
        },
    ),
    "deepfake-eval-2024": Mini(
        "image-data/{a,b,c,d,e}.jpg",
        {"train real": 1, "train fake": 1, "test real": 1, "test fake": 1},
        {
            "image-metadata-publish.csv": "Filename,Ground Truth,Finetuning Set\na.jpg,Real,Train\n"
            "b.jpg,Fake,Train\nc.jpg,Real,Test\nd.jpg,Fake,Test\ne.jpg,Unknown,Train\n"
        },
    ),
    "five-class-generators": Mini(
        "{train,validation}/{0..4}{a,b}.png\ntest/x.png",
        {
            **{f"{s} {c}": 2 for s in ("train", "validation") for c in range(5)},
            "test (unlabelled)": 1,
        },
        {
            **{
                f"{s}.csv": "image_id,label\n"
                + "".join(f"{c}{v},{c}\n" for c in range(5) for v in "ab")
                for s in ("train", "validation")
            },
            "test.csv": "image_id\nx\n",
        },
    ),
}


def expand(pattern: str) -> list[str]:
    """Give the names that a shell makes of ``{a,b}{1..3}``."""
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices = []
    for at, part in enumerate(parts):
        span = re.fullmatch(r"(\d)\.\.(\d)", part)
        if at % 2 == 0:
            choices.append([part])
        elif span:
            choices.append([str(n) for n in range(int(span[1]), int(span[2]) + 1)])
        else:
            choices.append(part.split(","))
    return ["".join(each) for each in itertools.product(*choices)]


def paths(lines: str) -> list[str]:
    return [path for line in lines.splitlines() for path in expand(line)]


def png() -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


PNG = png()


def build(mini: Mini, root: Path) -> Path:
    """Write the set; images are one picture, with a byte or two behind it that differ."""
    for number, path in enumerate(paths(mini.images) + paths(mini.left_out)):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(PNG + str(number).encode())
    for path, text in mini.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


CARDS = {each.card.name: each.card for each in catalogue.public()}


def test_each_public_card_has_a_miniature():
    assert set(MINI) == set(CARDS)
    assert len(CARDS) >= 30


@pytest.mark.parametrize("name", MINI)
def test_a_miniature_is_read_as_its_owners_say(tmp_path, name):
    mini, card = MINI[name], CARDS[name]
    root = build(mini, tmp_path)
    dataset = read_dataset(card, root)
    manifest = dataset.manifest
    assert not dataset.broken.size
    assert [w for w in dataset.warnings if "left out" in w and "label" not in w] == []
    listed = card.layout.scan(card, settle_root(card, root)).images
    found = Counter(
        " ".join(
            part
            for part in (
                image.split,
                "(unlabelled)" if image.label < 0 else card.classes[image.label],
                image.kind,
            )
            if part
        )
        for image in listed
    )
    assert found == mini.counts
    groups = dict(zip(manifest["path"], manifest["group"], strict=True))
    prefix = dataset.root.relative_to(root).as_posix() + "/"
    for path, group in mini.groups.items():
        assert groups[path.removeprefix(prefix)] == group
    assert manifest["sha256"].is_unique
    if card.split.policy == "grouped":
        own = manifest[manifest["group"] != ""]
        divided = own[own["split"] != "test"] if "test" in card.layout.split_names else own
        assert (divided.groupby("group")["split"].nunique() == 1).all()
    copy = completeness_of(card, root)
    assert copy is not None
    assert not copy.complete
    if mini.videos:
        assert copy.unit == "videos"
        assert copy.found == mini.videos


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_card_says_what_a_user_asks(card):
    about = card.about
    assert about is not None
    assert len(card.description) <= 44
    assert card.licence
    assert re.match(r"https://|Kaggle, ", card.source)
    assert re.fullmatch(r"DFBENCH_[A-Z0-9_]+", card.root_env)
    assert all(len(line) <= 76 for line in about.tree.splitlines())
    known = set(about.known_kinds)
    read = {name.rpartition(" ")[2] for name in MINI[card.name].counts if " fake " in f" {name}"}
    assert {kind for kind in read - {"fake"} if known} <= known
    counts = about.counts
    for name, n in counts.classes.items():
        if counts.splits and all(name in own for own in counts.splits.values()):
            assert n == sum(own[name] for own in counts.splits.values()), name
    if counts.kinds and card.positive and counts.classes.get(card.positive):
        assert sum(counts.kinds.values()) == counts.classes[card.positive]
    if counts.total and len(counts.classes) == len(card.classes):
        assert counts.total == sum(counts.classes.values())


def test_without_their_list_the_message_says_where_it_goes(tmp_path):
    root = build(MINI["faceforensics++"], tmp_path)
    for file in (root / "splits").iterdir():
        file.unlink()
    with pytest.raises(DataError) as caught:
        read_dataset(CARDS["faceforensics++"], root)
    assert "splits/train.json: no such list" in str(caught.value)
    assert "put it there or train.json or dataset/splits/train.json" in str(caught.value)


def test_of_a_part_that_cannot_be_trained_on_the_message_says_how_it_is_used(tmp_path):
    root = build(MINI["forensynths"], tmp_path)
    shutil.rmtree(root / "progan_train")
    with pytest.raises(DataError) as caught:
        read_dataset(CARDS["forensynths"], root)
    assert "split 'train' of 'forensynths' has no readable image" in str(caught.value)
    assert "its folder is given in place of the name" in str(caught.value)


def test_a_copy_that_is_all_there_is_complete(tmp_path):
    card = CARDS["cifake"]
    counts = card.about.counts.model_copy(
        update={
            "classes": {"REAL": 4, "FAKE": 4},
            "splits": {s: {"REAL": 2, "FAKE": 2} for s in ("train", "test")},
        }
    )
    about = card.about.model_copy(update={"counts": counts})
    root = build(MINI["cifake"], tmp_path)
    copy = completeness_of(card.model_copy(update={"about": about}), root)
    assert copy.complete
    assert copy.compared == 6
    (root / "train/REAL/0000.jpg").unlink()
    copy = completeness_of(card.model_copy(update={"about": about}), root)
    assert copy.differences == (("train, REAL", 1, 2), ("REAL", 3, 4))
