"""Every page's address."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.i18n import JavaScriptCatalog

# Operators sign in like everybody else: with second factor and with limits on guessing.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler500 = "meetings.views.faults.went_wrong"

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("i18n/catalogue.js", JavaScriptCatalog.as_view(domain="djangojs"), name="javascript-catalogue"),
    path("accounts/", include("accounts.urls")),
    path("operators/", admin.site.urls),
    path("", include("transcripts.urls")),
    path("", include("meetings.urls")),
]
