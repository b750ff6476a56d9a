"""The meeting, who is invited, who came, what was written."""

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import SpokenLanguage
from accounts.tenancy import TenantModel
from meetings.codes import new_code
from meetings.errors import WrongState


class MeetingState(models.TextChoices):
    """Planned until the first person connects, live while the room is, ended after."""

    PLANNED = "planned", _("Planned")
    LIVE = "live", _("Live")
    ENDED = "ended", _("Ended")


class Access(models.TextChoices):
    """Who may come in."""

    INVITED = "invited", _("Only invited people")
    LINK = "link", _("Anyone with the link")


_ALLOWED_MOVES = {
    MeetingState.PLANNED: {MeetingState.LIVE},
    MeetingState.LIVE: {MeetingState.ENDED},
    # People may come back to a meeting that everybody had left.
    MeetingState.ENDED: {MeetingState.LIVE},
}


class Meeting(TenantModel):
    """A meeting (the row). Its room is the live object on the media server, named by ``room``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=12, unique=True, default=new_code, editable=False)
    title = models.CharField(_("title"), max_length=200)
    host = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="hosted_meetings"
    )
    spoken_language = models.CharField(
        _("spoken language"), max_length=5, choices=SpokenLanguage.choices, default=SpokenLanguage.FRENCH
    )
    access = models.CharField(_("access"), max_length=10, choices=Access.choices, default=Access.INVITED)
    shares_content = models.BooleanField(
        _("participants may see the recording and the transcript"), default=True
    )
    state = models.CharField(max_length=10, choices=MeetingState.choices, default=MeetingState.PLANNED)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["ministry", "-created_at"])]

    def __str__(self) -> str:
        return self.title

    @property
    def room(self) -> str:
        """The room's name on the media server: the meeting's key, never its code."""
        return str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("meeting", args=[self.id])

    def move_to(self, state: MeetingState) -> None:
        """Changes the state. Raises WrongState for a move the machine does not know."""
        if state not in _ALLOWED_MOVES[MeetingState(self.state)]:
            raise WrongState(f"A meeting that is {self.state} cannot become {state.value}.")
        self.state = state


class InvitationRole(models.TextChoices):
    """What an invited person is in the meeting."""

    HOST = "host", _("Host")
    COHOST = "cohost", _("Co-host")
    ATTENDEE = "attendee", _("Participant")


class Invitation(TenantModel):
    """The right of one person, or of one guest, to come into one meeting. The access row of ``tenancy``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="invitations")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="invitations"
    )
    guest_name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=10, choices=InvitationRole.choices, default=InvitationRole.ATTENDEE)
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    opens_content = models.BooleanField(
        default=True, help_text="False for who came by the link, until they have been in the room."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meeting", "user"], name="one_invitation_per_person"),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) | ~models.Q(guest_name=""), name="somebody_is_invited"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name shown in the meeting."""
        return self.user.name if self.user else self.guest_name

    @property
    def identity(self) -> str:
        """The identity on the media server; stable across reconnections."""
        return f"user-{self.user_id}" if self.user_id else f"guest-{self.id}"


class Attendance(TenantModel):
    """One stay of one participant in the room."""

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="attendance")
    identity = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    participant_sid = models.CharField(max_length=40)
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["meeting", "participant_sid"], name="one_attendance_per_stay")
        ]
        ordering = ["joined_at"]

    def __str__(self) -> str:
        return f"{self.name} {self.joined_at:%H:%M}"


class ChatMessage(TenantModel):
    """Something written in the meeting's chat, kept with the meeting."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="chat")
    identity = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    text = models.TextField(max_length=4000)
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["sent_at"]

    def __str__(self) -> str:
        return f"{self.name}: {self.text[:40]}"
