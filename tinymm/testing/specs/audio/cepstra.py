"""Rows for `tinymm.functional.audio.cepstra`: SciPy's cosine transform, NumPy's fit of a line."""

import numpy as np
import scipy.fft

from ....functional import compute_deltas, mfcc
from ...specification import spec
from ...strategies import arrays, calls, shapes, st
from .mels import log_bands, recordings


def fitted_slopes(features, win_length):
    """Around each frame a line by least squares."""
    reach = win_length // 2
    wide = np.pad(features, [(0, 0)] * (features.ndim - 2) + [(reach, reach), (0, 0)], "edge")
    y = np.empty(features.shape)
    for place in np.ndindex(features.shape):
        *lead, t, f = place
        y[place] = np.polyfit(np.arange(win_length), wide[(*lead, slice(t, t + win_length), f)], 1)[0]
    return y


def moving():
    return shapes(2, 3, max_side=7).flatmap(lambda shape: calls(arrays(shape), st.sampled_from((3, 5, 7))))


def transformed(x, n_mfcc, **options):
    return scipy.fft.dct(log_bands(x, **options), norm="ortho")[..., :n_mfcc]


spec("getitem", moving, fitted_slopes, function=compute_deltas)
spec("rfft", lambda: recordings(5, n_mfcc=st.sampled_from((1, 3, 5))), transformed, function=mfcc, complex_step=False)
