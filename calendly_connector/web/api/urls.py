"""The API's addresses below `/api/v1/`, each with and without a closing slash."""

from django.urls import re_path

from calendly_connector.web.api import bookings, people
from calendly_connector.web.api.base import Nowhere
from calendly_connector.web.api.schema import SchemaView

ONE = r"^people/(?P<person_id>\d{1,18})"

urlpatterns = [
    re_path(r"^schema/?$", SchemaView.as_view(), name="api_schema"),
    re_path(r"^people/?$", people.ListView.as_view(), name="api_people"),
    re_path(r"^people/sync/?$", people.SyncView.as_view(), name="api_people_sync"),
    re_path(r"^people/update/?$", people.UpdateView.as_view(), name="api_people_update"),
    re_path(rf"{ONE}/?$", people.PersonView.as_view(), name="api_person"),
    re_path(rf"{ONE}/export/?$", people.ExportView.as_view(), name="api_person_export"),
    re_path(rf"{ONE}/erase/?$", people.EraseView.as_view(), name="api_person_erase"),
    re_path(r"^event-types/?$", bookings.EventTypesView.as_view(), name="api_event_types"),
    re_path(r"^available-times/?$", bookings.TimesView.as_view(), name="api_available_times"),
    re_path(r"^bookings/?$", bookings.BookView.as_view(), name="api_bookings"),
    re_path(r"^bookings/(?P<key>[A-Za-z0-9_-]{20,64})/?$", bookings.OutcomeView.as_view(), name="api_booking"),
    re_path(r"^scheduling-links/?$", bookings.LinkView.as_view(), name="api_scheduling_links"),
    re_path(r"", Nowhere.as_view()),
]
