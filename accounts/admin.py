"""Operators' pages for ministries and people."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts import tenancy
from accounts.models import Membership, Ministry, User


@admin.register(Ministry)
class MinistryAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "spoken_language"]


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    list_display = ["name", "email", "is_active", "is_staff"]
    search_fields = ["name", "email"]
    fields = ["name", "email", "is_active", "is_staff", "is_superuser"]


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ["user", "ministry", "role"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        with tenancy.across("operators place people in every ministry"):
            return Membership.objects.all()

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with tenancy.across("a form checks that a person has one place in a ministry, in whatever ministry"):
            return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Membership, form: object, change: bool) -> None:
        with tenancy.scope(obj.ministry_id):
            obj.save()
