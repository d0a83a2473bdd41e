"""Weights that are too large to be brought along are named by their hash, and held against it."""

from __future__ import annotations

import pytest

from dfbench.detectors import kept
from dfbench.detectors.archive import ModelFileError
from dfbench.detectors.contents import KeptExtractor
from dfbench.detectors.part import extractor_of
from dfbench.features.extractors.embedding import Embedding
from dfbench.results.records.folder import ResultsFolder


@pytest.fixture
def gathered(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "MOST_HELD", 10)
    return kept._Gathered(ResultsFolder(tmp_path), [], whole=True)


def extractor(weights: str = "imagenet") -> KeptExtractor:
    params = {"backbone": "test_resnet", "weights": weights}
    return KeptExtractor(name="embedding", params=params, version=Embedding.version, width=96)


def test_large_ones_of_a_library_are_named_and_held_against_their_hash(gathered, monkeypatch):
    monkeypatch.setattr(Embedding, "held", lambda self: b"of a library")
    found = gathered._with_weights(extractor())
    assert (found.weights, len(found.loads), gathered.files) == ("", 64, {})
    assert found.params == extractor().params
    assert isinstance(extractor_of(found, {}), Embedding)
    monkeypatch.setattr(Embedding, "held", lambda self: b"exchanged since")
    with pytest.raises(ModelFileError, match="other weights of test_resnet"):
        extractor_of(found, {})


def test_small_ones_and_those_of_files_are_brought_along(gathered, monkeypatch, tmp_path):
    monkeypatch.setattr(Embedding, "held", lambda self: b"small")
    assert gathered._with_weights(extractor()).weights in gathered.files
    # nobody else has what is in a file, or drawn at random by another version of a library
    monkeypatch.setattr(Embedding, "held", lambda self: b"large, of a file")
    (tmp_path / "mine.safetensors").write_bytes(b"")
    for weights in (str(tmp_path / "mine.safetensors"), "random"):
        found = gathered._with_weights(extractor(weights))
        assert gathered.files[found.weights] == b"large, of a file"
        assert not found.loads
