r"""From a distribution over the next word to a caption: greedy, sampling, beam search, diverse beam search.

All of them ask the model through one function, `step(words, rows, state) -> (log_p, state)`:

- `words`, int array (n,): the newest word of each of n unfinished captions, at the first call `bos`;
- `rows`, int array (n,): for each of them the row of the previous call that it continues; at the first call, the number
  of the example that it belongs to;
- `state`: whatever the step keeps between calls, caches of keys and values say; None at the first call. A step may
  change it in place: only the one that came back last is used again;
- `log_p`, float array (n, V): the log-probabilities of the next word.

A beam may continue one row twice and another not at all: a step that keeps a state first brings it into the order of
`rows`. No Tensor comes here.

Any of them can be given rules, `rule(log_p, captions) -> log_p`, which forbid words or make them less likely.
"""

from .beams import beam_search, diverse_beam_search, n_best
from .rules import AllowedAfter, AllowedWords, ForbiddenWords, MinimumLength, NoRepeatNgram, RepetitionPenalty
from .sampling import drawing, filter_logits, sample
from .search import Hypothesis, google_length_penalty
from .word_by_word import Decoded, greedy, likeliest, roll_out

__all__ = [
    "AllowedAfter", "AllowedWords", "Decoded", "ForbiddenWords", "Hypothesis", "MinimumLength", "NoRepeatNgram",
    "RepetitionPenalty", "beam_search", "diverse_beam_search", "drawing", "filter_logits", "google_length_penalty",
    "greedy", "likeliest", "n_best", "roll_out", "sample",
]
