"""What can go wrong with meetings; each cause is mapped once to an HTTP status."""


class MeetingsError(Exception):
    """Base of every error of this app. ``status`` is the HTTP status an edge answers with."""

    status = 400


class NotVisible(MeetingsError):
    """The meeting does not exist for this person: answered as if it were absent."""

    status = 404


class NotAllowed(MeetingsError):
    """The person sees the meeting but may not do this."""

    status = 403


class WrongState(MeetingsError):
    """The meeting or recording is in a state that does not allow this."""

    status = 409


class BadInput(MeetingsError):
    """A value given by a person cannot be used; the message says which and why."""

    status = 400


class MediaServerDown(MeetingsError):
    """The media server could not be reached or refused; nothing was lost, it can be tried again."""

    status = 503


class NotMeasured(MeetingsError):
    """The media server does not tell how people are connected."""

    status = 501


class JobStopped(MeetingsError):
    """A worker must let go of its job; what it did so far must not be written."""


class LeaseLost(JobStopped):
    """Another worker holds this job now, or it was deleted."""


class Interrupted(JobStopped):
    """This process is about to end; the job is for whoever comes next."""


class TooMany(MeetingsError):
    """Too many tries in a short time."""

    status = 429
