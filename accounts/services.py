"""Writes of people and ministries."""

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts import tenancy
from accounts.models import Membership, Ministry, Role, User


def ministry_ensure(*, slug: str, name: str, spoken_language: str) -> Ministry:
    """The ministry with this slug, made if it is new."""
    ministry, _ = Ministry.objects.get_or_create(
        slug=slug, defaults={"name": name, "spoken_language": spoken_language}
    )
    return ministry


@transaction.atomic
def person_ensure(*, ministry: Ministry, email: str, name: str, password: str, role: Role) -> User:
    """The person with this address, made with *password* if new, holding *role* in the ministry."""
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        user = User.objects.create_user(email, password, name=name)
        # The ministry vouches for the address; allauth gives a second factor to verified ones only.
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    with tenancy.scope(ministry.id):
        Membership.objects.get_or_create(user=user, defaults={"ministry": ministry, "role": role})
    return user


def password_replace(*, user: User, password: str) -> None:
    """Gives the person a new password; their other sessions end with the old one."""
    user.set_password(password)
    user.save(update_fields=["password"])
