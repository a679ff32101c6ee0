"""Rows for `tinymm.functional.contraction`; the reference is NumPy's, without its detours."""

import numpy as np

from ...functional import einsum
from ..specification import spec
from ..strategies import arrays, einsums, st

SIZES = dict(zip("ijklm", (2, 3, 1, 2, 4)))


@st.composite
def clean(draw):
    """Two operands and a result, each letter in at least two of the three."""
    homes = {c: draw(st.sampled_from(((0, 1), (0, 2), (1, 2), (0, 1, 2))))
             for c in sorted(draw(st.sets(st.sampled_from("ijklm"))))}
    labels = tuple("".join(draw(st.permutations([c for c in sorted(homes) if k in homes[c]]))) for k in range(3))
    return tuple(draw(arrays(tuple(SIZES[c] for c in term))) for term in labels[:2]), {"labels": labels}


def torch_contract(torch, a, b, labels):
    return torch.einsum(f"{labels[0]},{labels[1]}->{labels[2]}", a, b)


spec("contract", clean, lambda a, b, labels: np.einsum(f"{labels[0]},{labels[1]}->{labels[2]}", a, b), torch_contract)
spec("contract", einsums, lambda equation, *operands: np.einsum(equation, *operands),
     lambda torch, equation, *operands: torch.einsum(equation, *operands), function=einsum)
