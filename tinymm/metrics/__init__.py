"""Scores for what the systems produce (captions, transcripts, rankings, classes), and how certain a score is.

NumPy, SciPy and plain Python only; nothing here is differentiable and nothing here needs a model.
"""

from .bleu import bleu, sentence_bleu
from .captioning import caption_scores
from .cider import DocumentFrequency, cider_d
from .classification import accuracy, class_scores, confusion_matrix, macro_f1
from .counted import CountedReferences
from .intervals import bootstrap_interval, wilson_interval
from .ngrams import ngram_counts
from .retrieval import median_rank, recall_at_k, target_ranks
from .rouge import longest_common_subsequence, rouge_l
from .text import caption_tokens, exact_match, tokenised_pairs, tokenised_references
from .vqa import normalised_answer, vqa_accuracy
from .wer import aligned_text, character_error_rate, edit_alignment, edit_counts, edit_distance, word_error_rate

__all__ = [
    "CountedReferences", "DocumentFrequency", "accuracy", "aligned_text", "bleu", "bootstrap_interval",
    "caption_scores", "caption_tokens", "character_error_rate", "cider_d", "class_scores", "confusion_matrix",
    "edit_alignment", "edit_counts", "edit_distance", "exact_match", "longest_common_subsequence", "macro_f1",
    "median_rank", "ngram_counts", "normalised_answer", "recall_at_k", "rouge_l", "sentence_bleu", "target_ranks",
    "tokenised_pairs", "tokenised_references", "vqa_accuracy", "wilson_interval", "word_error_rate",
]
