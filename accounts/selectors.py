"""Reads of people and ministries."""

from django.db.models import QuerySet

from accounts import tenancy
from accounts.errors import NoSuchPerson
from accounts.models import Membership, Role, User


def home_membership(user: User) -> Membership | None:
    """The membership a person works under after signing in (their oldest), or None."""
    with tenancy.across("a person's own memberships are looked up before any ministry is chosen"):
        return Membership.objects.select_related("ministry").filter(user=user).order_by("created_at").first()


def colleagues(*, except_user: User) -> QuerySet[User]:
    """People of the current ministry who can be invited, by name."""
    members = Membership.objects.exclude(user=except_user).exclude(role=Role.AUDITOR).values("user_id")
    return User.objects.filter(id__in=members, is_active=True).order_by("name")


def person_by_email(email: str) -> User:
    """The active account with this address, whatever its ministry. Raises NoSuchPerson."""
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if user is None:
        raise NoSuchPerson(f"No active account has the address {email}.")
    return user
