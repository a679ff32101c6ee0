"""Words and characters of every script: in the tokenizers, the metrics and the terminal's tables alike."""

import re
import unicodedata
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinymm.data import BytePairTokenizer, CharTokenizer, SubwordTokenizer, WordTokenizer, normalise, split_words
from tinymm.data.texts.byte_pairs import split_chunks
from tinymm.data.texts.subwords import letter_runs
from tinymm.data.texts.tfidf import letter_ngrams
from tinymm.letters import LAST_MARKED, display_width, fold, graphemes
from tinymm.metrics import (
    aligned_text, bleu, caption_scores, caption_tokens, character_error_rate, cider_d, exact_match, rouge_l,
    word_error_rate,
)
from tinymm.viz.console import format_table

# Of each script two words that a reader tells apart, by a vowel sign or mark where it has such.
SCRIPTS = {
    "Latin": ("na\u0308her", "naher"), "Turkish": ("I\u0307stanbul", "Ankara"),
    "Catalan": ("col\u00b7lecci\u00f3", "col"), "Vietnamese": ("tiê\u0301ng", "tiê\u0300ng"),
    "Yoruba": ("ọ\u0300rọ\u0300", "ọ\u0301rọ\u0300"), "Greek": ("ΛΌΓΟΣ", "λόγοι"),
    "Cyrillic": ("за\u0301мок", "замо\u0301к"), "Armenian": ("ինչո՞ւ", "ինչու"),
    "Hebrew": ("שָׁלוֹם", "שָׁלֵם"), "Hebrew acronym": ("צה״ל", "צהל"), "Arabic": ("كَتَبَ", "كُتُب"),
    "Persian": ("می\u200cخواهم", "میخواهم"), "Syriac": ("ܡܰܠܟܳܐ", "ܡܶܠܟܳܐ"), "Thaana": ("ދިވެހި", "ދުވަސް"),
    "N'Ko": ("ߒߞߏ߫", "ߒߞߏ߬"), "Devanagari": ("काला", "काली"), "Conjuncts": ("क्\u200dष", "क्ष"),
    "Bengali": ("বাংলা", "বাংলো"), "Gurmukhi": ("ਪੰਜਾਬੀ", "ਪੰਜਾਬ"), "Gujarati": ("ગુજરાતી", "ગુજરાત"),
    "Odia": ("ଓଡ଼ିଆ", "ଓଡ଼ଆ"), "Tamil": ("தமிழ்", "தமிழ"), "Telugu": ("తెలుగు", "తెలుగ"),
    "Kannada": ("ಕನ್ನಡ", "ಕನನಡ"), "Malayalam": ("മലയാളം", "മലയാള"), "Sinhala": ("ශ්\u200dරී", "ශ්රී"),
    "Thai": ("กี่", "กี้"), "Lao": ("ນ້ຳ", "ນຳ"), "Khmer": ("ខ្មែរ", "ខ្មោរ"), "Burmese": ("မြန်မာ", "မြန်မီ"),
    "Tibetan": ("བོད", "བུད"), "Ethiopic": ("አማርኛ", "አማራ"), "Mongolian": ("ᠮᠣᠩᠭᠣᠯ", "ᠮᠣᠩᠭᠣ"),
    "Georgian": ("ქართული", "ქართველი"), "Korean": ("한국", "한글"),
    "Old Korean": ("\u1112\u119e\u11ab", "\u1112\u119e\u11af"), "Katakana": ("ハ\u3099", "ハ\u309a"),
    "Hiragana": ("が", "か"), "Balinese": ("ᬩᬮᬶ", "ᬩᬮᬸ"), "Chakma": ("𑄌𑄋𑄴𑄟𑄳𑄦", "𑄌𑄋𑄴𑄟"), "Brahmi": ("𑀩𑁆𑀭", "𑀩𑀭"),
    "Adlam": ("𞤆𞤵𞤤𞤢𞤪", "𞤆𞤵𞤤𞤢𞤪\U0001e944"), "emoji": ("\U0001f600", "\U0001f622"), "skin": ("👋🏽", "👋🏿"),
    "flag": ("🇩🇪", "🇫🇷"), "joined": ("👩\u200d🚀", "👨\u200d🚀"), "family": ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👦"),
    "keycap": ("1\ufe0f\u20e3", "2\ufe0f\u20e3"), "heart": ("❤\ufe0f\u200d🔥", "❤\ufe0f"),
    "rainbow": ("🏳\ufe0f\u200d🌈", "🏳\ufe0f"), "arrows": ("🙂\u200d↔\ufe0f", "🙂"),
    "Scotland": ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "🏴"),
    "Han variant": ("葛\U000e0100", "葛"),
}
PAIRS = pytest.mark.parametrize("word, other", SCRIPTS.values(), ids=SCRIPTS)
TOKENIZERS = [WordTokenizer, CharTokenizer, BytePairTokenizer, SubwordTokenizer]
code_points = sorted({c for pair in SCRIPTS.values() for word in pair for c in unicodedata.normalize("NFD", word)})
# Any text at all, texts of single code points of all scripts, and words beside marks that could cut or join them.
texts = st.text(max_size=12) | st.text([*code_points, *" ()!.,:'’-/#*3、」中\u200b\u00ad\ufeff\u0307iI\x00"], max_size=12)
ascii_text = st.text(st.characters(max_codepoint=127), max_size=40) | st.text("n't's.e-/ 12,_&", max_size=20)


@PAIRS
def test_a_word_of_any_script_is_one(word, other):
    for each in (word, other):
        assert split_words(each) == caption_tokens(each) == [fold(each)]
        assert split_words(f"a ({each}), b") == ["a", "(", fold(each), ")", ",", "b"]
        assert caption_tokens(f"a ({each}), b") == ["a", fold(each), "b"]
        assert "".join(graphemes(each)) == each and len(graphemes(each)) <= len(unicodedata.normalize("NFC", each))
    assert len(split_chunks(word)) == 1


@PAIRS
def test_two_words_of_a_script_are_two(word, other):
    assert fold(word) != fold(other)
    captions, references = [f"a {word} b c"], [[f"a {other} b c"]]
    assert exact_match(captions, references)[0] == 0 == exact_match([word], [[other]])[0]
    assert all(score < 1 for name, score in caption_scores(captions, references).items() if name != "cider_d")
    assert max(bleu(captions, references)) < 1 and word_error_rate(captions, references[0]) == 0.25
    for tokenizer in TOKENIZERS:
        tokens = tokenizer.fit([word, other])
        assert tokens.encode(word) != tokens.encode(other), tokenizer


@PAIRS
def test_composed_and_decomposed_texts_are_equal(word, other):
    one, two = (unicodedata.normalize(form, f"{word} {other} a b") for form in ("NFC", "NFD"))
    assert exact_match([one], [[two]])[0] == 1
    assert word_error_rate([one], [two]) == character_error_rate([one], [two]) == 0
    assert bleu([one], [[two]])[0] == bleu([one], [[one]])[0]
    for score in (cider_d, rouge_l):
        assert score([one], [[two]])[0] == score([one], [[one]])[0]
    for tokenizer in (WordTokenizer, SubwordTokenizer):
        assert tokenizer.fit([one]).encode(two) == tokenizer.fit([two]).encode(one)


@PAIRS
def test_tokenizers_give_a_word_back(word, other):
    for tokenizer in (WordTokenizer, CharTokenizer, BytePairTokenizer):
        tokens = tokenizer.from_json(tokenizer.fit([word, other]).to_json())
        expected = fold(word) if tokenizer is WordTokenizer else word
        assert tokens.decode(tokens.encode(word)) == expected
    whole = BytePairTokenizer.fit([f"{other} {word}"] * 9, 400)
    assert len(whole.encode(word)) <= 2 + len(word) * 2 and whole.decode(whole.encode(word)) == word


@given(texts)
def test_no_text_is_cut_inside_a_character_and_nothing_is_lost(text):
    words, folded = split_words(text), fold(text)
    assert "".join(words) == re.sub(r"\s", "", folded)
    ends = {0, *accumulate(map(len, graphemes(folded)))}
    place = 0
    for word in words:
        start = folded.index(word, place)
        place = start + len(word)
        assert start in ends or folded[start - 1].isspace()             # a mark after a space belongs to nothing
        assert place in ends or folded[place - 1].isspace()
    assert "".join(split_chunks(text)) == "".join(graphemes(text)) == text
    letters = "".join(c for c in folded if c.isalnum())
    assert "".join(c for c in "".join(caption_tokens(text)) if c.isalnum()) == letters


@given(texts)
def test_normal_forms_are_stable_and_the_same_for_equal_texts(text):
    form, tokens = normalise(text), caption_tokens(text)
    assert fold(fold(text)) == fold(text) and normalise(form) == form and split_words(form) == split_words(text)
    assert caption_tokens(" ".join(tokens)) == tokens
    for form in ("NFC", "NFD"):
        again = unicodedata.normalize(form, text)
        assert split_words(again) == split_words(text) and caption_tokens(again) == tokens
    tokenizer = WordTokenizer.fit([text])
    assert tokenizer.decode(tokenizer.encode(text)) == normalise(text)


@given(ascii_text)
def test_english_is_split_as_before(text):
    """The patterns that these functions had when they knew letters alone."""
    small, words = text.lower(), r"\w+(?:[-'’]\w+)*|[^\w\s]"
    captions = (r"n't\b|'(?:s|re|ve|ll|d|m)\b|(?:[^\W\d_]\.){2,}|\d+(?:[.,:]\d+)+(?!\w)|\w+?(?=n't\b)"
                r"|\w+(?:[-/]\w+)*|[&$%\#@+=*]")
    assert split_words(text) == re.findall(words, small)
    assert caption_tokens(text) == re.findall(captions, small)
    assert split_chunks(text) == re.findall(r" ?\w+| ?[^\w\s]+|\s+", text)
    assert graphemes(text) == list(text) and fold(text) == small
    for word in split_words(text):
        marked, padded = f"<{word}>", f" {word} "
        assert letter_runs(word) == [marked[i:i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)]
        assert letter_ngrams(word, (2, 3))[1:] == [f"#{padded[i:i + n]}" for n in (2, 3)
                                                  for i in range(len(padded) - n + 1)]


@pytest.mark.parametrize("text, words", [
    ("我有3只猫、两只狗。", "我 有 3 只 猫 、 两 只 狗 。"), ("「犬が走る」", "「 犬 が 走 る 」"), ("人々", "人 々"), ("ไป โรงเรียน", "ไป โรงเรียน"),
])
def test_scripts_without_spaces(text, words):
    assert split_words(text) == words.split() and normalise(text) == text
    assert caption_tokens(text) == [word for word in words.split() if word[0].isalnum()]
    tokenizer = WordTokenizer.fit([text])
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_invisible_signs_belong_to_no_word():
    assert split_words("\ufeffco\u00adop \u200fשלום\u200e a\u200bb") == ["coop", "שלום", "a", "b"]
    assert exact_match(["co\u00adop"], [["coop"]])[0] == 1


def test_a_character_is_counted_once():
    assert character_error_rate(["कि"], ["की"]) == 1 and character_error_rate(["👩\u200d🚀b"], ["👨\u200d🚀b"]) == 0.5
    assert letter_runs("काला", (3,)) == ["<काला", "काला>"]


def test_marks_and_symbols_lie_where_they_are_sought():
    beyond = "".join(c for c in map(chr, range(LAST_MARKED + 1, 0x110000)) if unicodedata.category(c)[0] in "MS")
    assert beyond == "".join(map(chr, range(0xE0100, 0xE01F0)))
    assert not [c for c in map(chr, range(0x80)) if unicodedata.category(c)[0] == "M"]


@pytest.mark.parametrize("text, width", [
    ("abc", 3), ("中文", 4), ("ｱ", 1), ("e\u0301", 1), ("กี่", 1), ("हिन्दी", 3), ("한", 2),
    ("\u1112\u1161\u11ab", 2), ("👩🏽\u200d🚀", 2),
    ("🇩🇪", 2), ("❤", 1), ("❤\ufe0f", 2), ("1\ufe0f\u20e3", 2), ("\u200b\u200e\x1b", 0), ("a\u00ad", 1), ("", 0),
])
def test_width_in_a_terminal(text, width):
    assert display_width(text) == width


@given(st.lists(st.sampled_from([word for pair in SCRIPTS.values() for word in pair]), min_size=1, max_size=4))
def test_tables_and_alignments_are_straight_in_every_script(words):
    table = format_table([[word, 1] for word in words], ["word", "n"]).splitlines()
    assert len({display_width(line) for line in table}) == 1
    said, heard, _ = aligned_text(words[1:], [*words, "end"]).split("\n")
    assert display_width(said) - 3 <= display_width(heard) <= display_width(said)
