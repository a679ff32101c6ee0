r"""What two towers can do beside search: name a class they were never trained on, caption from a gallery.

A class is a text: its vector is that of a prompt such as "a red circle". An image belongs to the class whose vector is
nearest.

The softmax over the classes' cosines is no probability of the classes. Its temperature was learned for telling apart
the captions of a training batch, how many and which the classes are was chosen at test time, and the shares of a closed
set add up to 1 whatever is shown: a picture of nothing gets a winner too. So nothing here returns it. What can be said
is which class is nearest, and whether that is near enough, by a threshold that validation images have set.
"""

from typing import NamedTuple

import numpy as np

from ...data.texts import check_known_words, normalise
from ...metrics import dot_products

__all__ = ["NONE_OF_THESE", "Oracle", "RejectionThreshold", "caption_from_gallery", "check_prompts", "class_vectors",
           "classify", "fill_templates", "gallery_oracle", "rejection_threshold"]

NONE_OF_THESE = -1


# Prompts --------------------------------------------------------------------------------------------------------------

def fill_templates(templates, names):
    """The prompts of each class: every template with the class's name in place of {}.

    Parameters
    ----------
    templates : sequence of str
    names : sequence of str

    Returns
    -------
    list of list of str

    Examples
    --------
    >>> fill_templates(["a {}", "there is a {}"], ["circle", "square"])
    [['a circle', 'there is a circle'], ['a square', 'there is a square']]
    """
    wrong = [template for template in templates if template.count("{}") != 1]
    if wrong or not len(templates):
        raise ValueError(f"fill_templates: each template needs one {{}} for the class; got {wrong or 'no template'}")
    return [[template.replace("{}", name) for template in templates] for name in names]


def check_prompts(prompts, known_words=None):
    """Refuse prompts that cannot work: words the text tower does not know, one prompt for two classes, none at all.

    Parameters
    ----------
    prompts : sequence of sequence of str
        Those of each class.
    known_words : collection of str, optional
        The vocabulary, such as a `WordTokenizer`'s `words`; without it every word counts as known.

    Raises
    ------
    ValueError
        Naming the word with the nearest known ones, or the prompt and its two classes.

    Notes
    -----
    An unknown word would become <unk>, and two classes that differ in it only would have one vector. Prompts are
    compared in their normal form.

    Examples
    --------
    >>> check_prompts([["a red circle"], ["a red sqare"]], ["a", "red", "circle", "square"])
    Traceback (most recent call last):
    ValueError: prompts: every word must be in the vocabulary; got 'sqare' in 'a red sqare' (known words near it:
        square)
    """
    if not len(prompts) or any(isinstance(group, str) or not len(group) for group in prompts):
        raise ValueError("prompts: there must be at least one class, and a list of at least one prompt for each")
    owner = {}
    for k, group in enumerate(prompts):
        for prompt in group:
            if known_words is not None:
                check_known_words("prompts", prompt, known_words)
            first = owner.setdefault(normalise(prompt), k)
            if first != k:
                raise ValueError(f"prompts: two classes must not have the same prompt; got {prompt!r} for classes "
                                 f"{first} and {k}")


def class_vectors(encode, prompts):
    r"""A unit vector for each class from the ensemble of its prompts.

    $$ v_c = \frac{u_c}{\lVert u_c \rVert}, \qquad u_c = \operatorname{mean}_k \frac{e(p_{ck})}{\lVert e(p_{ck}) \rVert}
    $$

    Parameters
    ----------
    encode : callable
        e: ``encode(texts)`` gives an array (n, D) for a list of n texts.
    prompts : sequence of sequence of str
        Those of each class; see `fill_templates` and `check_prompts`.

    Returns
    -------
    (C, D) ndarray

    Raises
    ------
    ValueError
        As `check_prompts`, or if the prompts of a class cancel to zero.

    Notes
    -----
    Without the inner division a longer vector would count for more; without the outer one, a class whose prompts agree
    would have a longer vector, and larger products with everything, than a class whose prompts do not.

    References
    ----------
    Radford et al. (2021), §3.1.4.

    Examples
    --------
    >>> letters = lambda texts: np.array([[text.count("a"), text.count("b")] for text in texts], float)
    >>> class_vectors(letters, [["a", "aaa"], ["b"]]).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    check_prompts(prompts)
    vectors = np.asarray(encode([prompt for group in prompts for prompt in group]))         # (Σ n_c, D)
    ends = np.cumsum([len(group) for group in prompts])[:-1]
    return _unit(np.stack([_unit(group).mean(axis=0) for group in np.split(vectors, ends)]))


# Classes --------------------------------------------------------------------------------------------------------------

def classify(x, vectors, threshold=None):
    """The nearest class of each item, and its cosine.

    Parameters
    ----------
    x : (N, D) float array
        Embeddings of the items.
    vectors : (C, D) float array
        As `class_vectors` gives them.
    threshold : float, optional
        An item whose nearest class has a smaller cosine gets `NONE_OF_THESE` = −1; see `rejection_threshold`.

    Returns
    -------
    int64 ndarray (N,), float ndarray (N,)
        Of equally near classes the first is taken.

    Examples
    --------
    >>> classes, cosines = classify([[2.0, 0.1], [1.0, 1.0]], np.eye(2), threshold=0.9)
    >>> classes.tolist(), cosines.round(3).tolist()
    ([0, -1], [0.999, 0.707])
    """
    cosines = dot_products(_unit(x), _unit(vectors))                                        # (N, C)
    nearest = cosines.argmax(axis=1)
    best = cosines.max(axis=1)
    return nearest if threshold is None else np.where(best >= threshold, nearest, NONE_OF_THESE), best


class RejectionThreshold(NamedTuple):
    """What `rejection_threshold` chose, and how it did on the items it was chosen by."""

    threshold: float
    accepted: float     # share of the known items that are at or above it
    rejected: float     # share of the others that are below it


def rejection_threshold(known, others):
    r"""The cosine below which an item is none of the classes: where (accepted + rejected) / 2 is largest.

    Parameters
    ----------
    known : (n,) float array
        The nearest class's cosine of validation items that belong to one of the classes.
    others : (m,) float array
        The same of validation items that belong to none.

    Returns
    -------
    RejectionThreshold

    Raises
    ------
    ValueError
        If one of the two is empty or holds NaN.

    Notes
    -----
    The share accepted of the known and the share rejected of the others count the same, however many there are of each.
    Candidates are the middles between neighbouring values, and both ends; of equally good ones the middle one is taken.
    Only validation items may set it: chosen by test items, it would fit their chance.

    Examples
    --------
    >>> rejection_threshold([0.5, 0.3, 0.6], [0.1, 0.2, 0.4])
    RejectionThreshold(threshold=0.25, accepted=1.0, rejected=0.6666666666666666)
    """
    known, others = (np.sort(np.asarray(a, float)) for a in (known, others))
    if known.ndim != 1 or others.ndim != 1 or not len(known) or not len(others) or np.isnan([*known, *others]).any():
        raise ValueError("rejection_threshold: needs cosines of items of the classes and of none of them, without NaN; "
                         f"got {known.shape} and {others.shape}")
    values = np.unique(np.concatenate([known, others]))
    candidates = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2, np.nextafter(values[-1:], np.inf)])
    accepted = 1 - np.searchsorted(known, candidates) / len(known)
    rejected = np.searchsorted(others, candidates) / len(others)
    balanced = accepted + rejected
    best = np.flatnonzero(balanced >= balanced.max() - 1e-12)
    k = best[(len(best) - 1) // 2]
    return RejectionThreshold(float(candidates[k]), float(accepted[k]), float(rejected[k]))


# Captions from a gallery ----------------------------------------------------------------------------------------------

def caption_from_gallery(x, vectors, captions):
    """The nearest caption of a gallery for each item: it finds what somebody has said, it says nothing new.

    Parameters
    ----------
    x : (N, D) float array
        Embeddings of the items.
    vectors : (M, D) float array
        Embeddings of the gallery's captions.
    captions : sequence of str
        M of them.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If the gallery is empty, or captions and vectors are not as many.

    Examples
    --------
    >>> caption_from_gallery([[0.9, 0.2]], np.eye(2), ["a cat", "a dog"])
    ['a cat']
    """
    _check_gallery(captions)
    if len(captions) != len(vectors):
        raise ValueError(f"gallery: needs a vector for each caption; got {len(vectors)} and {len(captions)}")
    nearest, _ = classify(x, vectors)
    return [captions[k] for k in nearest]


class Oracle(NamedTuple):
    """What `gallery_oracle` returns: the best that any search of this gallery could have found."""

    captions: list          # of str, one for each item
    scores: np.ndarray      # (N,)


def gallery_oracle(captions, references, score):
    """The gallery's best caption for each item by a metric: the bound of all captioning by retrieval.

    Parameters
    ----------
    captions : sequence of str
        The gallery; equal captions are tried once.
    references : sequence of sequence of str
        The right captions of each item.
    score : callable
        ``score(caption, references)`` gives a number; higher is better.

    Returns
    -------
    Oracle

    Raises
    ------
    ValueError
        If the gallery is empty.

    Notes
    -----
    Its scores beside those of `caption_from_gallery` say how much is lost by the embeddings, and how much by the
    gallery: where the oracle is at .6, no better tower helps.

    Examples
    --------
    >>> gallery_oracle(["a cat", "a dog"], [["a dog"], ["two birds"]], lambda caption, right: float(caption in right))
    Oracle(captions=['a dog', 'a cat'], scores=array([1., 0.]))
    """
    _check_gallery(captions)
    distinct = list(dict.fromkeys(captions))
    best, scores = [], []
    for right in references:
        each = np.array([float(score(caption, right)) for caption in distinct])
        if np.isnan(each).any():
            raise ValueError("gallery_oracle: a score must not be NaN")
        best.append(distinct[each.argmax()])
        scores.append(each.max())
    return Oracle(best, np.array(scores))


def _check_gallery(captions):
    if not len(captions):
        raise ValueError("gallery: must hold at least one caption; got none")


def _unit(x):
    """Rows brought to length 1; one of length 0 is refused, as it is near to nothing."""
    x = np.asarray(x)
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind != "f":
        raise ValueError(f"zero_shot: embeddings must be a non-empty floating-point matrix; got {x.dtype} {x.shape}")
    length = np.linalg.norm(x, axis=1, keepdims=True)
    if not (length > 0).all():
        raise ValueError(f"zero_shot: an embedding needs a length; row {(~(length > 0)).argmax()} has {length.min()}")
    return x / length
