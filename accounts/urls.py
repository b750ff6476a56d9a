"""Addresses of signing in: those of django-allauth that a ministry's people may use.

Addresses and forgotten passwords are the ministry's affair, and no mail server is needed: allauth's pages
for changing e-mail addresses and for resetting passwords by mail are not routed.
"""

from allauth.account import views
from django.urls import include, path

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("signup/", views.signup, name="account_signup"),  # answers that it is closed
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("2fa/", include("allauth.mfa.urls")),
]
