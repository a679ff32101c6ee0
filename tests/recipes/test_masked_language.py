"""`tinymm run masked-language` and `tinymm fill` as a user meets them, and a classifier that starts from the former."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinymm.cli import main
from tinymm.data import UNCHOSEN, BytePairTokenizer, ShapesWorld, WordTokenizer, possible_colours
from tinymm.data.texts.tokenizer import BOS, EOS
from tinymm.recipes import masked_language as page
from tinymm.recipes import text_classification
from tinymm.recipes.shared import load
from tinymm.recipes.shared.checkpoints import about
from tinymm.recipes.shared.pretraining.colours import colour_scores
from tinymm.recipes.shared.pretraining.masked_text import MaskedTexts, sentence_places
from tinymm.recipes.shared.pretraining.starting import linear_probe
from tinymm.recipes.shared.pretraining.testing import counting_models, word_probabilities
from tinymm.training import save_checkpoint

SIZES = {"width": 8, "layers": 2, "heads": 2}
DOCUMENTS = [[f"{who} has a {colour} {thing}" for thing in ("cat", "dog", "hat")]
             for who in ("ann", "bob", "cy") for colour in ("red", "blue", "green", "white")]


@pytest.fixture(autouse=True)
def a_small_model(monkeypatch):
    """What is tested here does not need a good one."""
    for module, name in ((page, "SHAPES"), (page, "FOLDER"), (text_classification, "BERT")):
        setting = getattr(module, name)
        monkeypatch.setattr(module, name, setting | SIZES | {"plan": replace(setting["plan"], batch_size=16, steps=6)})
    monkeypatch.setitem(text_classification.BERT, "embedding", 8)
    monkeypatch.setattr(page, "drawn_documents", partial(page.drawn_documents, train=20, held=10))
    monkeypatch.setattr(page, "COLOUR_SCENES", 8)


def command(*words):
    return ["run", "masked-language", *map(str, words)]


@pytest.fixture
def refused(refused):
    return partial(refused, "run", "masked-language")


@pytest.fixture
def texts(tmp_path):
    """A folder of documents of three sentences."""
    path = tmp_path / "texts"
    path.mkdir()
    (path / "train.txt").write_text("\n\n".join("\n".join(document) for document in DOCUMENTS * 2))
    return path


@pytest.fixture
def table(tmp_path):
    """A folder as BANKING77 is: single texts, of two classes."""
    path = tmp_path / "table"
    path.mkdir()
    rows = [f"where is {'my card' if i % 2 else 'the rate'} {i % 7},{'card' if i % 2 else 'rate'}" for i in range(60)]
    (path / "train.csv").write_text("\n".join(["text,category", *rows]) + "\n")
    return path


def test_a_run_leaves_its_files(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command("--out", out, "--epochs", 1)) == 0
    assert {"checkpoint.npz", "config.json", "log.jsonl", "machine.json", "metrics.json",
            "report.html"} == {p.name for p in out.iterdir()}
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("test/accuracy", "test/perplexity", "baseline/unigram/perplexity", "baseline/neighbours/accuracy",
                 "test/next_sentence/accuracy", "baseline/shared_words/next_sentence/accuracy",
                 "test/colour/alone/ceiling/accuracy", "test/colour/beside_the_same_scene/accuracy", "seconds/train"):
        assert isinstance(metrics[name], float), name
    assert metrics["test/colour/beside_the_same_scene/ceiling/accuracy"] == 1
    row, = [row for row in map(json.loads, (out / "log.jsonl").read_text().splitlines()) if row["kind"] == "epoch"]
    assert {"val/accuracy", "val/perplexity", "val/next_accuracy"} <= row.keys()
    html = (out / "report.html").read_text()
    for section in ("Hidden words, and what was guessed", "Every head of every layer", "Layer 2 of 2",
                    "The ceilings above", "five likeliest", "[CLS]"):
        assert section in html, section
    assert "on test (" in capsys.readouterr().out.lower()


def test_an_interrupted_run_resumes_to_the_same_bits(texts, check_resume):
    check_resume(4, *command("--data", texts, "--epochs", 2, "--seed", 5))


@pytest.mark.parametrize("words", [(), ("--tokenizer", "bpe", "--whole-word"), ("--no-next-sentence",)])
def test_texts_of_ones_own(words, texts, tmp_path):
    assert main(command("--data", texts, "--out", tmp_path / "o", "--epochs", 1, *words)) == 0
    metrics = json.loads((tmp_path / "o" / "metrics.json").read_text())
    assert ("test/next_sentence/accuracy" in metrics) == (words != ("--no-next-sentence",))
    assert not any("colour" in name for name in metrics)


def test_bad_input_is_answered_in_one_line(texts, table, tmp_path, refused):
    run = ("--out", tmp_path / "o")
    assert "--whole-word: needs --tokenizer bpe; got --tokenizer word" in refused(*run, "--whole-word")
    for share in (0, 0.6, "nan"):
        assert f"--masked: must lie in (0, 0.5]; got {float(share)}" in refused(*run, "--masked", share)
    assert "--positions: must be from 8 to 1024; got 7" in refused(*run, "--positions", 7)
    assert "--positions: leaves a sentence 2 tokens; got 5 in '" in refused(*run, "--positions", 8, "--data", texts)
    assert "needs at least 20 documents to split some off" in refused(*run, "--data", _few(tmp_path))
    assert not (tmp_path / "o").exists()


def _few(tmp_path):
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "train.txt").write_text("one\ntwo\n")
    return tmp_path / "few"


# What is asked ----------------------------------------------------------------------------------------------------


def test_no_caption_of_training_is_tested_on():
    parts = page.drawn_documents(np.random.default_rng(0), train=2000, held=50)
    known, *held = ({caption for document in parts[name] for caption in document} for name in ("train", "val", "test"))
    assert all(known.isdisjoint(captions) for captions in held)
    assert all(len(document) > 1 for documents in parts.values() for document in documents)


@given(st.integers(0, 2**32 - 1), st.booleans(), st.floats(0.05, 0.5))
@settings(max_examples=25)
def test_batches_ask_for_words_alone(seed, paired, share):
    rng = np.random.default_rng(seed)
    tokens = WordTokenizer.fit(sentence for document in DOCUMENTS for sentence in document)
    texts = MaskedTexts(DOCUMENTS, tokens, paired, 20, share)
    batch = texts.batch(rng.integers(len(texts), size=5), rng)
    special = np.isin(batch.ids, (BOS, EOS)) | ~batch.mask
    assert (batch.labels[special] == UNCHOSEN).all() and (batch.shown[special] == batch.ids[special]).all()
    assert (batch.labels != UNCHOSEN).any(1).all()                      # no row without a hidden word
    assert (batch.is_next is None) is not paired
    if paired:
        for ids, segments, label in zip(batch.ids, batch.segments, batch.is_next):
            one, other = (tokens.decode(ids[segments == k][k == 0:]) for k in (0, 1))
            together = any(one in document and other in document for document in DOCUMENTS)
            expected = UNCHOSEN if other == "" else 0 if together else 1
            assert label == expected
    places = sentence_places(batch)
    assert len(places) == (batch.labels != UNCHOSEN).sum()
    assert [row[place] for row, place in places] == batch.shown[batch.labels != UNCHOSEN].tolist()
    assert all(row[0] == BOS and row.count(EOS) == 1 for row, _ in places)


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=15)
def test_whole_words_are_asked_whole(seed, paired):
    """By the tokenizer's own words: a word's pieces have labels, all of them or none."""
    rng = np.random.default_rng(seed)
    tokens = BytePairTokenizer.fit(["ann has a red cat"], 262)          # words of several pieces
    texts = MaskedTexts(DOCUMENTS, tokens, paired, 64, 0.3, whole_word=True)
    packed, is_next = zip(*(texts.draw(int(row), rng) for row in rng.integers(len(texts), size=4)))
    batch = texts.masked(packed, np.array(is_next), rng)
    for row, labels in zip(packed, batch.labels):
        asked = labels[:len(row.ids)] != UNCHOSEN
        word = np.cumsum(row.starts)
        assert all(np.unique(asked[word == number]).size == 1 for number in np.unique(word)) and asked.any()


def test_the_words_of_a_table_are_split_as_the_classifier_splits_them(table):
    """So what `--init` is tested on was not in its pre-training, with the same seed."""
    def rng(*key):
        return np.random.default_rng([3, *key])

    mine, theirs = page.read_parts(table, rng)[0], text_classification.read_parts(table, rng)[0]
    for name in ("train", "val", "test"):
        assert [text for text, in mine[name]] == theirs[name].texts


def test_baselines_are_asked_what_the_model_is_asked():
    tokens = WordTokenizer.fit(sentence for document in DOCUMENTS for sentence in document)
    texts, rng = MaskedTexts(DOCUMENTS, tokens, True, 20), np.random.default_rng(0)
    batch = texts.batch(np.arange(20), rng)
    model = page.build(page.config_of(page.SHAPES | SIZES, len(tokens)), rng)
    p, n = word_probabilities(model, batch), (batch.labels != UNCHOSEN).sum()
    assert p.shape == (n, len(tokens) + 1)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)
    alone = word_probabilities(model, type(batch)(*(part[7:8] for part in batch)))
    first = (batch.labels[:7] != UNCHOSEN).sum()
    np.testing.assert_allclose(p[first:first + len(alone)], alone, atol=1e-5)
    for counted in counting_models(texts, batch).values():
        np.testing.assert_allclose(counted.probabilities(sentence_places(batch)).sum(1), 1)


def test_colours_are_scored_beside_their_ceilings():
    world, rng = ShapesWorld(), np.random.default_rng(0)
    captions = world.captions(world.sample(6, rng), rng, n=2)
    tokens = WordTokenizer.fit(caption for group in world.captions(world.sample(50, rng), rng) for caption in group)
    model = page.build(page.config_of(page.SHAPES | SIZES, len(tokens)), rng)
    found = colour_scores(model, tokens, captions, world, 48, True)
    words = captions[0][0].split()
    place = next(k for k, word in enumerate(words) if word in ("red", "green", "blue", "yellow", "purple", "orange"))
    assert found["alone"]["ceiling"].each["accuracy"][0] == 1 / len(possible_colours(words, place, world))
    assert (found["beside_the_same_scene"]["ceiling"].each["accuracy"] == 1).all()


# `tinymm fill` ----------------------------------------------------------------------------------------------------


@pytest.fixture
def checkpoint(tmp_path):
    """An untrained model of a few words."""
    tokens = WordTokenizer.fit(["a small red circle above a blue square"])
    config = page.config_of(page.SHAPES | SIZES, len(tokens))
    model = page.build(config, np.random.default_rng(1))
    path = tmp_path / "c.npz"
    save_checkpoint(path, {f"model/{key}": array for key, array in model.state_dict().items()},
                    {"about": about("masked-language", config, tokens)})
    return path


def test_fill_names_the_hidden_words(checkpoint, capsys):
    found = page.fill("a <mask> circle above a <mask> square", checkpoint=checkpoint, beside="a red circle", n_best=3)
    assert [len(words) for words in found] == [3, 3]
    for words in found:
        shares = [share for _, share in words]
        assert shares == sorted(shares, reverse=True) and 0 < sum(shares) < 1
        assert all(word in load(checkpoint).tokenizer.words[4:] for word, _ in words)
    assert main(["fill", "<mask>", "--checkpoint", str(checkpoint)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].count("%") == 5


def test_fill_refuses_in_one_line(checkpoint, capsys):
    def said(*words):
        assert main(["fill", *words, "--checkpoint", str(checkpoint)]) == 2
        return capsys.readouterr().err

    assert "fill: needs a text with <mask> in it; got a red circle" in said("a red circle")
    assert "every word must be in the vocabulary; got 'sqare'" in said("a <mask> sqare")
    assert "--n-best: must be at least 1; got 0" in said("a <mask>", "--n-best", "0")
    assert "may have 48 tokens" in said("a <mask>" + " red" * 60)


# A classifier that starts from it ---------------------------------------------------------------------------------


@pytest.fixture
def pretrained(table, tmp_path):
    assert main(command("--data", table, "--out", tmp_path / "p", "--epochs", 1)) == 0
    return tmp_path / "p" / "checkpoint.npz"


def test_a_classifier_starts_from_a_checkpoint(pretrained, table, tmp_path, check_resume):
    check_resume(2, "run", "text-classification", "--data", table, "--init", pretrained, "--epochs", 2)
    metrics = json.loads((tmp_path / "whole" / "metrics.json").read_text())
    assert "baseline/linear_probe/accuracy" in metrics
    loaded = load(tmp_path / "whole" / "checkpoint.npz", "text-classification")
    assert loaded.config["encoder"] == "bert" and loaded.tokenizer.words == load(pretrained).tokenizer.words
    assert main(["predict", str(tmp_path / "whole" / "checkpoint.npz"), "where is it"]) == 0


def test_what_does_not_fit_is_refused(pretrained, checkpoint, table, tmp_path, capsys):
    def said(*words):
        run = ["run", "text-classification", "--data", str(table), "--out", str(tmp_path / "o")]
        assert main([*run, *map(str, words)]) == 2
        return capsys.readouterr().err

    assert "needs --encoder bert, as it was pre-trained; got --encoder cnn" in said("--init", pretrained,
                                                                                   "--encoder", "cnn")
    assert "needs --tokenizer word, as it was pre-trained; got --tokenizer bpe" in said("--init", pretrained,
                                                                                       "--tokenizer", "bpe")
    assert "must be word or bpe for --encoder bert" in said("--encoder", "bert", "--tokenizer", "char")
    main(["run", "text-classification", "--data", str(table), "--out", str(tmp_path / "t"), "--encoder", "bert",
          "--epochs", "1"])
    assert "must be a checkpoint of `tinymm run masked-language`; it is of text-classification" in said(
        "--init", tmp_path / "t" / "checkpoint.npz")
    (table / "test.csv").write_text("text,category\n" + "card " * 60 + ",card\n")
    assert "--encoder bert: reads texts of 48 tokens, [CLS] and [SEP] included; got 62 in 'card card" in said(
        "--init", checkpoint)


def test_only_the_encoder_is_taken_over_and_rates_fall_downwards(pretrained):
    loaded = load(pretrained)
    config = loaded.config | {"encoder": "bert", "classes": 2, "embedding": 8, "head_dropout": 0.0, "members": 2}
    model = text_classification.build(config, np.random.default_rng(0))
    text_classification.from_pretrained(model.members, loaded)
    for member in model.members:
        for name, array in loaded.model.bert.state_dict().items():
            np.testing.assert_array_equal(member.encoder.state_dict()[name], array)
    groups = replace(text_classification.BERT["plan"], peak_rate=0.1, decay=0.5).groups(model)
    assert {id(p) for group in groups for p in group["params"]} == {id(p) for p in model.parameters()}
    np.testing.assert_allclose([group["lr"] for group in groups], 0.1 * 0.5 ** np.arange(4, -1, -1))


def test_a_linear_probe_leaves_the_encoder_alone(pretrained, table):
    loaded = load(pretrained)
    parts, _ = text_classification.read_parts(table, lambda *key: np.random.default_rng(key))
    before = loaded.model.bert.state_dict()

    def encode(texts):
        return text_classification.padded([loaded.tokenizer.encode(text) for text in texts])

    said = linear_probe(loaded.model.bert, encode, *(parts[name] for name in ("train", "val", "test")))
    assert (said == parts["test"].labels).all()                         # the classes have words of their own
    for name, array in loaded.model.bert.state_dict().items():
        np.testing.assert_array_equal(before[name], array)
