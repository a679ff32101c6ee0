"""Rows for `tinymm.functional.contraction`; the reference is NumPy's, without its detours."""

import numpy as np

from ...functional import einsum
from ..specification import spec
from ..strategies import arrays, st

SIZES = dict(zip("ijklm", (2, 3, 1, 2, 4)))


@st.composite
def clean(draw):
    """Two operands and a result, each letter in at least two of the three."""
    homes = {c: draw(st.sampled_from(((0, 1), (0, 2), (1, 2), (0, 1, 2)))) for c in draw(st.sets(st.sampled_from("ijklm")))}
    labels = tuple("".join(draw(st.permutations([c for c in sorted(homes) if k in homes[c]]))) for k in range(3))
    return tuple(draw(arrays(tuple(SIZES[c] for c in term))) for term in labels[:2]), {"labels": labels}


@st.composite
def equations(draw):
    """Any equation: repeated labels, lone labels, dots, axes of length 1 that broadcast, no arrow."""
    terms, operands = [], []
    for _ in range(draw(st.integers(1, 3))):
        term = "".join(draw(st.lists(st.sampled_from("ijkl"), max_size=3)))
        once = {c: SIZES[c] if draw(st.integers(0, 3)) or term.count(c) > 1 else 1 for c in term}
        shape = [once[c] for c in term]
        if draw(st.integers(0, 3)) == 0:
            at = draw(st.integers(0, len(term)))
            term = term[:at] + "..." + term[at:]
            shape[at:at] = draw(st.sampled_from(((), (2,), (3, 2), (1, 2))))
        terms.append(term)
        operands.append(draw(arrays(tuple(shape))))
    equation = ",".join(terms)
    if draw(st.booleans()):
        known = sorted(set(equation) - set(",."))
        out = "".join(draw(st.permutations(known))[:draw(st.integers(0, len(known)))])
        equation += "->" + ("..." if "..." in equation else "") + out
    return (equation, *operands), {}


def torch_contract(torch, a, b, labels):
    return torch.einsum(f"{labels[0]},{labels[1]}->{labels[2]}", a, b)


spec("contract", clean, lambda a, b, labels: np.einsum(f"{labels[0]},{labels[1]}->{labels[2]}", a, b), torch_contract)
spec("contract", equations, lambda equation, *operands: np.einsum(equation, *operands),
     lambda torch, equation, *operands: torch.einsum(equation, *operands), function=einsum)
