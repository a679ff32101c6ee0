"""einsum against NumPy's on longer equations than the rows draw, what it refuses, and in which order it multiplies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinymm.functional as F
from tinymm.functional import contraction

SIZES = dict(zip("abcde", (2, 3, 4, 5, 2)))


@st.composite
def equations(draw):
    """One to four operands whose labels are all over the place, now and then twice in one;
    any axis may be 1 to broadcast."""
    terms = [draw(st.lists(st.sampled_from("abcde"), max_size=4)) for _ in range(draw(st.integers(1, 4)))]
    known = sorted(set().union(*terms))
    out = draw(st.permutations(known))[:draw(st.integers(0, len(known)))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    stretched = [draw(st.sets(st.sampled_from("abcde"), max_size=2)) for _ in terms]
    operands = [rng.standard_normal([1 if c in ones else SIZES[c] for c in term])
                for term, ones in zip(terms, stretched)]
    return f"{','.join(map(''.join, terms))}->{''.join(out)}", operands


@given(equations())
def test_it_is_the_einsum_of_numpy(drawn):
    equation, operands = drawn
    expected = np.einsum(equation, *operands)
    np.testing.assert_allclose(F.einsum(equation, *operands), expected, rtol=1e-11,
                               atol=1e-12 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("equation, shapes", [
    ("ab->ba", [(2, 3)]), ("abc->ca", [(2, 3, 4)]), ("ab,bc,cd->ad", [(2, 3), (3, 4), (4, 5)]),
    ("aab->ba", [(2, 2, 3)]), ("ab,bc->ac", [(2, 3), (1, 4)]), ("ab,bc->ac", [(2, 1), (3, 4)]),
    ("ab,a,b->", [(2, 3), (2,), (3,)]), (" a b, b c -> c a ", [(2, 3), (3, 4)]),
    ("ab,ab,ab->a", [(2, 3), (2, 1), (1, 3)])])
def test_one_of_each_kind(equation, shapes, rng):
    operands = [rng.standard_normal(shape) for shape in shapes]
    np.testing.assert_allclose(F.einsum(equation, *operands), np.einsum(equation, *operands), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("sizes, products", [
    ((2, 3, 4, 5), ["ac", "ad"]), ((5, 4, 3, 2), ["bd", "ad"]), ((5, 2, 9, 3), ["bd", "ad"]),
    ((9, 3, 2, 9), ["ac", "ad"])])
def test_the_pair_with_the_smallest_product_goes_first(sizes, products, monkeypatch):
    met, contract = [], contraction.contract
    monkeypatch.setattr(contraction, "contract", lambda a, b, labels: met.append(labels[2]) or contract(a, b, labels))
    a, b, c, d = sizes
    F.einsum("ab,bc,cd->ad", np.ones((a, b)), np.ones((b, c)), np.ones((c, d)))
    assert met == products


@pytest.mark.parametrize("call, words", [
    (("ij,jk->ik", (2, 3)), "einsum: 'ij,jk->ik' has 2 operands; got 1"),
    (("ij->ji", (2, 3, 4)), "einsum: each operand needs one letter per axis; .*of 3 axes"),
    (("ij->ik", (2, 3)), "einsum: each label of the result.*'ij->ik'"),
    (("ij->ii", (2, 3)), "einsum: each label of the result.*'ij->ii'"),
    (("ij,jk", (2, 3), (4, 5)), r"einsum: axes of one label.*\(2, 3\), \(4, 5\)"),
    (("ii->i", (1, 3)), "einsum: axes of one label"),
    (("i1->i", (1, 3)), "einsum: each operand needs one letter per axis"),
    (("...ij->ij", (3,)), "einsum: each operand needs one letter per axis"),
    (("......", (2, 2, 2, 2, 2, 2)), "einsum: each operand needs one letter per axis"),     # of six, or of twice three
    (("i->i......", (3,)), "einsum: each label of the result"),
])
def test_einsum_says_what_is_wrong_with_an_equation(call, words):
    with pytest.raises(ValueError, match=words):
        F.einsum(call[0], *map(np.zeros, call[1:]))


def test_einsum_on_arrays_is_an_array_and_keeps_float32(rng):
    a, b = (rng.standard_normal((3, 3)).astype(np.float32) for _ in range(2))
    for equation in ("ij,jk->ik", "ij,ij->", "ii,ij->j", "ij,kl->", "i...,...j->...ij"):
        y = F.einsum(equation, a, b)
        assert isinstance(y, np.ndarray) and y.dtype == np.float32
        np.testing.assert_allclose(y, np.einsum(equation, a, b), rtol=1e-4, atol=1e-5)


def test_einsum_of_attention_goes_through_matmul(monkeypatch, rng):
    """NumPy's own loop would be many times slower."""
    monkeypatch.setattr(np, "einsum", None)
    q, k = rng.standard_normal((2, 5, 3, 4)), rng.standard_normal((2, 6, 3, 4))
    np.testing.assert_allclose(F.einsum("bqhd,bkhd->bhqk", q, k), q.transpose(0, 2, 1, 3) @ k.transpose(0, 2, 3, 1),
                               rtol=1e-12)
