"""Who is what in a ministry: the roles that other apps' rules are written with."""

from accounts.models import Membership, Role


def may_host(membership: Membership | None) -> bool:
    """Staff and administrators hold meetings; an auditor's account only reads."""
    return membership is not None and membership.role in (Role.STAFF, Role.ADMIN)


def administers(membership: Membership | None) -> bool:
    """Whether the person runs this ministry's tenant (which gives no right to any content)."""
    return membership is not None and membership.role == Role.ADMIN


def audits(membership: Membership | None) -> bool:
    """Whether the person is an auditor of this ministry (content needs a mandate besides)."""
    return membership is not None and membership.role == Role.AUDITOR
