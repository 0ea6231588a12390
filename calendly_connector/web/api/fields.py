"""Serializers that take what they name and nothing else: a word that is misspelled must not be overheard."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from calendly_connector.web.api import problems


class Text(serializers.CharField):
    """Text, and no number that would be taken for one."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text; raise ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Truth(serializers.BooleanField):
    """True or false, and nothing that may be meant for it."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the truth; raise ValidationError."""
        if not isinstance(data, bool):
            self.fail("invalid", input=type(data).__name__)
        return data


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it doesn't know."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the values; raise ValidationError."""
        unknown = data.keys() - self.fields.keys() if isinstance(data, Mapping) else ()
        if unknown:
            raise serializers.ValidationError({str(name)[:100]: "There is no such field." for name in unknown})
        return super().to_internal_value(data)


def query_of(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return what an address asks for; raise WrongQuery."""
    try:
        return values_of(serializer, request.query_params.dict())
    except serializers.ValidationError as error:
        raise problems.WrongQuery(error.detail) from error


def values_of(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return what a body says; raise ValidationError."""
    found = serializer(data=data)
    found.is_valid(raise_exception=True)
    return dict(found.validated_data)
