"""Speech for fake microphones: Debian's flite voices, which the embedded recogniser understands."""

import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path

RATE = 48_000


def speak(text: str, voice: str, out: Path) -> None:
    """One sentence by one voice, 48 kHz mono 16 bit."""
    raw = out.with_suffix(".raw.wav")
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(raw)], check=True)
    convert = ["ffmpeg", "-loglevel", "error", "-y", "-i", str(raw), "-ar", str(RATE), "-ac", "1", str(out)]
    subprocess.run(convert, check=True)
    raw.unlink()


def speech_file(sentences: Sequence[str], voice: str, out: Path, *, lead: float, pause: float = 0.7) -> float:
    """A wave file of *lead* seconds of silence and the sentences with pauses; returns its seconds."""
    parts = [_silence(lead)]
    for number, sentence in enumerate(sentences):
        piece = out.with_name(f"{out.stem}-{number}.wav")
        speak(sentence, voice, piece)
        with wave.open(str(piece)) as file:
            parts.append(file.readframes(file.getnframes()))
        piece.unlink()
        parts.append(_silence(pause))
    sound = b"".join(parts)
    with wave.open(str(out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound)
    return len(sound) / 2 / RATE


def _silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))
