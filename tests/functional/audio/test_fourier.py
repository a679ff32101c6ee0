"""The Fourier transform: fast is slow, Parseval, tones, shifts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm as tm
import tinymm.functional as F
from tinymm.testing.strategies import arrays

waves = st.integers(1, 40).flatmap(lambda n: arrays((2, n)))


@given(waves)
def test_the_fast_transform_is_the_slow_one(x):
    np.testing.assert_allclose(F.rfft(x), F.dft(x), atol=1e-12)


@given(waves)
def test_there_and_back(x):
    np.testing.assert_allclose(F.irfft(*F.rfft(x), x.shape[-1]), x, atol=1e-14)


@given(waves)
def test_parseval(x):
    """Σ x² = 1/N Σ c |X|²: energy is the same in time and in frequency."""
    n = x.shape[-1]
    real, imag = F.rfft(x)
    c = np.array([1 if 2 * k in (0, n) else 2 for k in range(n // 2 + 1)])
    np.testing.assert_allclose((c * (real**2 + imag**2)).sum(-1) / n, (x * x).sum(-1))


@given(st.integers(1, 20), st.integers(0, 20), st.floats(0, 6))
def test_a_tone_lands_in_its_own_frequency(k, more, phase):
    n = 2 * k + 1 + more
    real, imag = F.rfft(np.cos(2 * np.pi * k * np.arange(n) / n + phase))
    expected = np.zeros(n // 2 + 1, complex)
    expected[k] = n / 2 * np.exp(1j * phase)
    np.testing.assert_allclose(real + 1j * imag, expected, atol=1e-10)


@given(waves, st.integers(0, 50))
def test_a_shift_turns_phases(x, by):
    n = x.shape[-1]
    real, imag = F.rfft(x)
    moved = (real + 1j * imag) * np.exp(-2j * np.pi * by * np.arange(n // 2 + 1) / n)
    np.testing.assert_allclose(F.rfft(np.roll(x, by, -1)), (moved.real, moved.imag), atol=1e-11)


@given(waves)
def test_energy_in_frequency_has_the_gradient_of_energy_in_time(x):
    n = x.shape[-1]
    leaf = tm.tensor(x, requires_grad=True)
    c = np.array([1 if 2 * k in (0, n) else 2 for k in range(n // 2 + 1)]) / n
    real, imag = F.rfft(leaf)
    (c * (real * real + imag * imag)).sum().backward()
    np.testing.assert_allclose(leaf.grad, 2 * x, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    x = tm.tensor(np.ones((3, 6), dtype), requires_grad=True)
    parts = (*F.rfft(x), *F.dft(x))
    y = F.irfft(*parts[:2])
    y.sum().backward()
    assert {part.dtype for part in (*parts, y)} == {np.dtype(dtype)} and x.grad.dtype == dtype


def test_errors():
    for x in (np.zeros((2, 0)), np.zeros(())):
        with pytest.raises(ValueError, match="rfft: needs at least one sample"):
            F.rfft(x)
    for shapes, n in ((((3,), (3,)), 3), (((3,), (2,)), None), (((1,), (1,)), None), (((3,), (3,)), 6)):
        with pytest.raises(ValueError, match="irfft: .* samples need real and imaginary parts of"):
            F.irfft(*map(np.zeros, shapes), n)
