"""Operators' pages for ministries and people."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

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

    def save_model(self, request: HttpRequest, obj: Membership, form: object, change: bool) -> None:
        with tenancy.scope(obj.ministry_id):
            obj.save()
