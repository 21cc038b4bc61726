"""Bands over runs: their numbers by hand, and how often they hold the truth."""

import numpy as np
import pytest

from rlbook.statistics import bootstrap, standard_error


def test_standard_error_by_hand():
    band = standard_error([[1.0, 10.0], [3.0, 10.0], [5.0, 10.0]])  # standard deviation 2, over the root of 3
    assert np.allclose(band.mean, [3, 10])
    assert np.allclose(band.low, [3 - 2 / np.sqrt(3), 10]) and np.allclose(band.high, [3 + 2 / np.sqrt(3), 10])
    assert band.name == "mean of 3 runs ± standard error"


def test_bands_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    samples = rng.exponential(size=(50, 2000))  # 2000 experiments of 50 runs, true mean 1
    narrow, wide = standard_error(samples), bootstrap(samples, rng, resamples=400)
    assert np.mean((narrow.low <= 1) & (1 <= narrow.high)) == pytest.approx(0.68, abs=0.04)
    assert np.mean((wide.low <= 1) & (1 <= wide.high)) == pytest.approx(0.93, abs=0.03)  # 95% as the runs grow many
    assert wide.name == "mean of 50 runs, 95% bootstrap interval"


@pytest.mark.parametrize("band", [standard_error, lambda samples: bootstrap(samples, np.random.default_rng(0))])
@pytest.mark.parametrize("samples", [5.0, [[1.0, 2.0]]])
def test_one_run_has_no_band(band, samples):
    with pytest.raises(ValueError, match="at least 2 runs"):
        band(samples)


def test_a_level_is_a_probability():
    with pytest.raises(ValueError, match="level is 95"):
        bootstrap([1.0, 2.0], np.random.default_rng(0), level=95)
