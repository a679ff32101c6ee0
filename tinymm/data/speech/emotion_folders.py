"""Readers of emotional speech, EmoDB and RAVDESS, and the ways to divide it.

Both name their files by codes, and both have few sentences that everybody says in every emotion. So the words tell
nothing of the emotion, and a split at random leaks: it tests on sentences, and on voices, that were trained on.
All names are checked first, so that a stray file fails before training; sounds are read when needed.
"""

import re
from pathlib import Path

import numpy as np

from ..files import file_error, list_folder, named
from ..splits import crossed_split, group_split, leave_one_group_out, random_split
from .labelled import LabelledSpeech
from .waves import read_wave

__all__ = ["leave_one_speaker_out", "read_emodb", "read_ravdess", "split_speech"]

EMODB_NAME = re.compile(r"(?P<speaker>[0-9]{2})(?P<sentence>[ab][0-9]{2})(?P<emotion>[WLEAFTN])(?P<take>[a-z]?)\.wav",
                        re.IGNORECASE)
EMODB_EMOTIONS = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness",
                  "N": "neutral"}
EMODB_SENTENCES = {  # Burkhardt et al. (2005), A database of German emotional speech
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute Abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
RAVDESS_NAME = re.compile(r"03-(?P<channel>0[12])-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<sentence>0[12])-"
                          r"(?P<repetition>0[12])-(?P<actor>[0-9]{2})\.wav", re.IGNORECASE)
RAVDESS_EMOTIONS = ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
RAVDESS_SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
ACTOR = re.compile(r"Actor_([0-9]{2})", re.IGNORECASE)
SONG = "02"

TEST, VALIDATION = 0.2, 0.15    # shares of the clips, and of those to learn from
CROSSED = 0.4                   # of the speakers, and of the sentences, where the test is new in both
WAYS = ("both", "speaker", "sentence", "random")


def read_emodb(directory, rate=8000):
    """The Berlin database of emotional speech: seven emotions acted in ten sentences.

    Parameters
    ----------
    directory : path
        Holds WAV files such as `03a01Fa.wav`, or a folder `wav` that does: speaker (2), sentence (3), emotion (W anger,
        L boredom, E disgust, A fear, F happiness, T sadness, N neutral), take. Other kinds of files are ignored, and so
        are hidden ones.
    rate : int
        Samples per second to bring every recording to.

    Returns
    -------
    LabelledSpeech

    Raises
    ------
    ValueError
        Naming the folder without recordings, or the WAV file whose name does not parse.

    References
    ----------
    Burkhardt, Paeschke, Rolfes, Sendlmeier & Weiss (2005), A database of German emotional speech, Interspeech.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     for file in ("03a02Wb.wav", "11a01Na.wav", "._11a01Na.wav"):
    ...         Path(name, file).touch()
    ...     data = read_emodb(name)
    >>> data.speakers, data.transcripts[0], [data.names[label] for label in data.labels]
    (['03', '11'], 'Das will sie am Mittwoch abgeben.', ['anger', 'neutral'])
    """
    found = list_folder(directory, (".wav",))
    directory = Path(directory)
    if not found.files and directory / "wav" in found.folders:
        directory = directory / "wav"
        found = list_folder(directory, (".wav",))
    if not found.files:
        raise file_error(directory, "EmoDB needs WAV files named such as 03a01Fa.wav, here or in its folder wav; "
                                    "got none")
    parsed = []
    for path in found.files:
        match = EMODB_NAME.fullmatch(path.name)
        if match is None or match["sentence"].lower() not in EMODB_SENTENCES:
            raise file_error(path, "an EmoDB recording is named by speaker, sentence, emotion and take, such as "
                                   f"03a01Fa.wav; got {named(path.name)}")
        parsed.append(match)
    emotions = list(EMODB_EMOTIONS)
    sentences = [match["sentence"].lower() for match in parsed]
    return _labelled(
        found.files, rate,
        labels=[emotions.index(match["emotion"].upper()) for match in parsed],
        names=list(EMODB_EMOTIONS.values()),
        transcripts=[EMODB_SENTENCES[code] for code in sentences],
        speakers=[match["speaker"] for match in parsed],
        sentences=sentences,
        notes={},
    )


def read_ravdess(directory, rate=8000):
    """The speech of the Ryerson audio-visual database: eight emotions acted in two sentences.

    Parameters
    ----------
    directory : path
        Holds WAV files such as `03-01-06-01-02-01-12.wav`, or folders `Actor_01`, `Actor_02`, … that do: modality
        (03, audio only), channel (01 speech, 02 song), emotion, intensity, statement, repetition, actor. Songs are left
        out, and the notes say so. Other kinds of files are ignored, and so are hidden ones.
    rate : int
        Samples per second to bring every recording to.

    Returns
    -------
    LabelledSpeech
        `factors` has "intensity", 0 normal and 1 strong.

    Raises
    ------
    ValueError
        Naming the folder without speech, the WAV file whose name does not parse or contradicts its folder, or the name
        that occurs twice.

    References
    ----------
    Livingstone & Russo (2018), The Ryerson audio-visual database of emotional speech and song, PLoS ONE 13(5).

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     Path(name, "Actor_12").mkdir()
    ...     Path(name, "Actor_12", "03-01-06-01-02-01-12.wav").touch()
    ...     data = read_ravdess(name)
    >>> data.speakers, data.transcripts, [data.names[label] for label in data.labels]
    (['12'], ['Dogs are sitting by the door.'], ['fear'])
    """
    found = list_folder(directory, (".wav",))
    paths = list(found.files)
    for folder in found.folders:
        if ACTOR.fullmatch(folder.name):
            paths += list_folder(folder, (".wav",)).files
    parsed = {}
    for path in paths:
        match = _ravdess_match(path)
        if path.name.lower() in parsed:
            raise file_error(path, f"a recording may be there once; got two named {named(path.name)}")
        parsed[path.name.lower()] = match
    spoken = [(path, match) for path, match in zip(paths, parsed.values()) if match["channel"] != SONG]
    if not spoken:
        raise file_error(directory, "RAVDESS needs WAV files of speech named such as 03-01-06-01-02-01-12.wav, here or "
                                    "in folders Actor_01, Actor_02, …; got none")
    songs = len(paths) - len(spoken)
    paths, matches = zip(*spoken)
    data = _labelled(
        paths, rate,
        labels=[int(match["emotion"]) - 1 for match in matches],
        names=list(RAVDESS_EMOTIONS),
        transcripts=[RAVDESS_SENTENCES[match["sentence"]] for match in matches],
        speakers=[match["actor"] for match in matches],
        sentences=[match["sentence"] for match in matches],
        notes={"left out": f"{songs} recordings of song"} if songs else {},
    )
    data.factors["intensity"] = np.array([int(match["intensity"]) - 1 for match in matches])
    return data


def _ravdess_match(path):
    """The parts of a file's name, which agree with its folder's; or an error."""
    match = RAVDESS_NAME.fullmatch(path.name)
    if match is None:
        raise file_error(path, "a RAVDESS recording is named by modality (03), channel, emotion, intensity, statement, "
                               f"repetition and actor, such as 03-01-06-01-02-01-12.wav; got {named(path.name)}")
    folder = ACTOR.fullmatch(path.parent.name)
    if folder and folder[1] != match["actor"]:
        raise file_error(path, f"must be of the actor its folder names; got {match['actor']} in {path.parent.name}")
    return match


def _labelled(paths, rate, labels, names, transcripts, speakers, sentences, notes):
    notes = {"recordings": len(paths), "speakers": ", ".join(sorted(set(speakers))),
             "sentences": len(set(sentences)), **notes}
    return LabelledSpeech(np.array(labels), names, transcripts, speakers, sentences,
                          load=lambda indices: [read_wave(paths[i], rate).samples for i in indices], notes=notes)


def split_speech(data, rng, by="both"):
    """Divide emotional speech into what is trained on, chosen by and tested on.

    Parameters
    ----------
    data : LabelledSpeech
    rng : numpy.random.Generator
    by : {"both", "speaker", "sentence", "random"}
        What is new in the test: speakers and sentences at once, which leaves out the clips of known speakers with new
        sentences, and the reverse; speakers; sentences; or nothing but the takes, which tells little, and the notes
        warn of it. Validation is carved from what is trained on, by speaker if there are several, unless at random.

    Returns
    -------
    parts : dict of str to LabelledSpeech
        "train", "val" and "test".
    notes : dict

    Raises
    ------
    ValueError
        If `by` is none of these, or there are too few speakers or sentences for it.

    Examples
    --------
    >>> rows = [(speaker, sentence) for speaker in "abcdefghij" for sentence in ("x", "y", "z")]
    >>> data = LabelledSpeech(np.zeros(30, int), ["calm"], [s for _, s in rows], *map(list, zip(*rows)), load=None)
    >>> parts, notes = split_speech(data, np.random.default_rng(0))
    >>> set(parts["train"].sentences) & set(parts["test"].sentences), notes["split"]
    (set(), 'new speakers and new sentences in the test; 14 clips of one but not the other are left out')
    """
    if by not in WAYS:
        raise ValueError(f"split_speech: by must be one of {', '.join(WAYS)}; got {by!r}")
    if by == "random":
        rest, test = random_split(len(data), (1 - TEST, TEST), rng)
        told = "at random: WARNING, speakers and sentences of the test are trained on, so its figures are too high"
    elif by == "both":
        rest, test = crossed_split(data.speakers, data.sentences, CROSSED, rng)
        told = (f"new speakers and new sentences in the test; {len(data) - len(rest) - len(test)} clips of one but not "
                "the other are left out")
    else:
        groups = data.speakers if by == "speaker" else data.sentences
        rest, test = group_split(groups, (1 - TEST, TEST), rng)
        told = f"new {by}s in the test"
    return {**_with_validation(data.part(rest), rng, by), "test": data.part(test)}, {**data.notes, "split": told}


def leave_one_speaker_out(data, rng):
    """For each speaker what is trained on, chosen by and tested on, the test all clips of that speaker.

    Parameters
    ----------
    data : LabelledSpeech
    rng : numpy.random.Generator
        Chooses whom validation is carved from.

    Yields
    ------
    speaker : str
    parts : dict of str to LabelledSpeech
        "train", "val" and "test"; the speakers of validation are not trained on, if three are there.

    Raises
    ------
    ValueError
        If there is one speaker only.

    Examples
    --------
    >>> data = LabelledSpeech(np.zeros(6, int), ["calm"], ["x"] * 6, list("abcabc"), ["x"] * 6, load=None)
    >>> for speaker, parts in leave_one_speaker_out(data, np.random.default_rng(0)):
    ...     print(speaker, [len(part) for part in parts.values()])
    a [2, 2, 2]
    b [2, 2, 2]
    c [2, 2, 2]
    """
    for speaker, rest, own in leave_one_group_out(data.speakers):
        yield speaker, {**_with_validation(data.part(rest), rng, "speaker"), "test": data.part(own)}


def _with_validation(rest, rng, by):
    """The clips to learn from as "train" and "val"."""
    fractions = (1 - VALIDATION, VALIDATION)
    if by == "random" or len(set(rest.speakers)) < 2:
        train, val = random_split(len(rest), fractions, rng)
    else:
        train, val = group_split(rest.speakers, fractions, rng)
    return {"train": rest.part(train), "val": rest.part(val)}
