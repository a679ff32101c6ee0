"""What a masked model is shown and asked: words hidden, replaced, or left as they are; regions hidden or left."""

import numpy as np

__all__ = ["UNCHOSEN", "mask_regions", "mask_tokens"]

UNCHOSEN = -100  # the label of a place of which nothing is asked
HIDDEN, REPLACED = 0.8, 0.1  # of the chosen places; the rest shows the true word
EMPTIED = 0.9  # of the chosen regions; the rest is shown


def mask_tokens(ids, maskable, mask_id, replacements, rng, share=0.15, starts=None):
    r"""Choose places in each text; hide 80 % of them, replace 10 % by other words, leave 10 %.

    In a text of n words $\max(1, \operatorname{round}(0.15\,n))$ places are chosen, each as likely as any other. The
    model must predict all of them: if only hidden places were asked, it would need to know nothing of words that it
    sees, and later tasks hide none.

    Parameters
    ----------
    ids : int array (B, T)
    maskable : bool array (B, T)
        True where a place may be chosen: a word, no padding and no special token.
    mask_id : int
        What stands for a hidden word.
    replacements : int array
        The words to draw replacements from: no special tokens. The true word may be drawn.
    rng : numpy.random.Generator
    share : float
        Of the maskable words, how many are chosen.
    starts : bool array (B, T), optional
        True at the first piece of each word: whole words are chosen then, with all their pieces.

    Returns
    -------
    shown : int array (B, T)
    labels : int array (B, T)
        The true word at chosen places, -100 elsewhere.

    Raises
    ------
    ValueError
        If `share` is not in (0, 1], shapes differ, or no text has a maskable word.

    References
    ----------
    Devlin et al. (2019), BERT, §3.1 and appendix A.1; whole words: the authors' code of May 2019.

    Examples
    --------
    >>> ids = np.array([[1, 7, 8, 9, 2]])
    >>> shown, labels = mask_tokens(ids, ids > 4, 4, np.arange(5, 10), np.random.default_rng(0))
    >>> shown, labels
    (array([[1, 7, 8, 4, 2]]), array([[-100, -100, -100,    9, -100]]))
    """
    if not 0 < share <= 1:
        raise ValueError(f"mask_tokens: share must lie in (0, 1]; got {share}")
    if ids.shape != maskable.shape or (starts is not None and starts.shape != ids.shape):
        raise ValueError("mask_tokens: ids, maskable and starts must have one shape; got "
                         f"{ids.shape}, {maskable.shape}{'' if starts is None else f', {starts.shape}'}")
    if not maskable.any():
        raise ValueError("mask_tokens: some word must be maskable; got special tokens and padding only")
    chosen = _chosen(maskable, rng, share) if starts is None else _chosen_words(maskable, starts, rng, share)
    fate = rng.random(ids.shape)
    drawn = rng.choice(replacements, ids.shape)
    shown = np.where(chosen & (fate < HIDDEN), mask_id, ids)
    shown = np.where(chosen & (fate >= HIDDEN) & (fate < HIDDEN + REPLACED), drawn, shown)
    return shown, np.where(chosen, ids, UNCHOSEN)


def mask_regions(features, maskable, rng, share=0.15):
    r"""Choose regions in each picture; set the features of 90 % of them to zero, leave 10 %.

    Of n regions $\max(1, \operatorname{round}(0.15\,n))$ are chosen. Where a region lies stays known.

    Parameters
    ----------
    features : float array (B, N, F)
    maskable : bool array (B, N)
        True where a region may be chosen: no padding, and not the whole picture.
    rng : numpy.random.Generator
    share : float
        Of the maskable regions, how many are chosen.

    Returns
    -------
    shown : float array (B, N, F)
    chosen, emptied : bool array (B, N)
        Which regions are asked, and which of them are zero.

    Raises
    ------
    ValueError
        If `share` is not in (0, 1], or shapes differ.

    References
    ----------
    Lu et al. (2019), ViLBERT, §3.1.

    Examples
    --------
    >>> shown, chosen, _ = mask_regions(np.ones((1, 3, 1)), np.array([[True, True, False]]), np.random.default_rng(0))
    >>> shown.ravel(), chosen
    (array([1., 0., 1.]), array([[False,  True, False]]))
    """
    if not 0 < share <= 1:
        raise ValueError(f"mask_regions: share must lie in (0, 1]; got {share}")
    if features.ndim != 3 or features.shape[:2] != maskable.shape:
        raise ValueError("mask_regions: features must be (B, N, F), maskable (B, N); "
                         f"got {features.shape}, {maskable.shape}")
    chosen = _chosen(maskable, rng, share)
    emptied = chosen & (rng.random(chosen.shape) < EMPTIED)
    return np.where(emptied[..., None], features.dtype.type(0), features), chosen, emptied


def _chosen(maskable, rng, share):
    """Which places are chosen: of each row the k maskable ones that draw the smallest numbers."""
    draws = np.where(maskable, rng.random(maskable.shape), np.inf)
    rank = draws.argsort(1).argsort(1)                                   # of each place within its row
    return maskable & (rank < _counts(maskable, share)[:, None])


def _chosen_words(maskable, starts, rng, share):
    """The same word by word: words are taken in a random order until they have k pieces or more.

    A word that would overshoot k is taken all the same: otherwise long words would never be asked.
    """
    chosen = np.zeros_like(maskable)
    word = np.cumsum(starts, 1)                                          # (B, T): number of each piece's word
    for row, count in enumerate(_counts(maskable, share)):
        for number in rng.permutation(np.unique(word[row, maskable[row]])):
            if chosen[row].sum() >= count:
                break
            chosen[row] |= maskable[row] & (word[row] == number)
    return chosen


def _counts(maskable, share):
    """How many places are chosen in each row: at least one where there is one."""
    words = maskable.sum(1)
    return np.minimum(words, np.maximum(1, np.rint(share * words).astype(int)))
