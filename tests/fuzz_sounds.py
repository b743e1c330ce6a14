"""Recordings that lie: headers made by hand, and the files of every coding with their first bytes changed."""

import io
import random
import re
import struct
from contextlib import closing
from pathlib import Path

import numpy as np
import soundfile

from edge_emotion.settings import AudioFileSettings
from edge_emotion.sources.audio_file import AudioFile
from edge_emotion.sources.sound import RATE
from fuzz_bytes import NUMBERS, Case, mutated

LONGEST = 3.0  # seconds that are read of a file that is taken
HEADER = 128  # bytes that most changes come to
KINDS = (
    ("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"),
    ("WAV", "ULAW"), ("WAV", "ALAW"), ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "GSM610"),
    ("WAVEX", "PCM_16"), ("WAVEX", "FLOAT"), ("RF64", "PCM_16"), ("RF64", "FLOAT"), ("W64", "PCM_16"),
    ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
    ("AIFF", "PCM_16"), ("AU", "PCM_16"), ("CAF", "PCM_16"), ("CAF", "ALAC_16"), ("NIST", "PCM_16"),
    ("VOC", "PCM_16"), ("SVX", "PCM_16"), ("PAF", "PCM_16"), ("MAT5", "PCM_16"), ("IRCAM", "PCM_16"),
)  # fmt: skip
MONO = (("WAV", "GSM610"), ("SVX", "PCM_16"))
SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".aiff", ".raw", ".sd2", "")
TAGS = (0, 1, 1, 1, 2, 3, 3, 6, 7, 0x11, 0x31, 0x50, 0x55, 0x161, 0xFFFE, 0xFFFE, 0xFFFF)
RATES = (0, 1, 3999, 4000, 8000, 16000, 44100, 384000, 384001, 2**31 - 1, 2**31, 2**32 - 1)


class Sounds:
    """Mutated recordings; see Fuzzed."""

    def __init__(self) -> None:
        sound = 0.1 * np.random.default_rng(0).normal(size=(8000, 1)).clip(-3, 3)
        self._seeds = []
        for kind, subtype in KINDS:
            for channels in (1, 2):
                if (kind, subtype) in MONO and channels == 2:
                    continue
                file = io.BytesIO()
                data = np.repeat(sound, channels, axis=1).astype(np.float32)
                soundfile.write(file, data, 8000, format=kind, subtype=subtype)
                self._seeds.append((f".{kind.lower()}", timeless(file.getvalue())))
        self._contents = [content for _, content in self._seeds]

    def good(self) -> list[Case]:
        return [Case("good", suffix, content) for suffix, content in self._seeds]

    def make(self, chance: random.Random) -> Case:
        if chance.random() < 0.4:
            kind, content = _wav(chance)
            return Case(kind, ".wav", content)
        suffix, content = chance.choice(self._seeds)
        changed = mutated(chance, content, self._contents, HEADER)
        named = suffix if chance.random() < 0.8 else chance.choice(SUFFIXES)
        return Case(f"{suffix[1:]} bytes", named, changed)

    def read(self, path: Path) -> None:
        with closing(AudioFile(AudioFileSettings(path, chunk=0.5))) as source:
            given = 0
            for block in source:
                assert block.samples.dtype == np.float32 and block.samples.ndim == 1
                assert np.isfinite(block.samples).all(), "samples that are not finite"
                given += len(block.samples)
                if given >= LONGEST * RATE:
                    break
            assert all(line.isprintable() for line in source.warnings), source.warnings


def timeless(content: bytes) -> bytes:
    """A file without what differs each time it is written: the clock in WAV and MAT, the number of an Ogg stream."""
    made = bytearray(
        re.sub(rb"(?<=, )\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", b"2000-01-01 00:00:00", content, count=1)
    )
    peak = content.find(b"PEAK", 0, 256)
    if peak >= 0:
        made[peak + 12 : peak + 16] = bytes(4)
    at = 0
    while content.startswith(b"OggS") and at < len(made):
        segments = made[at + 26]
        end = at + 27 + segments + sum(made[at + 27 : at + 27 + segments])
        made[at + 14 : at + 18] = made[at + 22 : at + 26] = bytes(4)
        made[at + 22 : at + 26] = ogg_checksum(bytes(made[at:end])).to_bytes(4, "little")
        at = end
    return bytes(made)


def ogg_checksum(page: bytes) -> int:
    """CRC-32 of an Ogg page (RFC 3533): polynomial 0x04c11db7, not reflected, from 0."""
    check = 0
    for byte in page:
        check = (check << 8 & 0xFFFFFFFF) ^ _TABLE[check >> 24 ^ byte]
    return check


def _entry(number: int) -> int:
    number <<= 24
    for _ in range(8):
        number = (number << 1 ^ 0x04C11DB7 if number >> 31 else number << 1) & 0xFFFFFFFF
    return number


_TABLE = [_entry(number) for number in range(256)]


def _wav(chance: random.Random) -> tuple[str, bytes]:
    """A RIFF file made chunk by chunk, most of it true."""

    def lie(truth: int, *others: int) -> int:
        return chance.choice((*NUMBERS, *others)) if chance.random() < 0.15 else truth

    tag, bits = chance.choice(TAGS), chance.choice((8, 16, 16, 24, 32, 32, 64))
    channels = lie(chance.choice((1, 1, 2)), 0, 64, 65, 1024, 1025) & 0xFFFF
    rate = chance.choice(RATES) if chance.random() < 0.3 else 8000
    bits = lie(bits, 0, 1, 7, 12, 15, 33, 255) & 0xFFFF
    block = lie(channels * bits // 8) & 0xFFFF
    form = struct.pack("<HHIIHH", tag, channels, rate, lie(rate * block) & 0xFFFFFFFF, block, bits)
    if tag == 0xFFFE:
        guid = chance.choice((1, 3, 6, 7, 0, 0xFFFF)).to_bytes(4, "little") + bytes.fromhex(
            "00001000800000aa00389b71"
        )
        guid = chance.randbytes(16) if chance.random() < 0.1 else guid
        form += struct.pack("<HHI", lie(22) & 0xFFFF, lie(bits) & 0xFFFF, lie(4) & 0xFFFFFFFF) + guid
    elif tag in (2, 0x11, 0x31, 0x50, 0x55):
        form += struct.pack("<HH", 2, lie(505) & 0xFFFF) + chance.randbytes(chance.choice((0, 28)))
    data = chance.randbytes(chance.choice((0, 1, 2000, 16000)))
    kind = chance.choice((b"RIFF", b"RIFF", b"RIFF", b"RF64", b"RIFX"))
    chunks = [(b"fmt ", form, lie(len(form))), (b"data", data, lie(len(data)))]
    if kind == b"RF64":
        sizes = struct.pack(
            "<QQQI", lie(2**40), lie(len(data), 2**63, 2**64 - 1), lie(8000, 2**63), lie(0) & 0xFFFFFFFF
        )
        chunks.insert(0, (b"ds64", sizes, lie(len(sizes))))
        chunks[-1] = (b"data", data, 0xFFFFFFFF)
    for _ in range(chance.choice((0, 0, 0, 1, 2, 3000))):
        name = chance.choice(
            (b"LIST", b"fact", b"cue ", b"smpl", b"PEAK", b"bext", b"id3 ", b"inst", b"acid", b"junk")
        )
        inside = chance.randbytes(chance.choice((0, 4, 8, 36, 300)))
        chunks.insert(chance.randrange(len(chunks) + 1), (name, inside, lie(len(inside))))
    if chance.random() < 0.1:
        chance.shuffle(chunks)
    body = b"".join(name + struct.pack("<I", size & 0xFFFFFFFF) + inside for name, inside, size in chunks)
    whole = kind + struct.pack("<I", lie(len(body) + 4) & 0xFFFFFFFF) + b"WAVE" + body
    return f"{kind.decode()} header", whole
