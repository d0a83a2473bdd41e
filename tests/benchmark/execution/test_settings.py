import pytest

from dfbench.benchmark.execution.settings import Settings


@pytest.mark.parametrize(
    ("images", "n_train", "seconds"),
    [(10_000, 500, 900), (10_000, 10_000, 900), (10_000, 140_000, 12_600), (None, 140_000, 900)],
)
def test_a_cell_of_more_images_has_more_time(images, n_train, seconds):
    settings = Settings(jobs=1, device="cpu", cell_timeout=900, timeout_images=images)
    assert settings.timeout(n_train) == seconds
