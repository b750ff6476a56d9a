"""Operators' page of the relays."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from meetings.models import Relay
from meetings.services.relays import relay_drain


@admin.register(Relay)
class RelayAdmin(admin.ModelAdmin):
    """Relays tell everything themselves; an operator looks, and may take one out of service."""

    list_display = ["name", "udp_port", "state", "rooms", "participants", "load", "seen_at", "started_at"]
    list_display_links = None
    actions = ["drain"]

    @admin.action(description=_("Drain: take no new room, end with the last one"), permissions=["view"])
    def drain(self, request: HttpRequest, chosen: QuerySet[Relay]) -> None:
        for relay in chosen:
            relay_drain(name=relay.name)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Relay | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Relay | None = None) -> bool:
        return False
