"""A folder of one's own labelled clips: DATA/LABEL/clip.wav, or DATA/LABEL/SPEAKER/clip.wav; sound or filmed faces."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_emotion.emotions import EMOTIONS
from edge_emotion.errors import EdgeEmotionError
from edge_emotion_train.corpora.clip import Clip

SOUND = (".wav", ".flac", ".ogg", ".mp3", ".m4a")
VIDEO = (".mp4", ".mov", ".mkv", ".avi", ".webm")
LABELS_FILE = "labels.json"
TREE = "DATA/LABEL/clip.wav (or .mp4 for faces), with speakers DATA/LABEL/SPEAKER/clip.wav"
SMALLEST = 2  # clips of a label: one to learn from while the other one is measured
SYNONYMS: dict[str, str] = {
    "calm": "neutral",
    "happy": "happiness", "joy": "happiness",
    "sad": "sadness",
    "angry": "anger",
    "afraid": "fear", "fearful": "fear",
    "disgusted": "disgust",
    "surprised": "surprise",
}  # fmt: skip
"""Names of labels that stand for one of the seven emotions without a labels.json."""


@dataclass(frozen=True)
class LabelledFolder:
    """What a folder holds.

    name: of the folder. modality: "voice" or "face". clips: in the order of their paths; their corpus is `name`.
    label_map: label -> one of EMOTIONS, in the order of EMOTIONS. speakers: whether clips say who speaks; otherwise
    every clip's speaker is "NAME-unknown". foreign: files that are neither sound nor video, left out.
    """

    name: str
    modality: str
    clips: tuple[Clip, ...]
    label_map: Mapping[str, str]
    speakers: bool
    foreign: tuple[Path, ...]


def labelled_folder(folder: Path, modality: str | None = None) -> LabelledFolder:
    """Read a folder's layout; the clips are not opened.

    modality: by the kind of the files when None; "voice" takes the sound of videos too. EdgeEmotionError on a folder
    without clips, sound and videos mixed, fewer than two labels, a label that stands for no emotion, or a label of
    fewer than SMALLEST clips.
    """
    if not folder.is_dir():
        raise EdgeEmotionError(f"no folder {folder}; expected {TREE}")
    sounds, videos, foreign = _files(folder)
    if not sounds and not videos:
        raise EdgeEmotionError(
            f"no clips in {folder}: expected {TREE}, of {' '.join(SOUND)} or {' '.join(VIDEO)}"
        )
    if sounds and videos:
        raise EdgeEmotionError(
            f"{folder} mixes {len(sounds)} sound files with {len(videos)} videos ({sounds[0].name}, {videos[0].name}): "
            "give a folder of one kind"
        )
    modality = modality or ("voice" if sounds else "face")
    if modality == "face" and sounds:
        raise EdgeEmotionError(f"{folder} holds sound, no videos: a face model needs {' '.join(VIDEO)}")
    files = sounds or videos
    misplaced = [file for file in files if not 2 <= len(file.relative_to(folder).parts) <= 3]
    if misplaced:
        raise EdgeEmotionError(
            f"{len(misplaced)} clips, the first {misplaced[0]}, lie in no label's folder; expected {TREE}"
        )
    name = folder.resolve().name or "data"
    labels = sorted({file.relative_to(folder).parts[0] for file in files})
    label_map = emotions_of(labels, folder / LABELS_FILE)
    speakers = _speakers(files, folder)
    clips = tuple(
        Clip(file, name, f"{name}-{speaker or 'unknown'}", file.relative_to(folder).parts[0])
        for file, speaker in zip(files, speakers, strict=True)
    )
    check_counts(clips, label_map, f"{folder} holds")
    return LabelledFolder(name, modality, clips, label_map, all(speakers), tuple(foreign))


def check_counts(clips: Sequence[Clip], label_map: Mapping[str, str], where: str) -> None:
    """EdgeEmotionError unless there are two labels of at least SMALLEST clips each; where: how the line begins."""
    counts = Counter(clip.label for clip in clips)
    if len(label_map) < 2:
        raise EdgeEmotionError(
            f"{where} one label ({', '.join(label_map)}): expected at least two to tell apart"
        )
    emotions = set(label_map.values())
    if len(emotions) < 2:
        raise EdgeEmotionError(
            f"{where} labels that all stand for {', '.join(emotions)} ({', '.join(label_map)}): expected two emotions"
        )
    few = [f"{label} has {counts[label]}" for label in label_map if counts[label] < SMALLEST]
    if few:
        raise EdgeEmotionError(
            f"{where} too few to learn and to measure: {', '.join(few)}; each label needs at least {SMALLEST} clips"
        )


def check_one_label(clips: Sequence[Clip], contents: Sequence[bytes]) -> None:
    """EdgeEmotionError when clips of the same content have two labels; contents: a digest of each clip's file."""
    first: dict[bytes, Clip] = {}
    for clip, digest in zip(clips, contents, strict=True):
        other = first.setdefault(digest, clip)
        if other.label != clip.label:
            raise EdgeEmotionError(
                f"{other.path} and {clip.path} are the same clip under two labels, {other.label} and {clip.label}: "
                "keep it under one"
            )


def emotions_of(labels: Sequence[str], file: Path) -> dict[str, str]:
    """Which of the seven emotions each label stands for: what the JSON file says, else by the label's own name."""
    stated = _stated(file) if file.exists() else {}
    found = {}
    for label in labels:
        word = stated.get(label, label).strip().lower()
        emotion = SYNONYMS.get(word, word)
        if emotion not in EMOTIONS:
            source = f"{file} says {word!r}" if label in stated else f"write {file}"
            raise EdgeEmotionError(
                f"label {label!r} stands for none of {', '.join(EMOTIONS)}: {source}; "
                f"expected {json.dumps({label: 'anger'})} or another of the seven"
            )
        found[label] = emotion
    unused = sorted(set(stated) - set(labels))
    if unused:
        raise EdgeEmotionError(
            f"{file} names the label {unused[0]!r}, which has no clips: there is no {file.parent / unused[0]}"
        )
    return dict(sorted(found.items(), key=lambda pair: EMOTIONS.index(pair[1])))


def _stated(file: Path) -> dict[str, str]:
    try:
        stated = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        raise EdgeEmotionError(f"{file} cannot be read as JSON ({type(reason).__name__})") from reason
    if not isinstance(stated, dict) or not all(isinstance(word, str) for word in stated.values()):
        raise EdgeEmotionError(f'{file}: expected {{"LABEL": "EMOTION", ...}} with each label\'s emotion')
    return stated


def _files(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Sound files, videos and other files under a folder, in the order of their paths; hidden ones are none."""
    sounds, videos, foreign = [], [], []
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if not file.is_file() or any(part.startswith(".") for part in inside.parts):
            continue
        kind = file.suffix.lower()
        if kind in SOUND:
            sounds.append(file)
        elif kind in VIDEO:
            videos.append(file)
        elif inside != Path(LABELS_FILE):
            foreign.append(file)
    return sounds, videos, foreign


def _speakers(files: Sequence[Path], folder: Path) -> list[str]:
    """Who speaks in each file: its sub-folder, or what stands before the first "_" of its name; "" when unknown.

    Prefixes are speakers when every name has one with a letter in it (neither a number nor a date), none is its label,
    at least two differ, and each stands before two clips or more; otherwise nobody can say whether "take" of take_1.wav
    is a person.
    """
    places = [file.relative_to(folder).parts for file in files]
    if all(len(parts) == 3 for parts in places):
        return [parts[1] for parts in places]
    if any(len(parts) == 3 for parts in places):
        odd = next(file for file, parts in zip(files, places, strict=True) if len(parts) == 2)
        raise EdgeEmotionError(
            f"some clips lie in speakers' folders, {odd} does not; expected {TREE} for all"
        )
    prefixes = [file.stem.partition("_")[0] if "_" in file.stem else "" for file in files]
    labels = {parts[0].lower() for parts in places}
    counts = Counter(prefixes)
    named = all(
        count > 1 and prefix.lower() not in labels and any(letter.isalpha() for letter in prefix)
        for prefix, count in counts.items()
    )
    return prefixes if named and len(counts) > 1 else [""] * len(files)
