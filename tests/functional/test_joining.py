"""Padding and joining at the edges of what they accept."""

import numpy as np
import pytest

import tinymm.functional as F


@pytest.mark.parametrize("shape, widths", [((0,), (1, -1)), ((1,), (3, -2)), ((2, 1), (-1, -1))])
def test_no_side_crops_more_than_there_is(shape, widths):
    """A crop past the beginning once came round from the end, as negative slices do."""
    with pytest.raises(ValueError, match="pad: cannot crop more than there is"):
        F.pad(np.ones(shape), widths)
