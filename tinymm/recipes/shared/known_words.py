"""A query or a prompt must be made of words that were learned: of others the text tower knows nothing."""

from difflib import get_close_matches

from ...data import split_words
from ...data.files import quoted
from ...data.texts.tokenizer import SPECIALS
from .options import require

__all__ = ["check_known"]

SHOWN = 3  # words that are suggested


def check_known(tokens, text):
    """Raise ValueError for a text without words, or with one outside the vocabulary; naming the nearest known words.

    Parameters
    ----------
    tokens : WordTokenizer or SubwordTokenizer
    text : str

    Examples
    --------
    >>> from tinymm.data import WordTokenizer
    >>> check_known(WordTokenizer(["a", "red", "circle"]), "a redd circle")
    Traceback (most recent call last):
    ValueError: query: must be of words that were learned; got 'redd', the nearest known words are red
    """
    words = split_words(text)
    require(words, "query", "must have a word", quoted(text))
    known = sorted(set(tokens.words) - set(SPECIALS))
    for word in words:
        if word not in known:
            near = get_close_matches(word, known, SHOWN, cutoff=0.5) or known[:SHOWN]
            require(False, "query", "must be of words that were learned",
                    f"{quoted(word)}, the nearest known words are {', '.join(near)}")
