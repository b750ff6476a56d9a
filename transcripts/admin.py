"""Operators' page of transcripts: states and reasons only. What was said is not theirs to read."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import tenancy
from transcripts.models import Transcript


@admin.register(Transcript)
class TranscriptAdmin(admin.ModelAdmin):
    list_display = ["id", "ministry", "language", "state", "engine", "quality", "finished_at"]
    list_filter = ["state", "engine", "language"]
    fields = [
        "id",
        "ministry",
        "language",
        "state",
        "engine",
        "quality",
        "reason",
        "created_at",
        "finished_at",
    ]
    readonly_fields = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transcript]:
        with tenancy.across("operators see the state of every ministry's transcripts, not their words"):
            return Transcript.objects.select_related("ministry")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Transcript | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Transcript | None = None) -> bool:
        return False
