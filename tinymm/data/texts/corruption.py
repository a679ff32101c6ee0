"""Texts made worse: words are missing, or others stand in their places.

Severity is the probability that a word is hit, each on its own: 0 leaves a text as it is, 1 hits every word. With the
same seed, a word that is hit at some severity is hit at every higher one.
"""

import numpy as np

from ..severity import severities

__all__ = ["with_words_exchanged", "with_words_missing"]


def with_words_missing(texts, severity, rng):
    """Leave out words.

    Parameters
    ----------
    texts : sequence of str
        Words separated by white space.
    severity : float, or sequence of one for each text
        In [0, 1].
    rng : numpy.random.Generator

    Returns
    -------
    list of str
        Words separated by single spaces; "" where none is left.

    Raises
    ------
    ValueError
        If a severity is outside [0, 1], or there is not one for each text.

    Examples
    --------
    >>> with_words_missing(["a small red circle", "a cross"], 0.5, np.random.default_rng(0))
    ['a', 'a cross']
    """
    by_text = severities("with_words_missing", severity, len(texts), "texts")
    kept = []
    for text, own in zip(texts, by_text):
        words = text.split()
        hit = rng.random(len(words)) < own
        kept.append(" ".join(word for word, is_hit in zip(words, hit) if not is_hit))
    return kept


def with_words_exchanged(texts, severity, rng, words):
    """Put other words in the place of words.

    Words of the same language mislead; words of another one, which a reader does not know, say nothing.

    Parameters
    ----------
    texts : sequence of str
    severity : float, or sequence of one for each text
    rng : numpy.random.Generator
    words : sequence of str
        The others; each is as likely, but none takes its own place.

    Returns
    -------
    list of str
        Of as many words as before.

    Raises
    ------
    ValueError
        As `with_words_missing`, or if there are fewer than two different `words`.

    Examples
    --------
    >>> with_words_exchanged(["small red circle"], 1.0, np.random.default_rng(0), ["rouge", "petit"])
    ['rouge petit petit']
    """
    by_text = severities("with_words_exchanged", severity, len(texts), "texts")
    others = {word: [other for other in dict.fromkeys(words) if other != word]
              for word in {*words, *(word for text in texts for word in text.split())}}
    if len(set(words)) < 2:
        raise ValueError(f"with_words_exchanged: needs two different words or more to exchange with; got {list(words)}")
    exchanged = []
    for text, own in zip(texts, by_text):
        before = text.split()
        hit = rng.random(len(before)) < own
        drawn = rng.random(len(before))
        exchanged.append(" ".join(others[word][int(u * len(others[word]))] if is_hit else word
                                  for word, is_hit, u in zip(before, hit, drawn)))
    return exchanged
