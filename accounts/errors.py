"""What can go wrong with people, ministries and their boundaries."""


class AccountsError(Exception):
    """Base of every error of this app."""


class UnscopedQuery(AccountsError):
    """Rows of a ministry were asked for while no ministry was chosen: a programming error, never a page."""


class NoSuchPerson(AccountsError):
    """No active account has this e-mail address in this ministry."""
