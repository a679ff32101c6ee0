"""`tinymm run text-classification` as a user meets it: what it leaves behind, resume, bad input; bags of words."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import tinymm.functional as F
from tinymm.cli import main
from tinymm.data import bag_limit, bag_of, draw_opinions
from tinymm.data.texts.opinions import GOOD
from tinymm.data.texts.tokenizer import PAD, UNK
from tinymm.nn import integrated_gradients
from tinymm.recipes import text_classification as page
from tinymm.recipes.shared import load
from tinymm.recipes.text_classification import (
    baselines, build, drawn_opinions, explain, fit_tokenizer, hidden, mean_loss, oracle_of_bags, padded, parts_of,
    probabilities, read_parts,
)
from tinymm.training import TrainingSet

ENCODERS = ("bag", "cnn", "lstm", "gru", "transformer")
SMALL = {"width": 6, "embedding": 8}


@pytest.fixture(autouse=True)
def a_small_classifier(monkeypatch):
    """What is tested here does not need a good one."""
    for name in ("FOLDER", "OPINIONS"):
        setting = getattr(page, name)
        short = replace(setting["plan"], batch_size=16, steps=6)
        monkeypatch.setattr(page, name, setting | SMALL | {"plan": short})


def rng_of(seed):
    return lambda *key: np.random.default_rng([seed, *key])


def small_config(encoder, vocabulary, classes, members=1, width=12):
    return {"encoder": encoder, "vocabulary": vocabulary, "classes": classes, "width": width, "embedding": 8,
            "dropout": 0.1, "head_dropout": 0.1, "members": members}


@pytest.fixture
def folder(tmp_path):
    """A small folder in BANKING77's layout: 60 questions of three classes."""
    path, rng = tmp_path / "bank", np.random.default_rng(0)
    path.mkdir()
    rows = []
    for i in range(60):
        name, words = (("card", "where is my card"), ("rate", "what is the rate,\nplease"),
                       ("limit", 'my "limit" is low'))[i % 3]
        rows.append(f'"{" ".join(rng.permutation(words.split(" "))).replace(chr(34), chr(34) * 2)} {i}",{name}')
    (path / "train.csv").write_text("\n".join(["text,category", *rows]) + "\n")
    return path


def command(*words):
    return ["run", "text-classification", *map(str, words)]


@pytest.fixture
def refused(refused):
    """Of this recipe."""
    return partial(refused, "run", "text-classification")


def test_a_run_leaves_its_files(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(command("--data", folder, "--out", out, "--epochs", 2)) == 0
    assert {"checkpoint.npz", "config.json", "log.jsonl", "machine.json", "metrics.json",
            "report.html"} == {p.name for p in out.iterdir()}
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("test/accuracy", "test/macro_f1", "baseline/majority/accuracy",
                 "baseline/TF-IDF_nearest_neighbour/accuracy", "baseline/TF-IDF_SVM_of_words/accuracy",
                 "baseline/TF-IDF_SVM_of_words_and_letters/macro_f1", "seconds/train"):
        assert isinstance(metrics[name], (int, float)), name
    assert metrics["baseline/TF-IDF_SVM_of_words/accuracy"] == 1.0  # the classes are easily told apart
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in rows if r["kind"] == "epoch"] == [1, 2]
    html = (out / "report.html").read_text()
    assert "BLAS of NumPy" in html
    for section in ("best baseline, TF-IDF", "What was taken for what", "The worst errors", "Which words it hangs on",
                    "integrated gradients"):
        assert section in html, section
    printed = capsys.readouterr().out
    assert "TF-IDF nearest neighbour" in printed and "report.html" in printed


def test_the_checkpoint_alone_classifies(folder, tmp_path):
    for tokenizer in ("word", "char", "bpe", "subword"):
        out = tmp_path / tokenizer
        assert main(command("--data", folder, "--out", out, "--epochs", 1, "--tokenizer", tokenizer)) == 0
        loaded = load(out / "checkpoint.npz")
        test = read_parts(folder, rng_of(0))[0]["test"]
        p = probabilities(loaded.model, loaded.tokenizer, test.texts)
        assert loaded.classes == ["card", "limit", "rate"] and p.shape == (len(test), 3)
        np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)
        assert (p.argmax(1) == test.labels).mean() == json.loads((out / "metrics.json").read_text())["test/accuracy"]


def test_an_interrupted_run_resumes_to_the_same_bits(folder, check_resume):
    check_resume(4, *command("--data", folder, "--epochs", 3, "--seed", 5, "--members", 2))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_runs(encoder, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "FOLDER", page.FOLDER | {"width": 12})
    assert main(command("--data", folder, "--out", tmp_path / "o", "--epochs", 1, "--encoder", encoder)) == 0
    assert json.loads((tmp_path / "o" / "config.json").read_text())["encoder"] == encoder


def test_bad_input_is_answered_in_one_line(folder, tmp_path, refused):
    run = ("--out", tmp_path / "o", "--data")
    assert "nowhere: the folder is not there" in refused(*run, tmp_path / "nowhere")
    assert "--epochs: must be at least 1; got 0" in refused(*run, folder, "--epochs", 0)
    assert "--members: must be at least 1; got 0" in refused(*run, folder, "--members", 0)
    assert "--columns: needs two names" in refused(*run, folder, "--columns", "text")
    assert "train.csv: must have the column 'intent'; its header is 'text', 'category'" in refused(
        *run, folder, "--columns", "text,intent")
    assert "holds no run" in refused(*run, folder, "--resume")
    (folder / "test.csv").write_text("text,category\nwhere is it,lost\n")
    assert "test.csv, row 1 (line 2): 'category' must be one of the 3 classes known; got 'lost'" in refused(*run,
                                                                                                            folder)
    (folder / "test.csv").write_bytes("text,category\nwo ist die grüne,card\n".encode("latin-1"))
    assert "test.csv: must be UTF-8 text; line 2, byte 27 of the file (0xfc)" in refused(*run, folder)
    (folder / "test.csv").unlink()
    for content, words in (("text,category\n" + "a,x\n" * 30, "at least two classes; got x"),
                           ("text,category\na,x\nb,y\n", "at least 20 texts"),
                           ('text,category\n"a,x\n', "unexpected end of data")):
        (folder / "train.csv").write_text(content)
        assert words in refused(*run, folder)
    assert not (tmp_path / "o").exists()  # nothing half-written stays behind


def test_a_folder_that_holds_a_run_is_not_overwritten(folder, tmp_path, refused):
    options = ("--data", folder, "--out", tmp_path / "o", "--epochs", 1)
    assert main(command(*options)) == 0
    assert "already holds a run; add --resume" in refused(*options)
    assert "another configuration (encoder was None, now 'bag')" in refused(*options, "--resume", "--encoder", "bag")


def test_the_folders_own_split_is_kept(folder):
    for name in ("val", "test"):
        (folder / f"{name}.csv").write_text(f"text,category\n{name},card\n")
    parts, notes = read_parts(folder, rng_of(0))
    assert {name: len(part) for name, part in parts.items()} == {"train": 60, "val": 1, "test": 1}
    assert parts["test"].texts == ["test"] and notes["test split"] == "the folder's own"


def test_parts_are_disjoint_and_the_split_depends_on_the_seed(folder):
    parts = [read_parts(folder, rng_of(seed))[0] for seed in (0, 0, 1)]
    texts = [sorted(parts[0][name].texts) for name in ("train", "val", "test")]
    assert len({text for part in texts for text in part}) == sum(map(len, texts)) == 60
    assert parts[0]["test"].texts == parts[1]["test"].texts != parts[2]["test"].texts


def few_opinions(seed, train, val, test):
    return drawn_opinions(np.random.default_rng(seed), train, val, test)


def test_no_words_of_a_test_opinion_were_trained_on():
    drawn = few_opinions(3, train=300, val=50, test=100)
    bags = [bag_of(text) for part in parts_of(drawn).values() for text in part.texts]
    assert len(set(bags)) == len(bags) == 450
    open_ones = sum(opinion.kind != "plain" for opinion in drawn["test"])
    assert bag_limit(drawn["test"]) == pytest.approx((100 - open_ones / 2) / 100)


def test_the_opinions_run_reports_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "drawn_opinions", lambda rng: drawn_opinions(rng, train=80, val=20, test=60))
    metrics = page.run(out=tmp_path / "o", epochs=1, progress=False)
    assert metrics["limit/bag_of_words/accuracy"] == bag_limit(drawn_opinions(rng_of(0)(1), 80, 20, 60)["test"])
    assert {"baseline/bag_of_words/accuracy", "baseline/all_that_bags_can_tell/accuracy",
            "test/scope/accuracy"} <= metrics.keys()
    assert "By kind of sentence" in (tmp_path / "o" / "report.html").read_text()


def test_an_ensemble_answers_with_the_mean_of_its_members(rng):
    model = build(small_config("cnn", 20, 3, members=3), rng).eval()
    ids = rng.integers(0, 20, (4, 6))
    each = np.array([F.softmax(member(ids), -1).data for member in model.members])
    np.testing.assert_allclose(model(ids).data, each.mean(0), rtol=1e-6)
    assert np.ptp(each, axis=0).max() > 0.01  # they did not start alike


def test_members_learn_as_if_alone(folder, rng):
    """A member's gradient is that of its own loss, over their number; what the others do does not reach it."""
    train = read_parts(folder, rng_of(0))[0]["train"]
    tokens = fit_tokenizer("word", train.texts)
    model, loss = build(small_config("cnn", len(tokens), 3, members=2), rng).eval(), mean_loss(0.0, 0.1)
    batch = (*padded([tokens.encode(text) for text in train.texts[:8]]), train.labels[:8])

    def gradients():
        model.zero_grad()
        loss(model, batch, np.random.default_rng(0))[0].backward()
        return [p.grad.copy() for p in model.members[0].parameters()]

    together = gradients()
    for p in model.members[1].parameters():
        p.data += 1.0
    for after, before in zip(gradients(), together):
        np.testing.assert_array_equal(after, before)
        assert before.any()


def test_hidden_words_still_show_their_letters(rng):
    ids = np.array([[[1, 0, 0], [7, 9, 8], [6, 9, 0], [2, 0, 0], [0, 0, 0]]])
    shown = hidden(ids, 1.0, rng)
    assert shown[0, :, 0].tolist() == [1, UNK, UNK, UNK, PAD]
    np.testing.assert_array_equal(shown[..., 1:], ids[..., 1:])
    np.testing.assert_array_equal(hidden(ids, 0.0, rng), ids)


def test_bags_cannot_read_open_sentences_and_sequences_can():
    """The point of the recipe, at a size that trains in seconds: an LSTM passes the limit that holds every bag."""
    drawn = few_opinions(0, train=1000, val=20, test=500)
    train, test = parts_of(drawn)["train"], parts_of(drawn)["test"]
    tokens = fit_tokenizer("word", train.texts)
    encoded = [tokens.encode(text) for text in train.texts]
    plan = replace(page.OPINIONS["plan"], batch_size=16, peak_rate=8e-3, select=None)
    data = TrainingSet(len(train), lambda rows, rng: (*padded([encoded[i] for i in rows]), train.labels[rows]),
                       [len(ids) for ids in encoded])
    right = {}
    for encoder in ("bag", "lstm"):
        config = small_config(encoder, len(tokens), 2, width=32) | {"embedding": 32, "head_dropout": 0.0}
        model = build(config, np.random.default_rng(0))
        plan.trainer(model, mean_loss(0.0, 0.0), data, epochs=6).fit(progress=False)
        right[encoder] = probabilities(model, tokens, test.texts).argmax(1) == test.labels
    open_ones = np.array([opinion.kind != "plain" for opinion in drawn["test"]])
    spread = 5 * np.sqrt(open_ones.sum()) / 2
    assert abs(right["bag"][open_ones].sum() - open_ones.sum() / 2) < spread
    assert right["lstm"][open_ones].sum() - open_ones.sum() / 2 > spread


def test_the_oracle_knows_plain_sentences_and_guesses_the_rest(rng):
    drawn = few_opinions(1, train=20, val=10, test=400)
    test, kinds = parts_of(drawn)["test"], np.array([opinion.kind for opinion in drawn["test"]])
    right = oracle_of_bags(test, kinds, rng) == test.labels
    assert right[kinds == "plain"].all() and 0.3 < right[kinds != "plain"].mean() < 0.7


def test_baselines_on_texts_that_are_easy(folder):
    parts, _ = read_parts(folder, rng_of(0))
    predictions = baselines(parts["train"], parts["test"])
    perfect = [name for name, classes in predictions.items() if (classes == parts["test"].labels).all()]
    assert perfect == list(predictions)[1:]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_shares_of_the_words_add_up(encoder, rng):
    """Integrated gradients: to what the text adds to the score of vectors of zeros; <bos> and <eos> hold the rest."""
    texts = [o.text for o in draw_opinions(20, rng)]
    tokens = fit_tokenizer("word", texts)
    model = build(small_config(encoder, len(tokens), 2, members=2), rng).eval().to(np.float64)
    words, shares = explain(model, tokens, texts[0], target=1)
    assert "".join(words).split() == texts[0].split() and any(
        word.strip() in GOOD for text in texts for word in text.split())
    assert {name: share.shape for name, share in shares.items()} == {name: (len(words),) for name in shares}
    found = []
    for member in model.members:
        x = member.encoder.embedding(np.array([tokens.encode(texts[0])])).data
        found.append(integrated_gradients(member.judge, x, target=np.array([1]))[0].sum(-1))
        gained = member.judge(x).data[0, 1] - member.judge(np.zeros_like(x)).data[0, 1]
        assert found[-1].sum() == pytest.approx(gained, abs=0.03 * max(1, abs(gained)))
    np.testing.assert_allclose(np.mean(found, 0)[1:-1], shares["integrated gradients"])
