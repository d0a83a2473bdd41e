import numpy as np
import pytest

from dfbench.results.statistics.design import Design


def test_unequal_groups_count_as_fewer():
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    equal = Design(labels, np.arange(10) // 2)
    assert (equal.effective, equal.degrees) == (5, 4)
    unequal = Design(labels, np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 2]))
    assert unequal.effective == pytest.approx(10**2 / (6**2 + 2**2 + 2**2))
    apart = Design(np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([0, 1, 2, 3, 4, 4, 5, 5]))
    assert apart.of_one_class
    assert apart.effective == 2, "of the class with the fewest"
    assert not equal.of_one_class
    assert Design(labels).of_one_class
    assert Design(labels).degrees == float("inf")


def test_some_of_the_images_keep_their_groups_in_new_numbers():
    design = Design(np.array([0, 1, 0, 1, 1]), np.array([0, 0, 1, 2, 2]))
    inside = np.array([True, False, False, True, True])
    some = design.within(inside)
    assert some.labels.tolist() == [0, 1, 1]
    assert some.groups.tolist() == [0, 1, 1]
    kinds = design.within(inside, np.array([0, 1, 0, 2, 3]))
    assert kinds.labels.tolist() == [0, 2, 3]
    assert Design(design.labels).within(inside).groups is None
