"""Every label of a column or a table can be translated."""

from django.apps import apps
from django.db.models import Model
from django.utils.functional import Promise

from calendly_connector import labels, models

APP = apps.get_app_config("calendly_connector")


def test_every_label_is_looked_up_in_the_readers_language() -> None:
    shown = [label for model in APP.get_models() for label in labels_of(model)]

    assert [label for label in shown if not isinstance(label, Promise)] == []


def test_no_label_is_collected_that_is_gone() -> None:
    written = {str(label) for model in APP.get_models() for label in labels_of(model)}

    assert labels.LABELS - written == set()


def labels_of(model: type[Model]) -> list[object]:
    names = model._meta.verbose_name, model._meta.verbose_name_plural
    return [*names, *(each.verbose_name for each in model._meta.fields if not each.primary_key)]


def test_a_label_says_what_it_said() -> None:
    assert str(models.WebhookDelivery._meta.get_field("received_at").verbose_name) == "received at"


def test_a_plural_is_looked_up_whole() -> None:
    options = [model._meta for model in APP.get_models()]

    glued = [each.verbose_name_plural for each in options if "verbose_name_plural" not in each.original_attrs]

    assert {str(each) for each in glued} <= labels.LABELS
