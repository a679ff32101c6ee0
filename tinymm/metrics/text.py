"""Captions as the scores see them, sequences of tokens; and how text becomes one.

Every score in this room takes captions either as strings, split on white space, or as sequences of hashable tokens
(words, or the integer ids a decoder emits) exactly as they are. An accent in a string may be written as one code point
or as two (it is brought to Unicode's form NFC). `caption_tokens` is the normaliser: apply it first to raw text, so that
"A dog." and "a dog" are the same caption. `exact_match` and `caption_scores` apply it themselves.
"""

import re
import unicodedata
from functools import cache

import numpy as np

from ..letters import fold, fragments

__all__ = ["caption_tokens", "exact_match", "split_at_spaces", "tokenised_pairs", "tokenised_references"]


@cache
def _token():
    """The pattern of a token. Alternatives are tried in order at each position: a clitic, an abbreviation (u.s.), a
    number (3.5, 1,000), the word before "n't", a word (which may hold hyphens and slashes, as close-up does), a Han
    character, an emoji, a symbol read aloud (&, %, °).
    """
    part = fragments()
    end = f"(?!{part.letter}|{part.mark})"
    return re.compile(rf"""
        n't{end}
      | '(?:s|re|ve|ll|d|m){end}
      | (?:(?![\d_]){part.letter}{part.mark}*\.){{2,}}
      | \d+(?:[.,:]\d+)+{end}
      | (?:{part.letter}{part.mark}*)+?(?=n't{end})
      | {part.run}(?:[-/]{part.run})*
      | {part.han}
      | {part.emoji}
      | [&$%\#@+=*{part.symbols}]{part.mark}*
    """, re.VERBOSE)


def caption_tokens(text):
    """Lower-case a caption, drop its punctuation and split it into tokens.

    The rules are close to the Penn Treebank tokeniser as COCO's caption evaluation uses it: clitics are split off
    ("dog's" gives "dog", "'s"; "isn't" gives "is", "n't"), hyphenated words stay whole, punctuation marks vanish.

    Parameters
    ----------
    text : str
        A raw caption.

    Returns
    -------
    list of str
        The tokens; joining them by spaces and tokenising again gives the same list.

    Raises
    ------
    ValueError
        If `text` is not a string.

    Notes
    -----
    On 6,005 COCO captions the result equals that tokeniser's in all but 8, which end in an abbreviation ("etc.", "st.")
    and keep its full stop there.

    Words of all scripts keep their combining marks, vowel signs and joiners, and accents are composed (NFC). Symbols
    beyond ASCII stay (€, °, emoji with all that is joined to them): two different faces are two captions.

    In scripts without spaces between words, each Han character is a token, as in SacreBLEU's "zh"; a run of kana, Thai,
    Lao, Khmer or Burmese letters is one: split such captions with a dictionary and pass the scores lists of words.

    Examples
    --------
    >>> caption_tokens('A close-up of the dog\\'s "red" ball, on grass.')
    ['a', 'close-up', 'of', 'the', 'dog', "'s", 'red', 'ball', 'on', 'grass']
    >>> caption_tokens("काली बिल्ली, 👩🏽‍🚀!") == ["काली", "बिल्ली", "👩🏽‍🚀"]
    True
    """
    if not isinstance(text, str):
        raise ValueError(f"caption_tokens: text must be a string; got {type(text).__name__}")
    return _token().findall(fold(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def split_at_spaces(text):
    """The words of a text as they are, but for accents, which are composed (NFC).

    Examples
    --------
    >>> split_at_spaces("A dog.")
    ['A', 'dog.']
    """
    return unicodedata.normalize("NFC", text).split()


def tokenised_pairs(hypotheses, references, name, tokenise=split_at_spaces):
    """Check hypotheses against their references and turn every caption into a tuple of tokens.

    Parameters
    ----------
    hypotheses : sequence of N str, or of N token sequences
        One caption per item.
    references : sequence of N sequences of str, or of token sequences
        One or more true captions per item. Strings and token sequences may not be mixed: a mixture is a sign that a
        level of nesting is missing, and each word would silently become a reference of its own.
    name : str
        The score that calls, for its error messages.
    tokenise : callable, optional
        Applied to strings; token sequences are taken as they are.

    Returns
    -------
    list of (hypothesis, references)
        N pairs of a token tuple and a list of token tuples.

    Raises
    ------
    ValueError
        If the lengths differ, there are no items, an item has no reference, or the nesting is wrong.

    Examples
    --------
    >>> tokenised_pairs(["a dog"], [["a dog", "one dog"]], "demo")
    [(('a', 'dog'), [('a', 'dog'), ('one', 'dog')])]
    """
    if isinstance(hypotheses, str):
        raise ValueError(f"{name}: hypotheses must be a list with one caption per item; got the string {hypotheses!r}")
    _check_references(references, name)
    if len(hypotheses) != len(references):
        raise ValueError(
            f"{name}: hypotheses and references must have the same length; got {len(hypotheses)} and {len(references)}"
        )
    items = [_token_tuples([hypothesis, *item], name, i, tokenise)
             for i, (hypothesis, item) in enumerate(zip(hypotheses, references))]
    return [(item[0], item[1:]) for item in items]


def tokenised_references(references, name, tokenise=split_at_spaces):
    """Check references as `tokenised_pairs` does, and turn every caption into a tuple of tokens.

    Parameters
    ----------
    references : sequence of N sequences of str, or of token sequences
    name : str
    tokenise : callable, optional
        As in `tokenised_pairs`.

    Returns
    -------
    list of N lists of token tuples

    Raises
    ------
    ValueError
        If there are no items, an item has no reference, or the nesting is wrong.

    Examples
    --------
    >>> tokenised_references([["a dog", "one dog"]], "demo")
    [[('a', 'dog'), ('one', 'dog')]]
    """
    _check_references(references, name)
    return [_token_tuples(item, name, i, tokenise) for i, item in enumerate(references)]


def _check_references(references, name):
    if isinstance(references, str):
        raise ValueError(f"{name}: references must be a list with one list per item; got the string {references!r}")
    if len(references) == 0:
        raise ValueError(f"{name}: at least one item is needed; got none")
    for i, item in enumerate(references):
        if isinstance(item, str):
            raise ValueError(f"{name}: every item needs a list of references; got the string {item!r} for item {i}")
        if len(item) == 0:
            raise ValueError(f"{name}: every item needs at least one reference; got none for item {i}")


def _token_tuples(captions, name, item, tokenise):
    strings = [isinstance(caption, str) for caption in captions]
    if any(strings) and not all(strings):
        raise ValueError(
            f"{name}: captions must be all strings or all token sequences; got both in item {item} "
            "(is a level of nesting missing in the references?)"
        )
    try:
        tuples = [tuple(tokenise(caption) if all(strings) else caption) for caption in captions]
        hash(tuple(tuples))
    except TypeError:
        raise ValueError(
            f"{name}: a caption must be a string or a sequence of hashable tokens; got {captions!r} for item {item}"
        ) from None
    return tuples


def exact_match(hypotheses, references):
    """Fraction of hypotheses that equal one of their references, token for token.

    Parameters
    ----------
    hypotheses : sequence of N str, or of N token sequences
        Strings are normalised by `caption_tokens`; token sequences are compared as they are.
    references : sequence of N sequences of the same
        One or more true captions per item.

    Returns
    -------
    score : float
        The mean over items, in [0, 1].
    per_item : (N,) bool ndarray
        Which items match.

    Raises
    ------
    ValueError
        As `tokenised_pairs` does.

    Examples
    --------
    >>> score, per_item = exact_match(["A red dog.", "a cat"], [["a red dog"], ["two cats", "a dog"]])
    >>> score, per_item.tolist()
    (0.5, [True, False])
    """
    pairs = tokenised_pairs(hypotheses, references, "exact_match", caption_tokens)
    per_item = np.array([hypothesis in item_references for hypothesis, item_references in pairs])
    return float(per_item.mean()), per_item
