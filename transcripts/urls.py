"""Addresses of transcripts."""

from django.urls import path

from transcripts import views

urlpatterns = [
    path("recordings/<uuid:recording_id>/transcript/", views.transcript, name="transcript"),
    path("search/", views.search, name="search"),
]
