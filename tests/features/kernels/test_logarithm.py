"""The compiled logarithm against NumPy's in double precision."""

from __future__ import annotations

import numpy as np

from dfbench.features.kernels.logarithm import logarithms


def test_it_agrees_with_numpy_over_the_whole_range() -> None:
    rng = np.random.default_rng(0)
    values = np.exp(rng.uniform(-80, 80, 100_000)).astype(np.float32)
    values = np.concatenate([values, np.linspace(0.5, 2, 10_001, dtype=np.float32)])
    want = np.log(values.astype(np.float64))
    out = np.empty_like(values)
    logarithms(values, values.view(np.int32), out)
    np.testing.assert_allclose(out, want, rtol=2e-7, atol=1e-7)
