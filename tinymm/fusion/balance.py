r"""Is one modality starving the other? How much each encoder learns, and a remedy.

What all modalities have learned to predict together leaves little gradient for the one that learns slowly: the
cross-entropy's $p - y$ is the same for all of them and vanishes with the faster one's success.
"""

import math

import numpy as np

from .. import functional as F
from ..autograd import no_grad

__all__ = ["GradientModulation", "confidences", "gradient_norms"]


def gradient_norms(model):
    """The norm of each encoder's gradient: dict of modality to float.

    Parameters
    ----------
    model : FusedClassifier
        After a backward pass.
    """
    return {name: math.sqrt(sum(float(np.vdot(p.grad, p.grad)) for p in encoder.parameters() if p.grad is not None))
            for name, encoder in model.encoders.items()}


def confidences(model, encoded, labels):
    r"""How sure each modality alone is of the right class: dict of modality to the mean of $p(y \mid x_m)$.

    The other modalities are declared absent, so this works for any fusion. Nothing is recorded.

    Parameters
    ----------
    model : FusedClassifier
    encoded : list of Encoded
        As `model.encode` gives it.
    labels : int array (B,)
    """
    found, rows = {}, np.arange(len(labels))
    with no_grad():
        for m, name in enumerate(model.fusion.modalities):
            present = np.zeros((len(labels), len(encoded)), bool)
            present[:, m] = True
            p = F.softmax(model.decide(encoded, present)[0].data, -1)
            found[name] = float(p[rows, labels].mean())
    return found


class GradientModulation:
    r"""Slow the modality that is ahead: its encoder's gradient is multiplied by

    $$k_m = 1 - \tanh(\alpha\, \rho_m) \text{ where } \rho_m > 1, \text{ else } 1, \qquad
      \rho_m = \frac{s_m}{\tfrac{1}{M - 1} \sum_{n \ne m} s_n}$$

    with $s_m$ the confidence of modality m alone. Gaussian noise as large as the gradient's own spread makes up for
    the noise that a smaller gradient lacks.

    An object of this class is what a Trainer calls `after_backward`. The loss must report what `confidences` gives, as
    "confidence/NAME".

    Parameters
    ----------
    alpha : float
        α, how strongly; 0 halts nothing.
    noise : bool
        Whether to add the noise.

    References
    ----------
    Peng et al. (2022), Balanced multimodal learning via on-the-fly gradient modulation, eq. 8 to 11 (two modalities;
    here the others' mean stands for the other one).

    Examples
    --------
    >>> import tinymm as tm
    >>> k = GradientModulation(alpha=0.5).coefficients({"text": 0.6, "image": 0.3})
    >>> round(k["text"], 3), k["image"]
    (0.238, 1.0)
    """

    def __init__(self, alpha=0.5, noise=True):
        if not 0 <= alpha < math.inf:
            raise ValueError(f"GradientModulation: alpha must be finite and at least 0; got {alpha}")
        self.alpha, self.noise = alpha, noise

    def coefficients(self, confidence):
        """k of each modality, from its confidence: dict of str to float."""
        found = {}
        for name, s in confidence.items():
            others = [other for n, other in confidence.items() if n != name]
            ratio = s * len(others) / max(sum(others), 1e-12)
            found[name] = 1 - math.tanh(self.alpha * ratio) if ratio > 1 else 1.0
        return found

    def __call__(self, model, numbers, rng):
        """Change the gradients of `model.encoders`; the coefficients join `numbers` as "modulation/NAME"."""
        confidence = {name: numbers[f"confidence/{name}"] for name in model.fusion.modalities}
        for name, k in self.coefficients(confidence).items():
            numbers[f"modulation/{name}"] = k
            if k == 1:
                continue
            for p in model.encoders[name].parameters():
                if p.grad is not None:
                    p.grad *= k
                    if self.noise and p.grad.size > 1:
                        p.grad += (p.grad.std() * rng.standard_normal(p.grad.shape)).astype(p.grad.dtype)
