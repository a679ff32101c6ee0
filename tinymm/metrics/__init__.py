"""Scores for what the systems produce (captions, transcripts, rankings, classes), and how certain a score is.

NumPy, SciPy and plain Python only; nothing here is differentiable and nothing here needs a model.
"""

from .bleu import bleu, sentence_bleu
from .captioning import caption_scores
from .cider import DocumentFrequency, cider_d
from .classification import accuracy, class_scores, confusion_matrix, macro_f1
from .counted import CountedReferences
from .dimension import intrinsic_dimension, participation_ratio
from .galleries import chance_scores, dot_products, embedding_standing, ranks, retrieval_scores
from .geometry import (
    Plane, alignment, close_gap, geometry_scores, mean_cosine, modality_gap, pair_cosines, principal_plane, uniformity,
)
from .interaction import PartialInformation, bayes_accuracy, mutual_information, partial_information
from .intervals import bootstrap_interval, crossed_interval, crossed_t_interval, wilson_interval
from .ngrams import ngram_counts
from .probing import few_shot_probe, linear_probe
from .retrieval import Standing, mean_rank, median_rank, recall_at_k, standing, target_ranks
from .rouge import longest_common_subsequence, rouge_l
from .text import caption_tokens, exact_match, tokenised_pairs, tokenised_references
from .vqa import normalised_answer, vqa_accuracy
from .wer import aligned_text, character_error_rate, edit_alignment, edit_counts, edit_distance, word_error_rate

__all__ = [
    "CountedReferences", "DocumentFrequency", "PartialInformation", "Plane", "Standing", "accuracy", "aligned_text",
    "alignment", "bayes_accuracy", "bleu", "bootstrap_interval", "caption_scores", "caption_tokens", "chance_scores",
    "character_error_rate", "cider_d", "class_scores", "close_gap", "confusion_matrix", "crossed_interval",
    "crossed_t_interval", "dot_products", "edit_alignment", "edit_counts", "edit_distance", "embedding_standing",
    "exact_match", "few_shot_probe", "geometry_scores", "intrinsic_dimension", "linear_probe",
    "longest_common_subsequence", "macro_f1", "mean_cosine", "mean_rank", "median_rank", "modality_gap",
    "mutual_information", "ngram_counts", "normalised_answer", "pair_cosines", "partial_information",
    "participation_ratio", "principal_plane", "ranks", "recall_at_k", "retrieval_scores", "rouge_l", "sentence_bleu",
    "standing", "target_ranks", "tokenised_pairs", "tokenised_references", "uniformity", "vqa_accuracy",
    "wilson_interval", "word_error_rate",
]
