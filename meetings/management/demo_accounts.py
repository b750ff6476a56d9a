"""The two ministries everyone can try Visio with."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.models import Role, User
from accounts.services import ministry_ensure, password_replace, person_ensure

MINISTRIES: list[dict[str, Any]] = [
    {
        "slug": "culture",
        "name": "Ministère de la Culture",
        "spoken_language": "fr",
        "staff": ["Camille Durand", "Hugo Petit", "Inès Moreau"],
        "admin": "Louis Bernard",
        "auditor": "Anne Lefèvre",
    },
    {
        "slug": "climate",
        "name": "Ministry of Climate",
        "spoken_language": "en",
        "staff": ["Alice Martin", "Ben Fischer", "Clara Rossi"],
        "admin": "David Novak",
        "auditor": "Eva Lindholm",
    },
]


def _address(name: str, slug: str) -> str:
    plain = name.lower().translate(str.maketrans("éèêëàâîïôûç ", "eeeeaaiiouc."))
    return f"{plain}@{slug}.example"


def _passwords(path: Path) -> dict[str, str]:
    return json.loads(path.read_text()) if path.exists() else {}


def _keep(path: Path, passwords: dict[str, str]) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(passwords, file, indent=1)
    draft.replace(path)


def seed() -> dict[str, Any]:
    """Makes what is missing and answers with every demo account. Passwords are this deployment's own."""
    path = settings.VISIO.data / "demo-passwords.json"
    passwords = _passwords(path)
    answer = [_seed_ministry(plan, passwords) for plan in MINISTRIES]
    _keep(path, passwords)
    return {"ministries": answer}


def _seed_ministry(plan: dict[str, Any], passwords: dict[str, str]) -> dict[str, Any]:
    ministry = ministry_ensure(slug=plan["slug"], name=plan["name"], spoken_language=plan["spoken_language"])

    def person(name: str, role: Role) -> dict[str, str]:
        email = _address(name, ministry.slug)
        forgotten = email not in passwords and User.objects.filter(email__iexact=email).exists()
        password = passwords.setdefault(email, "-".join(secrets.token_hex(2) for _ in range(4)))
        user = person_ensure(ministry=ministry, email=email, name=name, password=password, role=role)
        if forgotten:
            password_replace(user=user, password=password)
        return {"email": email, "password": password, "name": name}

    return {
        "slug": ministry.slug,
        "name": ministry.name,
        "staff": [person(name, Role.STAFF) for name in plan["staff"]],
        "admin": person(plan["admin"], Role.ADMIN),
        "auditor": person(plan["auditor"], Role.AUDITOR),
    }
