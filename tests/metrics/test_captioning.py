"""The caption scores against the numbers the COCO evaluation code printed (data/caption_metrics, where present)."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tinymm.metrics import DocumentFrequency, bleu, caption_scores, caption_tokens, cider_d, rouge_l, sentence_bleu

DATA = Path(os.environ.get("TINYMM_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))


def golden(name):
    path = DATA / "caption_metrics" / name
    if not path.exists():
        pytest.skip(f"reference scores are absent: caption_metrics/{name}")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def coco():
    return golden("coco_fakecap_1000.json")


@pytest.fixture(scope="module")
def tokens(coco):
    return [item["hyp_tok"] for item in coco["items"]], [item["refs_tok"] for item in coco["items"]]


# The file's per-caption scores are rounded to ten decimals: 1e-10 is all that may differ there.

def test_corpus_bleu_equals_the_reference_code(coco, tokens):
    np.testing.assert_allclose(bleu(*tokens), coco["recomputed"]["Bleu"], rtol=1e-12)


def test_sentence_bleu_equals_the_reference_code(coco, tokens):
    scores = [sentence_bleu(*pair) for pair in zip(*tokens)]
    np.testing.assert_allclose(scores, [item["bleu"] for item in coco["items"]], rtol=0, atol=1e-10)


def test_rouge_equals_the_reference_code(coco, tokens):
    mean, per_item = rouge_l(*tokens)
    assert mean == pytest.approx(coco["recomputed"]["ROUGE_L"], rel=1e-12)
    np.testing.assert_allclose(per_item, [item["rouge_l"] for item in coco["items"]], rtol=0, atol=1e-10)


def test_cider_equals_the_reference_code(coco, tokens):
    mean, per_item = cider_d(*tokens)
    assert mean == pytest.approx(coco["recomputed"]["CIDEr"], rel=1e-12)
    np.testing.assert_allclose(per_item, [item["cider"] for item in coco["items"]], rtol=0, atol=1e-10)


def test_caption_scores_of_tokens_equal_the_reference_code(coco, tokens):
    hypotheses, references = tokens
    scores = caption_scores([h.split() for h in hypotheses], [[r.split() for r in item] for item in references])
    expected = coco["recomputed"]
    assert scores == pytest.approx({
        **{f"bleu{n}": score for n, score in enumerate(expected["Bleu"], start=1)},
        "cider_d": expected["CIDEr"], "rouge_l": expected["ROUGE_L"],
        "exact_match": np.mean([h in item for h, item in zip(hypotheses, references)]),
    }, rel=1e-12)


def test_caption_scores_of_raw_text_come_within_the_published_rounding(coco):
    scores = caption_scores([item["hyp"] for item in coco["items"]], [item["refs"] for item in coco["items"]])
    published = coco["published"]
    for ours, theirs in (("bleu1", "Bleu_1"), ("bleu2", "Bleu_2"), ("bleu3", "Bleu_3"), ("bleu4", "Bleu_4"),
                         ("rouge_l", "ROUGE_L"), ("cider_d", "CIDEr")):
        assert scores[ours] == pytest.approx(published[theirs], abs=6e-4)       # printed to three decimals


def test_caption_tokens_agree_with_the_treebank_tokeniser(coco):
    pairs = [pair for item in coco["items"]
             for pair in zip([item["hyp"], *item["refs"]], [item["hyp_tok"], *item["refs_tok"]])]
    differing = [theirs for raw, theirs in pairs if caption_tokens(raw) != theirs.split()]
    # Only abbreviations, whose full stop that tokeniser knows to keep: "etc.", "rd.", "st.".
    assert len(pairs) > 5000 and len(differing) <= 8
    assert all("." in theirs for theirs in differing)


def test_nlg_eval_cases():
    cases = golden("nlg_eval_cases.json")["cases"]
    assert len(cases) == 3
    for case in cases:
        expected, pair = case["expected"], (case["hyp"], case["refs"])
        # Printed to six digits or so. The smallest BLEUs (5.1e-06) are all smoothing: compared relatively, too.
        for score, name in zip(bleu(*pair), ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4")):
            assert score == pytest.approx(expected[name], rel=1e-2, abs=5e-7)
            assert score == pytest.approx(expected[name], abs=1e-6)
        assert rouge_l(*pair)[0] == pytest.approx(expected["ROUGE_L"], abs=1e-6)
        assert cider_d(*pair)[0] == pytest.approx(expected["CIDEr"], abs=1e-6)


def test_caption_scores_normalises_text_and_passes_the_document_frequency_on():
    df = DocumentFrequency.from_references([["a red dog runs"], ["a cat sleeps"]])
    scores = caption_scores(["A red dog runs!"], [["a red dog runs."]], document_frequency=df)
    assert scores == pytest.approx(
        {"bleu1": 1, "bleu2": 1, "bleu3": 1, "bleu4": 1, "cider_d": 10, "rouge_l": 1, "exact_match": 1}, rel=1e-8)
    assert all(type(score) is float for score in scores.values())
