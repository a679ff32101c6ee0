"""The scores a captioning recipe reports, in one flat dictionary: BLEU, CIDEr-D, ROUGE-L and exact match."""

from .bleu import bleu
from .cider import cider_d
from .rouge import rouge_l
from .text import caption_tokens, exact_match, tokenised_pairs

__all__ = ["caption_scores"]


def caption_scores(hypotheses, references, document_frequency=None):
    """Score captions against their references by every measure of this room.

    Parameters
    ----------
    hypotheses : sequence of N str, or of N token sequences
        One caption per item. Strings are normalised by `caption_tokens`; token sequences are taken as they are.
    references : sequence of N sequences of the same
        One or more true captions per item.
    document_frequency : DocumentFrequency, optional
        Weights for CIDEr-D; by default from the references given here.

    Returns
    -------
    dict from str to float
        "bleu1", "bleu2", "bleu3", "bleu4", "cider_d" (0 to 10), "rouge_l", "exact_match".

    Raises
    ------
    ValueError
        As `tokenised_pairs` does.

    Notes
    -----
    METEOR and SPICE are absent: they need WordNet or a parser.

    Examples
    --------
    >>> scores = caption_scores(["A red dog.", "a cat sleeps"], [["a red dog"], ["the cat sleeps", "a cat"]])
    >>> {name: round(score, 3) for name, score in scores.items() if name in ("bleu1", "rouge_l", "exact_match")}
    {'bleu1': 1.0, 'rouge_l': 0.915, 'exact_match': 0.5}
    """
    pairs = tokenised_pairs(hypotheses, references, "caption_scores", caption_tokens)
    hypotheses, references = zip(*pairs)
    scores = {f"bleu{n}": float(score) for n, score in enumerate(bleu(hypotheses, references), start=1)}
    scores["cider_d"] = cider_d(hypotheses, references, document_frequency=document_frequency)[0]
    scores["rouge_l"] = rouge_l(hypotheses, references)[0]
    scores["exact_match"] = exact_match(hypotheses, references)[0]
    return scores
