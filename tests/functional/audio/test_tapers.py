"""Windows: SciPy's, what they add up to, errors."""

import numpy as np
import pytest
import scipy.signal

import tinymm.functional as F


@pytest.mark.parametrize("name", ["hann", "hamming"])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows_are_scipy_s(name, periodic):
    ours = getattr(F, f"{name}_window")
    assert ours(1, periodic).shape == (1,)
    for n in (1, 2, 3, 8, 25, 400):
        np.testing.assert_allclose(ours(n, periodic), scipy.signal.get_window(name, n, fftbins=periodic), atol=1e-15)


@pytest.mark.parametrize("n", [4, 8, 400])
def test_periodic_hann_windows_half_a_length_apart_add_up_to_1(n):
    covered = F.overlap_add(np.tile(F.hann_window(n), (5, 1)), n // 2)
    np.testing.assert_allclose(covered[n // 2:-(n // 2)], 1, atol=1e-15)


def test_errors():
    for window in (F.hann_window, F.hamming_window):
        with pytest.raises(ValueError, match=f"{window.__name__}: needs a length of at least 1; got 0"):
            window(0)
