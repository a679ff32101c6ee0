"""Edit distance and the error rates of speech recognition made from it: WER over words, CER over characters."""

import unicodedata

from ..letters import display_width, graphemes
from .text import split_at_spaces

__all__ = ["aligned_text", "character_error_rate", "edit_alignment", "edit_counts", "edit_distance", "word_error_rate"]


def edit_distance(hypothesis, reference):
    r"""Levenshtein distance: the fewest substitutions, deletions and insertions between two sequences.

    $$ D_{ij} = \min\left(D_{i-1,j-1} + [r_i \ne h_j],\; D_{i-1,j} + 1,\; D_{i,j-1} + 1\right), \qquad
       D_{i0} = i,\; D_{0j} = j $$

    Parameters
    ----------
    hypothesis, reference : sequences of tokens
        A string is a sequence of characters.

    Returns
    -------
    int

    References
    ----------
    Wagner and Fischer, "The string-to-string correction problem", Journal of the ACM 21, 1974.

    Examples
    --------
    >>> edit_distance("sitting", "kitten")
    3
    """
    return _table(hypothesis, reference)[-1][-1]


def edit_alignment(hypothesis, reference):
    """One cheapest way to turn `reference` into `hypothesis`, token by token.

    Parameters
    ----------
    hypothesis, reference : sequences of tokens
        A string is a sequence of characters.

    Returns
    -------
    list of (op, reference token, hypothesis token)
        op is "match", "substitute", "delete" (hypothesis token None) or "insert" (reference token None). Without the
        matches there are `edit_distance` steps. Where several alignments are equally cheap, the steps are chosen from
        the end backwards: a match or substitution before a deletion, a deletion before an insertion.

    Examples
    --------
    >>> edit_alignment("one two four".split(), "one too four five".split())
    [('match', 'one', 'one'), ('substitute', 'too', 'two'), ('match', 'four', 'four'), ('delete', 'five', None)]
    """
    D = _table(hypothesis, reference)
    i, j = len(reference), len(hypothesis)
    steps = []
    while i or j:
        differ = bool(i and j) and reference[i - 1] != hypothesis[j - 1]
        if i and j and D[i][j] == D[i - 1][j - 1] + differ:
            i, j = i - 1, j - 1
            steps.append(("substitute" if differ else "match", reference[i], hypothesis[j]))
        elif i and D[i][j] == D[i - 1][j] + 1:
            i -= 1
            steps.append(("delete", reference[i], None))
        else:
            j -= 1
            steps.append(("insert", None, hypothesis[j]))
    return steps[::-1]


def edit_counts(hypotheses, references):
    """How often each kind of step occurs in the alignments of a corpus.

    Parameters
    ----------
    hypotheses, references : sequences of N token sequences
        One transcript each per item.

    Returns
    -------
    dict of str to int
        The counts of "match", "substitute", "delete" and "insert". The sum of the last three, divided by match +
        substitute + delete (the number of reference tokens), is the error rate.

    Raises
    ------
    ValueError
        If the lengths differ.

    Examples
    --------
    >>> edit_counts(["one two four".split()], ["one too four five".split()])
    {'match': 2, 'substitute': 1, 'delete': 1, 'insert': 0}
    """
    if len(hypotheses) != len(references):
        raise ValueError(f"edit_counts: hypotheses and references must have the same length; "
                         f"got {len(hypotheses)} and {len(references)}")
    counts = dict.fromkeys(("match", "substitute", "delete", "insert"), 0)
    for hypothesis, reference in zip(hypotheses, references):
        for op, _, _ in edit_alignment(hypothesis, reference):
            counts[op] += 1
    return counts


def aligned_text(hypothesis, reference):
    """An alignment to read: the reference ("said") above the hypothesis ("heard"), and S, D or I below each error.

    Parameters
    ----------
    hypothesis, reference : sequences of tokens

    Returns
    -------
    str
        Three lines; where a token has no partner, asterisks fill its place. Columns are as wide as terminals show them.

    Examples
    --------
    >>> print(aligned_text("one two four".split(), "one too four five".split()))
    said   one too four five
    heard  one two four ****
               S        D
    """
    columns = [("said ", "heard ", "")]                         # the spaces set the labels apart
    for op, reference_token, hypothesis_token in edit_alignment(hypothesis, reference):
        mark = "" if op == "match" else op[0].upper()
        if op == "insert":
            heard = str(hypothesis_token)
            said = _asterisks(heard)
        else:
            said = str(reference_token)
            heard = _asterisks(said) if op == "delete" else str(hypothesis_token)
        columns.append((said, heard, mark))
    lines = zip(*map(_padded, columns))
    return "\n".join(" ".join(line).rstrip() for line in lines)


def _asterisks(token):
    """What stands where this token has no partner: at least one, for the empty token too."""
    return "*" * max(1, display_width(token))


def _padded(cells):
    width = max(map(display_width, cells))
    return [cell + " " * (width - display_width(cell)) for cell in cells]


def word_error_rate(hypotheses, references):
    r"""Corpus word error rate: edits over reference words, both summed before dividing.

    $$ \mathrm{WER} = \frac{\sum_i D(h_i, r_i)}{\sum_i |r_i|} $$

    Parameters
    ----------
    hypotheses, references : sequences of N str, or of N token sequences
        One transcript each per item; strings are split on white space, with accents composed (NFC).

    Returns
    -------
    float
        0 is perfect; many insertions bring it above 1.

    Raises
    ------
    ValueError
        If the lengths differ or the references hold no word.

    Examples
    --------
    >>> word_error_rate(["one too", "three four"], ["one two", "three"])       # (1 + 1) / (2 + 1)
    0.6666666666666666
    """
    def words(transcript):
        return split_at_spaces(transcript) if isinstance(transcript, str) else transcript
    return _error_rate(hypotheses, references, words, "word_error_rate")


def character_error_rate(hypotheses, references):
    """Corpus character error rate: as `word_error_rate`, over characters, spaces included.

    A character is what its reader calls one: with its accents, vowel signs and all that is joined to it.

    Parameters
    ----------
    hypotheses, references : sequences of N str
        One transcript each per item, compared as they are, but for accents, which are composed (NFC).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the lengths differ, a transcript is not a string or the references hold no character.

    Examples
    --------
    >>> character_error_rate(["one too"], ["one two"])
    0.14285714285714285
    """
    def characters(transcript):
        if not isinstance(transcript, str):
            raise ValueError(f"character_error_rate: transcripts must be strings; got {type(transcript).__name__}")
        return graphemes(unicodedata.normalize("NFC", transcript))
    return _error_rate(hypotheses, references, characters, "character_error_rate")


def _error_rate(hypotheses, references, tokens, name):
    if isinstance(hypotheses, str) or isinstance(references, str):
        raise ValueError(f"{name}: hypotheses and references must be lists, one entry per item; got a single string")
    if len(hypotheses) != len(references):
        raise ValueError(
            f"{name}: hypotheses and references must have the same length; got {len(hypotheses)} and {len(references)}"
        )
    pairs = [(tokens(hypothesis), tokens(reference)) for hypothesis, reference in zip(hypotheses, references)]
    length = sum(len(reference) for _, reference in pairs)
    if length == 0:
        raise ValueError(f"{name}: the references must hold at least one token; got none in {len(pairs)} items")
    return sum(edit_distance(*pair) for pair in pairs) / length


def _table(hypothesis, reference):
    """The whole table D: (len(reference) + 1) rows of len(hypothesis) + 1."""
    D = [list(range(len(hypothesis) + 1))]
    for i, r in enumerate(reference, start=1):
        above = D[-1]
        row = [i]
        for j, h in enumerate(hypothesis):
            substitute = above[j] + (0 if r == h else 1)        # or match
            delete = above[j + 1] + 1
            insert = row[j] + 1
            row.append(min(substitute, delete, insert))
        D.append(row)
    return D
