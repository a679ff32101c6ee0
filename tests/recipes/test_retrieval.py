"""`tinymm run retrieval` and `tinymm search` as a user meets them; which answers are right; the loss at its start."""

import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from tinymm.cli import main
from tinymm.data import ShapesWorld, SubwordTokenizer, WordTokenizer, judge
from tinymm.encoders import BagOfWords
from tinymm.metrics import bootstrap_interval
from tinymm.recipes import retrieval
from tinymm.recipes.shared import bags, paired, results
from tinymm.recipes.shared.retrieving import captions as retrieval_captions
from tinymm.recipes.shared.retrieving import zero_shot as zero_shot_shapes
from tinymm.recipes.shared.retrieving.training import Objective, PairBatches, encode, lock_words, pad_texts
from tinymm.recipes.shared.paired import Items, distinct, drawn_items, read_items, right_texts
from tinymm.recipes.shared.retrieving.searches import Answers, Search, Space, chance, scored, searches
from tinymm.recipes.shared.retrieving.word_order import order_pairs

image_module = pytest.importorskip("PIL.Image", reason="the folder reader needs pillow (extra media)")
SMALL = {"image": [[4], [8]], "text_width": 12, "speech_width": 8, "width": 10, "shift": 1, "queue": 32, "glance": 4}


@pytest.fixture(scope="module", autouse=True)
def small_towers():
    """What is tested here does not need good ones, nor many resamples."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SHAPES", "FOLDER"):
            setting = getattr(retrieval, name)
            plan = replace(setting["plan"], batch_size=16, steps=6)
            patch.setattr(retrieval, name, setting | SMALL | {"plan": plan})
        patch.setattr(paired, "SCENES", {"train": 48, "held": 12})
        patch.setattr(paired, "SINGLE", 8)
        patch.setattr(paired, "SPOKEN", {"train": 24, "val": 6, "test": 6, "test/held_out": 6})
        patch.setattr(zero_shot_shapes, "PICTURES", {"train": 48, "val": 48, "test": 12})
        patch.setattr(results, "bootstrap_interval", partial(bootstrap_interval, resamples=10))
        yield


@pytest.fixture
def pictures(tmp_path):
    """A small folder in COCO-captions layout: 40 scenes with captions, some of them in French, some spoken."""
    world, rng = ShapesWorld(size=16), np.random.default_rng(0)
    scenes = world.sample(40, rng)
    folder = tmp_path / "pictures"
    for name in ("images", "speech"):
        (folder / name).mkdir(parents=True)
    entries, captions = [], []
    for i, pixels in enumerate(world.render(scenes, rng)):
        image_module.fromarray((pixels.transpose(1, 2, 0) * 255).astype(np.uint8)).save(folder / "images" / f"{i}.png")
        entry = {"id": i, "file_name": f"{i}.png", "colour": scenes[i].things[0].colour,
                 "shape": scenes[i].things[0].shape, "caption_source": "title"}
        if i % 4:
            entry |= {"caption_fr": f"un dessin {i % 7}", "speech": f"{i}.wav"}
            wavfile.write(folder / "speech" / f"{i}.wav", 8000, (rng.standard_normal(3000) * 3000).astype(np.int16))
        entries.append(entry)
        captions += [{"image_id": i, "caption": text} for text in world.captions([scenes[i]], rng, 2)[0]]
    (folder / "captions.json").write_text(json.dumps({"images": entries, "annotations": captions}))
    return folder


def change(folder, edit):
    content = json.loads((folder / "captions.json").read_text())
    edit(content)
    (folder / "captions.json").write_text(json.dumps(content))


def rng_of(seed):
    return lambda *key: np.random.default_rng([seed, *key])


# The command ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shapes_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes") / "out"
    assert main(["run", "retrieval", "--out", str(folder), "--epochs", "1"]) == 0
    return folder


def test_a_run_leaves_its_files_and_figures(shapes_run):
    metrics = json.loads((shapes_run / "metrics.json").read_text())
    for one, other in (("image", "text"), ("image", "speech"), ("text", "speech")):
        for name in (f"{one}_to_{other}", f"{other}_to_{one}"):
            for metric in ("recall_at_1", "recall_at_5", "recall_at_10", "median_rank", "recall_at_1/low"):
                assert f"test/{name}/{metric}" in metrics
            for baseline in ("ridge", "nearest_neighbour", "shuffled_pictures", "chance"):
                assert f"baseline/{baseline}/{name}/recall_at_1" in metrics
    for name in ("test/held_out/image_to_text/recall_at_1", "test/captioning/truth_accuracy", "test/space/modality_gap",
                 "test/captioning/oracle/truth_accuracy", "test/word_order/words_shuffled/accuracy",
                 "test/zero_shot/held_out/accuracy", "baseline/linear_probe/zero_shot/held_out/accuracy",
                 "test/zero_shot/none_of_these/rejected", "seconds/train"):
        assert 0 <= metrics[name], name
    assert metrics["test/held_out/captioning/oracle/truth_accuracy"] == 0    # no training caption names such a pair
    html = (shapes_run / "report.html").read_text()
    for words in ("never trained on each other", "The common space", "no probability", "Retrieval writes nothing"):
        assert words in html
    assert "http" not in html.replace("http-equiv", "")


def test_search_finds_pictures_of_a_folder(shapes_run, pictures, tmp_path, capsys, refused):
    page, checkpoint = tmp_path / "sheet.html", str(shapes_run / "checkpoint.npz")
    with pytest.raises(SystemExit):
        main(["search", "a red circle", "--checkpoint", checkpoint])         # without a gallery
    words = ("search", "a red circle", "--checkpoint", checkpoint, "--gallery", str(pictures / "images"), "--top", "3",
             "--out", str(page))
    capsys.readouterr()
    assert main([*words]) == 0
    lines = capsys.readouterr().out.splitlines()
    cosines = [float(line.split()[0]) for line in lines[:3]]
    assert len(lines) == 4 and cosines == sorted(cosines, reverse=True) and page.exists()
    told = refused("search", "a redd circle", *words[2:])
    assert "'redd'" in told and "red" in told.partition("near")[2]
    assert "must have words" in refused("search", " ", *words[2:])
    (tmp_path / "empty").mkdir()
    assert "--gallery: must hold pictures" in refused(*words[:5], tmp_path / "empty")
    assert "--top: must be at least 1" in refused(*words[:6], "--top", 0)


def test_a_folder_with_languages_and_speech(pictures, tmp_path):
    out = tmp_path / "out"
    assert main(["run", "retrieval", "--data", str(pictures), "--out", str(out), "--epochs", "1", "--hold-out",
                 "colour,shape"]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("image_to_text", "image_to_text_fr", "image_to_speech", "text_fr_to_speech", "speech_to_text",
                 "whole_folder/image_to_text"):
        assert f"test/{name}/recall_at_1" in metrics, name
    assert not any("zero_shot" in name for name in metrics)


@pytest.mark.parametrize("words", [("--negatives", "queue"),
                                   ("--negatives", "hard", "--text", "transformer", "--loss", "siglip",
                                    "--chunk", "5")], ids=" ".join)
def test_an_interrupted_run_resumes_to_the_same_bits(pictures, check_resume, words, refused):
    if "queue" in words:
        assert "queue needs one language" in refused("run", "retrieval", "--data", pictures, *words)
        change(pictures, lambda content: [entry.pop("caption_fr", None) for entry in content["images"]])
    check_resume(3, "run", "retrieval", "--data", pictures, "--epochs", 2, "--seed", 5, *words)


def test_bad_input_is_answered_in_one_line(pictures, tmp_path, refused, shapes_run):
    run = ("run", "retrieval", "--out", tmp_path / "o")
    data = (*run, "--data", pictures)
    assert "--batch-size: must be at least 2" in refused(*run, "--batch-size", 1)
    assert "--chunk: must be at least 2" in refused(*run, "--chunk", 1)
    assert "--negatives: queue needs --loss infonce" in refused(*run, "--negatives", "queue", "--loss", "siglip")
    assert "--negatives: queue takes a batch in one piece" in refused(*run, "--negatives", "queue", "--chunk", 4)
    assert "--modalities: must be image,text or image,text,speech; got text" in refused(*run, "--modalities", "text")
    assert "--image-size: needs --data" in refused(*run, "--image-size", 32)
    assert "--hold-out: needs --data" in refused(*run, "--hold-out", "base")
    (pictures / "speech" / "5.wav").unlink()
    assert "5.wav" in refused(*data)
    change(pictures, lambda content: content["images"][5].update(speech="../5.wav"))
    assert "speech must be the name of a file" in refused(*data)
    change(pictures, lambda content: [entry.pop("speech", None) for entry in content["images"]])
    assert "--modalities: speech needs recordings" in refused(*data, "--modalities", "image,text,speech")
    change(pictures, lambda content: content["images"][5].update(caption_fr=3))
    assert "caption_fr must be text" in refused(*data)
    assert not (tmp_path / "o").exists()
    assert "it is of retrieval" in refused("caption", pictures / "images" / "0.png", "--checkpoint",
                                           shapes_run / "checkpoint.npz")


# The loss at its start --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["infonce", "siglip"])
def test_the_loss_begins_where_chance_does(loss, monkeypatch):
    """At about ln B; of SigLIP at about 10. The towers and the batch have the recipe's own size."""
    monkeypatch.setattr(paired, "SCENES", {"train": 112, "held": 2})
    monkeypatch.setattr(paired, "SINGLE", 16)
    items, _ = drawn_items(np.random.default_rng(0), ("image", "text"))
    train = items["train"]
    tokens = WordTokenizer.fit(text for own in train.captions for text in own)
    setting = retrieval.SHAPES | {"image": [[16], [32, 32], [64, 64]], "text_width": 192, "width": 192}
    towers = retrieval.build(retrieval.config_of(setting, 32, len(tokens), 1, False, loss=loss),
                             np.random.default_rng(0))
    batch = PairBatches(train, tokens)(np.arange(len(train)), np.random.default_rng(0))
    value = Objective()(towers, batch, None)[0].item()
    assert value == pytest.approx(math.log(len(train)), rel=0.05) if loss == "infonce" else 9.5 < value < 11


# Batches and right answers ----------------------------------------------------------------------------------------


def some_items(captions, **more):
    return Items(lambda rows: np.zeros((len(rows), 3, 8, 8), np.float32), {"text": captions, **more})


@given(st.lists(st.lists(st.sampled_from(["a cat", "A  cat", "a dog", "two birds", "a fish"]), min_size=1, max_size=3),
                min_size=2, max_size=8), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_targets_are_all_texts_that_a_picture_has(captions, seed):
    items = some_items(captions)
    tokens = WordTokenizer.fit(text for own in captions for text in own)
    rows = np.random.default_rng(seed).permutation(len(captions))
    batch = PairBatches(items, tokens)(rows, np.random.default_rng(seed))
    told = [tokens.decode(ids) for ids in batch.chunks[0].texts[0]]
    for i, row in enumerate(rows):
        own = {tokens.decode(tokens.encode(text)) for text in captions[row]}
        assert told[i] in own and batch.targets[i].tolist() == [text in own for text in told]
    texts = distinct(text for own in captions for text in own)
    right = right_texts(items, texts)
    assert right.any(0).all() and right.any(1).all()
    assert [texts[j] for j in np.flatnonzero(right[0])] == distinct(text for text in texts for own in captions[0]
                                                                    if own.lower().split() == text.lower().split())


def test_every_language_of_a_picture_is_in_the_batch():
    items = some_items([["a cat"], ["a dog"]], text_fr=[["un chat"], []])
    tokens = WordTokenizer.fit(["a cat", "a dog", "un chat"])
    batch = PairBatches(items, tokens)(np.array([1, 0]), np.random.default_rng(0))
    assert [tokens.decode(ids) for ids in batch.chunks[0].texts[0]] == ["a dog", "a cat", "un chat"]
    assert batch.targets.tolist() == [[True, False, False], [False, True, True]]


def test_hidden_words_leave_something_of_every_text():
    items = some_items([["a cat on a mat"], ["a dog"]])
    tokens = WordTokenizer.fit(["a cat on a mat", "a dog"])
    batches = PairBatches(items, tokens, hidden=0.9)
    chunks = [batches(np.arange(2), np.random.default_rng(seed)).chunks[0] for seed in range(20)]
    assert all(chunk.shown[:, 0].all() and not (chunk.shown & ~chunk.texts[1]).any() for chunk in chunks)
    assert 0 < np.mean([chunk.shown[:, 1:].mean() for chunk in chunks]) < 0.3
    assert all(chunk.texts[1].sum(1).tolist() == [7, 4] for chunk in chunks)     # the whole texts are there too
    assert PairBatches(items, tokens)(np.arange(2), np.random.default_rng(0)).chunks[0].shown is None


@pytest.mark.parametrize("kind", [WordTokenizer, SubwordTokenizer])
def test_locked_words_are_weighed_by_rarity_and_never_learned(kind):
    """A bag of them is tf-idf, but for the order and signs of its axes: ln((1 + m) / (1 + m_w)) for each word."""
    texts = ["a cat", "a dog", "a bird here", "a cat there"]
    tokens = kind.fit(texts)
    encoder = BagOfWords(len(tokens), 6, rng=np.random.default_rng(0))
    before = encoder.embedding.weight.data.copy()
    lock_words(encoder, tokens, [[texts[:3]], [texts[3:]]])
    ratio = encoder.embedding.weight.data / before
    ids = {word: np.ravel(tokens.encode(word)[1])[0] for word in ("a", "cat", "dog", "unheard")}
    for word, count in (("a", 4), ("cat", 2), ("dog", 1)):
        np.testing.assert_allclose(ratio[ids[word]], math.log(5 / (1 + count)) / math.log(5), rtol=1e-5, atol=1e-7)
    assert not encoder.embedding.weight.data[ids["unheard"]].any()           # <unk>
    encoder(*pad_texts(tokens, [tokens.encode(text) for text in texts])).pooled.sum().backward()
    assert encoder.embedding.weight.grad is None and encoder.hidden.weight.grad.any()


def test_recordings_belong_to_their_pictures_in_chunks_too():
    items = some_items([["a cat"], ["a dog"], ["a fish"], ["a bird"]])
    items.sounds = {i: np.full(900, i, np.float32) for i in (0, 2, 3)}
    items.spoken = {0: "un chat", 2: "un poisson", 3: "Un chat"}
    tokens = WordTokenizer.fit(["a cat", "a dog", "a fish", "a bird"])
    whole = PairBatches(items, tokens)(np.arange(4), np.random.default_rng(0))
    assert whole.chunks[0].heard.tolist() == [0, 2, 3]
    assert whole.heard.astype(int).tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    parts = PairBatches(items, tokens, chunk=2)(np.arange(4), np.random.default_rng(0))
    assert [chunk.heard.tolist() for chunk in parts.chunks] == [[0], [0, 1]]
    silent = PairBatches(items, tokens)(np.array([0, 1]), np.random.default_rng(0))
    assert silent.heard is None and silent.chunks[0].sounds is None          # one alone has nothing to be told from


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_a_text_is_right_for_every_scene_of_which_it_is_true_and_complete(seed):
    """The same as asking the judge about every pair, in less time."""
    world, rng = ShapesWorld(), np.random.default_rng(seed)
    scenes = world.sample(6, rng)
    captions = world.captions(scenes, rng, 3)
    items = some_items(captions)
    items.scenes = scenes
    texts = distinct([*(text for own in captions for text in own), "a red circle", "no sentence"])
    verdicts = [[judge(text, scene) for text in texts] for scene in scenes]
    np.testing.assert_array_equal(right_texts(items, texts),
                                  [[v.true and v.complete for v in row] for row in verdicts])


def test_a_text_and_a_recording_meet_at_a_picture():
    items = some_items([["a cat"], ["a dog"], ["a cat"]])
    items.sounds, items.spoken = {1: np.zeros(9), 2: np.zeros(9)}, {1: "a dog", 2: "a cat"}
    space = Space.of(items, lambda images: np.eye(3), lambda texts: np.eye(2, 3), lambda sounds: np.eye(2, 3))
    right = Answers.of(space).right
    assert right["image", "text"].astype(int).tolist() == [[1, 0], [0, 1], [1, 0]]
    assert right["image", "speech"].astype(int).tolist() == [[0, 1], [1, 0], [0, 1]]
    assert right["text", "speech"].astype(int).tolist() == [[0, 1], [1, 0]]
    names = [search.name for search in searches(space, Answers.of(space))]
    assert sorted(names) == sorted(f"{a}_to_{b}" for a in ("image", "text", "speech")
                                   for b in ("image", "text", "speech") if a != b)


def test_chance_is_what_random_orders_give():
    rng = np.random.default_rng(0)
    right = np.zeros((40, 12), bool)
    for row in right:
        row[rng.permutation(12)[:rng.integers(1, 5)]] = True
    def search(similarity):
        return Search("", np.arange(len(right)), similarity, right)

    exact = chance(search(np.zeros(right.shape))).metrics
    drawn = [scored(search(rng.random(right.shape))).metrics for _ in range(400)]
    for name, value in exact.items():
        values = [each[name] for each in drawn]
        spread = np.std(values) / math.sqrt(len(values))
        assert abs(np.mean(values) - value) < (4.5 * spread if name != "median_rank" else 0.6), name


# Baselines --------------------------------------------------------------------------------------------------------


@given(st.integers(2, 12), st.integers(1, 20), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_ridge_solves_the_normal_equations(n, p, seed):
    rng = np.random.default_rng(seed)
    x, y, new = rng.standard_normal((n, p)), rng.standard_normal((n, 3)), rng.standard_normal((4, p))
    told = bags.ridge(x, y, 0.3)(new)
    X, Y = x - x.mean(0), y - y.mean(0)
    level = 0.3 * (X * X).sum() / n
    W = np.linalg.solve(X.T @ X + level * np.eye(p), X.T @ Y)                # the primal form
    np.testing.assert_allclose(told, y.mean(0) + (new - x.mean(0)) @ W, atol=1e-8)


def test_the_oracle_takes_what_is_right_wherever_it_can():
    items = some_items([["a cat on a mat"], ["two brown dogs"]])
    assert retrieval_captions.oracle_captions(items, ["a cat on a hat", "A cat on a mat", "a brown dog"]) == [
        "A cat on a mat", "a brown dog"]


def test_pairs_of_word_order_without_scenes_are_shuffled_words():
    pairs = order_pairs(some_items([["cat"], ["a b c d e f"]]), np.random.default_rng(0))
    assert [(i, kind) for i, kind, *_ in pairs] == [(1, "words shuffled")]   # one word has one order
    _, _, caption, foil = pairs[0]
    assert sorted(caption.split()) == sorted(foil.split()) and caption != foil


def test_a_bag_of_words_sees_no_order():
    tokens = WordTokenizer.fit(["a red circle above a blue cross"])
    config = retrieval.config_of(retrieval.SHAPES, 16, len(tokens), 1, False, text="bag")
    towers = retrieval.build(config, np.random.default_rng(0)).eval()
    items = some_items([["a red circle above a blue cross"], ["a blue cross above a red circle"]])
    batch = PairBatches(items, tokens)(np.arange(2), np.random.default_rng(0))
    images = np.zeros((2, 3, 16, 16), np.float32)
    texts = encode(towers, batch.chunks[0]._replace(images=images))["texts"]
    np.testing.assert_allclose(texts.data[0], texts.data[1], atol=1e-6)


def test_fields_of_a_folder_become_languages_and_recordings(pictures):
    parts, _ = read_items(pictures, rng_of(0))
    train = parts["train"]
    assert list(train.texts) == ["text", "text_fr"]                          # caption_source is no language
    assert {bool(own) for own in train.texts["text_fr"]} == {True, False}
    for i, sound in train.sounds.items():
        assert len(sound) == 3000 and train.spoken[i] == train.texts["text_fr"][i][0]
    some = train.rows([2, 0])
    assert some.captions == [train.captions[2], train.captions[0]]
    assert some.sounds.keys() == {k for k, i in enumerate((2, 0)) if i in train.sounds}
    assert not read_items(pictures, rng_of(0), modalities=("image", "text"))[0]["train"].sounds
