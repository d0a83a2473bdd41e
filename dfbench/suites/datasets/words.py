"""What names of folders, columns and labels mean: real, fake, a split, a mask, nothing."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Literal

from dfbench.received.containers.names import SPLIT_WORDS
from dfbench.suites.datasets.listing import SPLITS, SplitName

Meaning = Literal["real", "fake", ""]


def _words(text: str) -> frozenset[str]:
    return frozenset(plain(word) for word in text.split())


def plain(text: str) -> str:
    """Write a name without case and accents, to be compared.

    Examples
    --------
    >>> plain("Réel")
    'reel'
    """
    folded = text.casefold().replace("ł", "l").replace("\u0131", "i").replace("đ", "d")
    parts = unicodedata.normalize("NFKD", folded)
    # marks of Indic and Arabic scripts are letters of theirs, not accents
    return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", parts))


_FAKE = _words(
    "fake fakes deepfake deepfakes synthetic synthetics synthesis synthesized synthesised "
    "synthesised generated ai aigc aigenerated forged forgery forgeries manipulated "
    "manipulation manipulations altered tampered tampering tp spliced splicing spoof spoofed "
    "spoofs morph morphed morphs swapped counterfeit artificial false falsified computer cgi "
    # French, German, Spanish and Portuguese, Italian, Dutch, Swedish, Danish, Norwegian, Finnish
    "faux fausse fausses truqué truquée truqués truquées falsifié falsifiée généré générée générés "
    "synthétique falsch falsche gefälscht gefälschte fälschung fälschungen unecht generiert "
    "falso falsa falsos falsas falsificado falsificada generado generada gerado gerada "
    "sintético sintética falsi false finto finta generato generata sintetico nep vals valse "
    "förfalskad fejk fejkad falsk falske forfalsket väärennös väärennetty "
    # Polish, Czech, Slovak, Croatian, Hungarian, Romanian, Turkish
    "fałszywy fałszywe falešné falešný falešná falošné lažno lažni lažne hamis fals falsuri sahte "
    # Russian, Ukrainian, Greek
    "фейк фейки фейковые поддельные поддельный подделка подделки фальшивые фальшивка "
    "сгенерированные синтетические дипфейк дипфейки підроблені фальшиві ψεύτικο ψεύτικα πλαστό "
    # Chinese, Japanese, Korean, Vietnamese, Indonesian
    "假 假的 伪造 偽造 合成 生成 虚假 造假 假图 偽物 偽 フェイク 가짜 합성 giả palsu "
    # Arabic, Persian, Hindi, Hebrew
    "مزيف مزيفة مزور جعلی नकली फर्जी מזויף"
)
_REAL = _words(
    "real reals authentic authentics au original originals orig genuine pristine nature "
    "natural bonafide untampered unaltered unmanipulated unedited live true human humans "
    # French, German, Spanish and Portuguese, Italian, Dutch, Swedish, Danish, Norwegian, Finnish
    "réel réelle réels réelles vrai vraie vrais vraies authentique authentiques originaux echt "
    "echte echtes auténtico auténtica auténticos verdadero verdadera verdaderos reales reais "
    "verdadeiro verdadeira verdadeiros autêntico autêntica reale reali vero vera veri autentico "
    "autentici äkta riktig ægte ekte aito aidot originales originale "
    # Polish, Czech, Slovak, Croatian, Hungarian, Romanian, Turkish
    "prawdziwy prawdziwe pravý pravé pravá skutečné skutočné pravi stvarno valódi igazi adevărat "
    "adevărate gerçek "
    # Russian, Ukrainian, Greek
    "настоящие настоящий реальные реальный подлинные подлинный оригинал оригиналы справжні "
    "справжній αληθινό αληθινά γνήσιο "
    # Chinese, Japanese, Korean, Vietnamese, Indonesian
    "真 真实 真實 真的 真图 本物 実写 リアル 진짜 실제 thật asli nyata "
    # Arabic, Persian, Hindi, Hebrew
    "حقيقي حقيقية أصلي واقعی असली वास्तविक אמיתי"
)
_ONLY_FAKE = _words("sp")
# that names of generators hold
_NO_CLASS = ("esrgan", "realvis", "realistic", "realcugan")
_WEAK = _words("human humans nature natural live true computer false cgi")
# as the whole name only: part of another, such as false_color or human_faces, they tell nothing
_ALONE = _words("false true human humans computer live natural nature vera pravi nep vals orig")
_NOT = _words(
    "not non no un never without nicht kein keine keinen pas não nao ikke inte niet не غير"
)
_NOT_AFTER = _words("değil free")
_MASKS = _words(
    "mask masks groundtruth groundtruths gt segmentation segmentations landmarks annotations"
)

_SPLITS: dict[SplitName, frozenset[str]] = {split: _words(SPLIT_WORDS[split]) for split in SPLITS}
_SHORT = {"train": "tr", "validation": "va", "test": "te"}
_BESIDE_SPLIT = _words(
    "data dataset datasets set sets split image images img imgs face faces frame frames video "
    "videos release sample samples part final v version full all small large cropped public "
    "private list labels label metadata csv"
)
_NEUTRAL = _words(
    "frame frames image images img imgs picture pictures pics photo photos video videos face "
    "faces crop crops cropped aligned data dataset datasets raw jpg jpeg png jpegs pngs sequence "
    "sequences extracted files c0 c23 c40 hq lq all"
)


@functools.cache
def tokens(name: str) -> tuple[str, ...]:
    """Give the words of a name: at signs, digits and changes of case it is divided.

    Examples
    --------
    >>> tokens("0_realFaces-v2")
    ('real', 'faces', 'v')
    """
    spaced = re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])", " ", name)
    return tuple(plain(word) for word in _letters(spaced).split())


def _letters(name: str) -> str:
    """Put a space for all that is no letter, nor a mark on one (vowels of Indic scripts)."""
    return "".join(c if unicodedata.category(c)[0] in "LM" else " " for c in name)


@functools.cache
def meaning(name: str) -> Meaning:
    """Say whether a name means real or fake; empty where it tells neither, or both.

    Examples
    --------
    >>> [meaning(name) for name in ("0_real", "1_fake", "Tp", "non-manipulated", "réel", "cat")]
    ['real', 'fake', 'fake', 'real', 'real', '']
    >>> meaning("real_vs_fake")
    ''
    """
    whole = plain(_letters(name).replace(" ", ""))
    if whole in _ONLY_FAKE:
        return "fake"
    if any(part in whole for part in _NO_CLASS) or re.match(r"real.*(gan|diffusion|vis)", whole):
        return ""
    if whole in _FAKE | _REAL:
        return "fake" if whole in _FAKE else "real"
    found: set[Meaning] = set()
    words = [_stem(word) for word in tokens(name)]
    denied = any(word in _NOT_AFTER for word in words)
    for word in words:
        if word in _NOT:
            denied = True
            continue
        told = word not in _ALONE and (word in _FAKE, word in _REAL)
        if told and any(told):
            found.add("fake" if told[0] != denied else "real")
        denied = False
    return found.pop() if len(found) == 1 else ""


def is_weak(name: str) -> bool:
    """Whether a name means real or fake beside one of the other class only: nature, human.

    Examples
    --------
    >>> is_weak("nature"), is_weak("0_real")
    (True, False)
    """
    return plain(_letters(name).replace(" ", "")) in _WEAK


@functools.cache
def is_plain_class(name: str) -> bool:
    """Whether a name says real or fake, and nothing else but numbers.

    Examples
    --------
    >>> is_plain_class("1_fake"), is_plain_class("deepfake_dataset")
    (True, False)
    """
    return bool(meaning(name)) and all(_class_word(_stem(word)) for word in tokens(name))


_WRITTEN_ON = (
    *("faces", "face", "images", "image", "imgs", "img", "frames", "videos", "photos"),
    *("train", "test", "val"),
)


def _stem(word: str) -> str:
    """Take off what is written on to a class word: realfaces, fakeimages."""
    for end in _WRITTEN_ON:
        stem = word.removesuffix(end)
        if stem != word and _class_word(stem):
            return stem
    return word


@functools.cache
def split_of(name: str) -> SplitName | None:
    """Say which split a name stands for, in any case, shortened or with what goes beside it.

    Examples
    --------
    >>> [split_of(name) for name in ("Train", "test_data_v2", "real_val", "training", "trainee")]
    ['train', 'test', 'validation', 'train', None]
    """
    words = tokens(name)
    found = {split for split in SPLITS for word in words if word in _SPLITS[split]}
    rest = [word for word in words if not any(word in _SPLITS[split] for split in found)]
    if len(found) != 1 or any(w not in _BESIDE_SPLIT and not _class_word(w) for w in rest):
        return None
    return found.pop()


@functools.cache
def split_hint(name: str) -> SplitName | None:
    """Say which split a name may stand for, whatever else stands in it.

    Examples
    --------
    >>> [split_hint(name) for name in ("train_hq", "testdata", "realtrain", "trainA", "latest")]
    ['train', 'test', 'train', 'train', None]
    """
    found: set[SplitName] = set()
    for word in tokens(name):
        for split, spellings in _SPLITS.items():
            if word == _SHORT[split] or any(_around(word, each) for each in spellings):
                found.add(split)
    return found.pop() if len(found) == 1 else None


def _around(word: str, spelling: str) -> bool:
    """Whether a word is ``spelling``, alone or written on to one that often stands beside it."""
    if word == spelling:
        return True
    rest = word.removeprefix(spelling) if word.startswith(spelling) else ""
    rest = rest or (word.removesuffix(spelling) if word.endswith(spelling) else "")
    known = rest in _BESIDE_SPLIT or _class_word(rest) or (len(rest) == 1 and len(spelling) > 3)
    return bool(rest) and known


def splits_among(names: Collection[str]) -> dict[str, SplitName]:
    """Find which of the folders in one folder are splits.

    Names that hold more than the word of a split count where all are of this kind, and of several
    splits: ``train_hq`` beside ``test_hq``. One alone among others that tell something else is
    none: a generator called ``dev``.

    Examples
    --------
    >>> splits_among({"train_hq", "test_hq"}) == {"train_hq": "train", "test_hq": "test"}
    True
    >>> splits_among({"dev", "schnell"}), splits_among({"test", "real", "fake"})
    ({}, {'test': 'test'})
    """
    strict = {name: split for name in names if (split := split_of(name)) is not None}
    hinted = {name: split for name in names if (split := split_hint(name)) is not None} | strict
    several = {*hinted.values()} > {"train"}
    if several and hinted.keys() == set(names):
        return hinted
    others = [name for name in names if name not in strict and not meaning(name)]
    return {} if others and "train" not in strict.values() else strict


def _class_word(word: str) -> bool:
    return word in _FAKE or word in _REAL


@functools.cache
def is_neutral(name: str) -> bool:
    """Whether a folder of this name only holds what its outer folder is of: frames, images, c23."""
    words = [word for word in re.split(r"[\W_]+", plain(name)) if word]
    return bool(words) and all(word in _NEUTRAL for word in words)


@functools.cache
def is_mask(name: str) -> bool:
    """Whether a folder of this name holds masks or the like: no images to be classified."""
    whole = plain(_letters(name).replace(" ", ""))
    words = tokens(name)
    if any(word in _NOT or word in {"with", "without"} for word in words):
        return False  # people with masks
    if words and re.fullmatch(r"\w+masks?", words[-1]):
        return True
    together = {a + b for a, b in itertools.pairwise(words)}
    return whole in _MASKS or bool(words and words[-1] in _MASKS) or bool(together & _MASKS)


def natural(names: Collection[str]) -> list[str]:
    """Sort names, numbers in them by value: class2 before class10."""

    def key(name: str) -> list[tuple[int, str]]:
        parts = re.split(r"0*([0-9]+)", name)
        # of numbers without zeros before them the longer one is greater
        return [(len(p) if i % 2 else 0, p) for i, p in enumerate(parts)]

    return sorted(names, key=key)


def guess_positive(classes: Sequence[str]) -> str:
    """Name the one of two classes that means fake by their names; empty where they do not tell.

    Of the labels 0 and 1, 1 is fake.

    Examples
    --------
    >>> guess_positive(["Fake", "Real"])
    'Fake'
    >>> guess_positive(["real", "stylegan"])
    'stylegan'
    >>> guess_positive(["cat", "dog"])
    ''
    """
    if set(classes) == {"0", "1"}:
        return "1"
    if len(classes) != 2:
        return ""
    told = [meaning(name) for name in classes]
    if "" in told:  # nature beside city says nothing
        told = ["" if is_weak(name) else its for name, its in zip(classes, told, strict=True)]
    for name, one, other in zip(classes, told, reversed(told), strict=True):
        if (one == "fake" and other != "fake") or (other == "real" and one == ""):
            return name
    return ""


def guess_real(classes: Sequence[str]) -> str:
    """Name the class of real images by its name; empty where none or several are called so.

    Examples
    --------
    >>> guess_real(["0_real", "1_stylegan", "2_diffusion"])
    '0_real'
    >>> guess_real(["0", "1", "2"])
    ''
    """
    worded = [name for name in classes if meaning(name) == "real"]
    return worded[0] if len(worded) == 1 else ""
