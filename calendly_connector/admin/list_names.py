"""Brevo lists by name on pages that list rows of several accounts: one query for the page."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.translation import gettext as _

from calendly_connector.admin.base import ConnectorAdmin, Row
from calendly_connector.models import BrevoList


class ListNamesAdmin(ConnectorAdmin[Row]):
    """Rows that hold ids of lists."""

    def account_of(self, row: Any) -> int:
        """Return the key of the Brevo account whose lists a row names."""
        found: int = row.connection.brevo_account_id
        return found

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Tell each row the names of all lists."""
        page = super().get_changelist_instance(request)
        rows: list[Any] = list(page.result_list)
        names = _names_of({self.account_of(row) for row in rows})
        for row in rows:
            row.found_lists = names
        page.result_list = rows
        return page

    def named(self, row: Any, numbers: Iterable[int]) -> str:
        """Return lists by id and name, a dash for none."""
        account = self.account_of(row)
        names = row.found_lists if hasattr(row, "found_lists") else _names_of({account})
        lost = _("not in Brevo?")
        return ", ".join(f"#{number} {names.get((account, number), lost)}" for number in numbers) or "–"


def _names_of(accounts: set[int]) -> dict[tuple[int, int], str]:
    rows = BrevoList.objects.filter(account__in=accounts).values_list("account", "number", "name")
    return {(account, number): name for account, number, name in rows}
