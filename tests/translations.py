"""Fails where the French catalogues are not complete, or not what the sources and the compiled files say.

A program of the gate, run by ``make translations``: extracts every string anew and compares.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CATALOGUES = ROOT / "visio_portal" / "locale" / "fr" / "LC_MESSAGES"
DOMAINS = ("django", "djangojs")


def messages(po: Path) -> dict[str, str]:
    """Every msgid with its msgstr; plural forms are joined."""
    found = {}
    for block in po.read_text().split("\n\n"):
        if any(line.startswith("#~") for line in block.splitlines()):
            continue
        fields = re.findall(r'^(msg\w+)(?:\[\d\])? ((?:".*"\n?)+)', block, re.M)
        texts = {name: "".join(re.findall(r'"(.*)"', value)) for name, value in fields}
        if key := texts.get("msgid"):
            found[key] = "" if "#, fuzzy" in block else texts.get("msgstr", "")
    return found


def extracted(domain: str) -> set[str]:
    """The strings that the sources hold now, by Django's own extraction, in a copy of the tree."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "visio")
        names = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
        )
        for name in names.stdout.splitlines():
            if (source := ROOT / name).is_file() and not name.startswith("tests/"):
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copy / name)
        command = [
            sys.executable,
            "manage.py",
            "makemessages",
            "-l",
            "fr",
            "-d",
            domain,
            "--no-location",
            "--no-obsolete",
        ]
        subprocess.run([*command, "-v", "0"], cwd=copy, check=True)
        return set(messages(copy / (CATALOGUES / f"{domain}.po").relative_to(ROOT)))


def compiled_is_current(domain: str) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch, "fresh.mo")
        command = ["msgfmt", "--check-format", "-o", str(fresh), str(CATALOGUES / f"{domain}.po")]
        subprocess.run(command, check=True)
        return fresh.read_bytes() == (CATALOGUES / f"{domain}.mo").read_bytes()


def main() -> None:
    wrong = []
    for domain in DOMAINS:
        known = messages(CATALOGUES / f"{domain}.po")
        wrong += [
            f"{domain}: not in the catalogue: {text}" for text in sorted(extracted(domain) - set(known))
        ]
        wrong += [f"{domain}: not translated: {text}" for text, french in known.items() if not french]
        if not compiled_is_current(domain):
            wrong.append(f"{domain}: the compiled file is not what msgfmt makes of the catalogue")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
