"""Which relays there are, and which of them holds which room. Rows of the deployment, of no ministry."""

import uuid

from django.contrib.admin import display
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RelayState(models.TextChoices):
    """Serving until it is told to drain; then it takes no new room, and ends with its last one."""

    SERVING = "serving", _("Serving")
    DRAINING = "draining", _("Draining")


class Relay(models.Model):
    """One life of one relay process. The row goes when that ends; a relay that comes back is another one.

    All of it is told by the relay's heartbeat, twice a second.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address = models.CharField(_("address"), max_length=200, unique=True, help_text="http://HOST:PORT")
    udp_port = models.PositiveIntegerField(_("media port (UDP)"))
    process = models.CharField(max_length=80, blank=True, help_text="Whose lock shows that it lives.")
    state = models.CharField(
        _("state"), max_length=10, choices=RelayState.choices, default=RelayState.SERVING
    )
    started_at = models.DateTimeField(_("since"), default=timezone.now)
    # By the database's clock: those of several machines differ.
    seen_at = models.DateTimeField(_("last heard"), db_default=Now())
    load = models.FloatField(_("load"), default=0.0, help_text="Cores in use, over the last seconds.")
    rooms = models.PositiveIntegerField(_("rooms"), default=0)
    participants = models.PositiveIntegerField(_("participants"), default=0)

    class Meta:
        verbose_name = _("relay")
        verbose_name_plural = _("relays")
        ordering = ["address"]

    def __str__(self) -> str:
        return self.name

    @property
    @display(description=_("address"), ordering="address")
    def name(self) -> str:
        """What operators call it: its address without the scheme."""
        return self.address.partition("://")[2]


class Placement(models.Model):
    """That a room is on that relay and on no other: the key of the table holds two places apart."""

    room = models.CharField(primary_key=True, max_length=256)
    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="placements")
    placed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.room} on {self.relay_id}"
