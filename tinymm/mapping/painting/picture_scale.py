"""Pictures as numbers of mean 0 and variance 1, which is what models like to be given and to give."""

import numpy as np

__all__ = ["PictureScale"]


class PictureScale:
    r"""$x = (\text{picture} - \mu_c) / s_c$ for each channel c, and back.

    Parameters
    ----------
    mean, std : sequence of 3 float
        Of training pictures in [0, 1].

    Examples
    --------
    >>> shades = np.array([0.2, 0.6], np.float32).reshape(2, 1, 1, 1)
    >>> scale = PictureScale.of(shades * np.ones((1, 3, 4, 4), np.float32))
    >>> scale.to_data(np.full((1, 3, 1, 1), 0.6, np.float32)).ravel().round(4)
    array([1., 1., 1.], dtype=float32)
    """

    def __init__(self, mean=(0.5,) * 3, std=(0.5,) * 3):
        self.mean, self.std = (np.array(of, np.float32)[:, None, None] for of in (mean, std))    # (3, 1, 1)

    @classmethod
    def of(cls, images):
        """The scale of pictures (N, 3, H, W); of a channel that never changes, the deviation counts as 0.001."""
        mean, std = images.mean((0, 2, 3), dtype=np.float64), images.std((0, 2, 3), dtype=np.float64)
        return cls(np.minimum(mean, 0.999), np.maximum(std, 1e-3))       # as a config may hold them

    def to_data(self, images):
        """Pictures in [0, 1] to mean 0 and variance 1, both (B, 3, H, W)."""
        return (images - self.mean) / self.std

    def to_images(self, x):
        """The way back; what lies outside [0, 1] is clipped."""
        return np.clip(x * self.std + self.mean, 0, 1)

    def to_json(self):
        """(mean, std) as lists of float."""
        return self.mean.ravel().tolist(), self.std.ravel().tolist()
