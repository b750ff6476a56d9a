"""Rows of a ministry stay within it, and forgetting the tenant fails loudly."""

import pytest

from accounts import tenancy
from accounts.errors import UnscopedQuery
from accounts.models import Membership
from meetings.models import Invitation, Meeting
from tests.conftest import People


def test_a_query_outside_any_ministry_raises(people: People) -> None:
    with pytest.raises(UnscopedQuery, match="Meeting"):
        Meeting.objects.count()


def test_a_query_sees_only_its_own_ministry(people: People, meeting: Meeting) -> None:
    with tenancy.scope(people.ministry.id):
        assert list(Meeting.objects.all()) == [meeting]
    with tenancy.scope(people.other_ministry.id):
        assert not Meeting.objects.exists()
        assert not Invitation.objects.exists()


def test_related_rows_are_scoped_too(people: People, meeting: Meeting) -> None:
    with tenancy.scope(people.other_ministry.id):
        assert not meeting.invitations.exists()
    with pytest.raises(UnscopedQuery):
        meeting.invitations.count()


def test_a_row_of_another_ministry_cannot_be_written(people: People, meeting: Meeting) -> None:
    meeting.title = "Taken over"
    with tenancy.scope(people.other_ministry.id), pytest.raises(UnscopedQuery):
        meeting.save()


def test_a_new_row_takes_the_current_ministry(people: People) -> None:
    with tenancy.scope(people.other_ministry.id):
        row = Meeting.objects.create(title="Climate", host=people.stranger)
    assert row.ministry_id == people.other_ministry.id


def test_looking_across_ministries_needs_a_reason(people: People) -> None:
    with pytest.raises(UnscopedQuery), tenancy.across(""):
        pass
    with tenancy.across("a test counts the people of all ministries"):
        assert Membership.objects.count() == 6


def test_the_inner_scope_wins_and_the_outer_one_comes_back(people: People) -> None:
    with tenancy.scope(people.ministry.id):
        with tenancy.scope(people.other_ministry.id):
            assert tenancy.current_ministry_id() == people.other_ministry.id
        assert tenancy.current_ministry_id() == people.ministry.id
    with pytest.raises(UnscopedQuery):
        tenancy.current_ministry_id()
