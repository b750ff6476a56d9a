"""Who is what in a ministry: the roles that other apps' rules are written with."""

from accounts.models import Membership, Role


def may_host(membership: Membership | None) -> bool:
    """Staff and administrators hold meetings; an auditor's account only reads."""
    return membership is not None and membership.role in (Role.STAFF, Role.ADMIN)
