"""Forms of the home page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import SpokenLanguage
from meetings.codes import is_code
from meetings.models import Access
from meetings.text import one_line


class StartForm(forms.Form):
    """A meeting that starts now."""

    title = forms.CharField(label=_("Title"), max_length=200, required=False)
    spoken_language = forms.ChoiceField(label=_("Spoken language"), choices=SpokenLanguage.choices)
    access = forms.ChoiceField(label=_("Who may come in"), choices=Access.choices, initial=Access.INVITED)

    def clean_title(self) -> str:
        return one_line(self.cleaned_data["title"]) or str(_("Meeting"))


class CodeForm(forms.Form):
    """A meeting's code, as read out or pasted, perhaps as a whole address."""

    code = forms.CharField(label=_("Meeting code"), max_length=200)

    def clean_code(self) -> Any:
        code = self.cleaned_data["code"].strip().rstrip("/").rsplit("/", 1)[-1].lower()
        if not is_code(code):
            raise forms.ValidationError(_("A code looks like abc-defg-hjk."))
        return code
