"""The consensus accuracy of visual question answering: an answer is as right as the people asked agree with it."""

import re

import numpy as np

from ..letters import fold

__all__ = ["normalised_answer", "vqa_accuracy"]

ARTICLES = {"a", "an", "the"}
DIGITS = {word: str(number) for number, word in enumerate(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"))} | {"none": "0"}
# Without an apostrophe none of these is another word: "its", "were", "well", "shed" and their like are not here.
CONTRACTIONS = {word.replace("'", ""): word for word in (
    "ain't aren't can't couldn't didn't doesn't don't hadn't hasn't haven't isn't mightn't mustn't needn't oughtn't "
    "shan't shouldn't wasn't weren't won't wouldn't couldn't've hadn't've mightn't've shouldn't've wouldn't've "
    "could've might've must've should've would've i'm i've you're you've you'd you'll we've they're they've they'd "
    "they'll he's she's it'd it'll that's that'd that'll there's there'd there're here's what's what're what've "
    "what'll when's where's where'd where've who's who'd who've who'll why's why're how's how'd how'll ma'am "
    "o'clock somebody's someone's something's everybody's everyone's nobody's y'all").split()}
PUNCTUATION = re.compile(r"[;/\[\]\"{}()=+\\_\-><@`,?!“”…]")
THOUSANDS = re.compile(r"(?<=\d),(?=\d)")
PERIOD = re.compile(r"\.(?!\d)")
FEWEST = 3  # people who must give an answer to make it right


def normalised_answer(text):
    """The form in which answers are compared.

    Small letters; no full stop but a decimal point, no comma between digits, a space for other punctuation except
    apostrophe and colon; number words up to ten as digits; no articles; contractions with their apostrophe.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Normalising it again changes nothing.

    Raises
    ------
    ValueError
        If `text` is not a string.

    References
    ----------
    "VQA evaluation", the section on answer processing: https://visualqa.org/evaluation.html

    Examples
    --------
    >>> [normalised_answer(text) for text in ("The red-brown dog.", "Two", "1,000", "2:50 p.m.", "dont know")]
    ['red brown dog', '2', '1000', '2:50 pm', "don't know"]
    """
    if not isinstance(text, str):
        raise ValueError(f"normalised_answer: text must be a string; got {type(text).__name__}")
    text = fold(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = PERIOD.sub("", PUNCTUATION.sub(" ", THOUSANDS.sub("", text)))
    words = (DIGITS.get(word, word) for word in text.split() if word not in ARTICLES)
    return " ".join(CONTRACTIONS.get(word, word) for word in words)


def vqa_accuracy(predictions, humans):
    r"""The mean consensus accuracy of answers, and that of each.

    $$ \mathrm{acc}(a) = \frac1n \sum_{k=1}^{n} \min\!\left(\frac{\#\{ j \ne k : a_j = a \}}{3},\; 1\right) $$

    with a_1, …, a_n the answers of people (n = 10 in the VQA data): the mean over all ways to leave one of them out. An
    answer that at least four of them give is right, one that three give is .9.

    Parameters
    ----------
    predictions : sequence of N str
    humans : sequence of N sequences of str
        At least two answers to each question. All are compared as `normalised_answer` leaves them.

    Returns
    -------
    score : float
        In [0, 1].
    per_item : (N,) float64 ndarray

    Raises
    ------
    ValueError
        If the lengths differ, there is nothing, or a question has fewer than two answers.

    Notes
    -----
    The official script normalises only where people disagree, and lists more contractions, among them "its" as "it's".

    References
    ----------
    Antol et al., "VQA: Visual Question Answering", ICCV 2015, section 3; Goyal et al., "Making the V in VQA Matter",
    CVPR 2017.

    Examples
    --------
    >>> score, per_item = vqa_accuracy(["2", "red"], [["two"] * 3 + ["3"] * 7, ["red"] * 4 + ["pink"] * 6])
    >>> round(score, 3), per_item.tolist()
    (0.95, [0.9, 1.0])
    """
    if len(predictions) != len(humans) or len(humans) == 0:
        raise ValueError("vqa_accuracy: predictions and humans must have the same length, at least 1; "
                         f"got {len(predictions)} and {len(humans)}")
    per_item = np.array([_accuracy(*pair, item) for item, pair in enumerate(zip(predictions, humans))])
    return float(per_item.mean()), per_item


def _accuracy(prediction, answers, item):
    n = len(answers)
    if n < 2 or isinstance(answers, str):
        raise ValueError("vqa_accuracy: every question needs a list of at least two human answers; "
                         f"got {answers!r} for question {item}")
    prediction = normalised_answer(prediction)
    same = sum(normalised_answer(answer) == prediction for answer in answers)
    # One of the `same` is left out `same` times, one of the others n − same times.
    return (same * min((same - 1) / FEWEST, 1) + (n - same) * min(same / FEWEST, 1)) / n
