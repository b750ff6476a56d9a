"""Models come from a folder of this machine, checked against the checksums beside them; never from a hub."""

import hashlib
import json
import os
from pathlib import Path

from transcripts.errors import EngineUnusable, ModelRefused

CHECKSUMS = "SHA256SUMS"

WHISPER_LANGUAGES = frozenset(
    """
    af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr
    ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc
    pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue
    zh
    """.split()  # noqa: SIM905 - a hundred short words read better so
)


def model_folder(models_dir: Path | None, family: str, name: str) -> Path:
    """`models_dir`/`family`/`name`, or the only folder of that family where no name is given.

    Raises EngineUnusable where it is not there, naming the folder to fill.
    """
    if models_dir is None:
        raise EngineUnusable("no model folder: set VISIO_MODELS_DIR")
    root = models_dir / family
    if name and Path(name).name != name:
        raise EngineUnusable(f"“{name}” is not the name of a folder in {root}")
    if name:
        if not (root / name).is_dir():
            raise EngineUnusable(f"no model in {root / name}: put its files there")
        return root / name
    found = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    if len(found) != 1:
        many = f"{len(found)} models in {root}: set VISIO_WHISPER_MODEL to the name of one"
        raise EngineUnusable(many if found else f"no model in {root}: put its folder there")
    return found[0]


def check_sums(folder: Path) -> None:
    """Compare every file with SHA256SUMS (as sha256sum writes it), where there is one.

    Raises ModelRefused for a changed, missing or unlisted file: a file that nobody vouched for is not loaded.
    """
    listing = folder / CHECKSUMS
    if not listing.is_file():
        return
    listed = _listed(listing)
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {CHECKSUMS}
    for name in sorted(present ^ listed.keys()):
        raise ModelRefused(
            f"{folder / name} is {'not listed in' if name in present else 'missing, yet in'} {CHECKSUMS}"
        )
    for name, expected in listed.items():
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise ModelRefused(f"{folder / name} does not match {CHECKSUMS}")


def _listed(listing: Path) -> dict[str, str]:
    sums: dict[str, str] = {}
    for line in listing.read_text(encoding="utf-8").splitlines():
        digest, separator, name = line.partition(" ")
        if line.strip() and not separator:
            raise ModelRefused(f"{listing} cannot be read at “{line[:40]}”")
        if separator:
            sums[os.path.normpath(name.lstrip(" *"))] = digest.lower()
    return sums


def whisper_languages(folder: Path) -> frozenset[str]:
    """Languages of a Whisper model in CTranslate2's format.

    Multilingual vocabularies hold an empty word, by which CTranslate2 4.8 tells them; English ones do not.
    """
    as_json, as_text = folder / "vocabulary.json", folder / "vocabulary.txt"
    try:
        if as_json.is_file():
            words = json.loads(as_json.read_text(encoding="utf-8"))
        else:
            words = as_text.read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, ValueError) as error:
        raise EngineUnusable(f"no readable vocabulary in {folder}: is it a CTranslate2 model?") from error
    return WHISPER_LANGUAGES if "" in words else frozenset({"en"})
