"""Every contact of an account, page by page, while others delete some of them."""

from collections.abc import Iterator

import pytest

from calendly_connector.clients import brevo_contacts, errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_contacts import Page
from sandbox.app import Sandbox


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brevo_contacts, "PER_PAGE", 20)
    monkeypatch.setattr(brevo_contacts, "OVERLAP", 3)


def fill(sandbox: Sandbox, count: int) -> list[str]:
    emails = [f"p{number}@example.com" for number in range(count)]
    for email in emails:
        sandbox.brevo.add_contact(email)
    return emails


def names(pages: Iterator[Page]) -> list[str]:
    return [contact.email for page in pages for contact in page.contacts if contact.email.startswith("p")]


def test_contacts_come_once_each_oldest_first(sandbox: Sandbox, brevo: BrevoClient) -> None:
    emails = fill(sandbox, 50)

    pages = list(brevo.list_contacts())

    assert names(iter(pages)) == emails
    assert [page.is_last for page in pages] == [False, False, True]
    assert pages[0].total == len(sandbox.brevo.contacts())


def test_a_listing_goes_on_where_it_stood(sandbox: Sandbox, brevo: BrevoClient) -> None:
    emails = fill(sandbox, 50)
    first = next(brevo.list_contacts())

    rest = names(brevo.list_contacts(offset=first.next_offset, tail=first.tail))

    assert [*names(iter([first])), *rest] == emails


def test_an_account_of_one_page_costs_one_call(sandbox: Sandbox, brevo: BrevoClient) -> None:
    fill(sandbox, 10)
    sandbox.world.journal.clear()

    list(brevo.list_contacts())

    (call,) = sandbox.world.journal.calls("brevo")
    assert call.query == {"limit": ["20"], "offset": ["0"], "sort": ["asc"]}


@pytest.mark.parametrize("deleted", [1, 3, 8])
def test_who_moves_forward_by_a_deletion_is_not_missed(sandbox: Sandbox, brevo: BrevoClient, deleted: int) -> None:
    emails = fill(sandbox, 50)
    pages = brevo.list_contacts()
    found = names(iter([next(pages)]))
    for email in emails[:deleted]:
        sandbox.brevo.delete_contact(email)

    found += names(pages)

    assert set(found) == set(emails)


def test_an_empty_account_is_one_empty_page() -> None:
    pages = list(brevo_contacts.read_on(lambda offset: brevo_contacts.page_of({}, offset=offset)))

    assert [(page.contacts, page.is_last) for page in pages] == [([], True)]


def test_a_contact_tells_of_its_opt_outs(sandbox: Sandbox, brevo: BrevoClient) -> None:
    number = sandbox.brevo.add_list("News")
    fill(sandbox, 1)
    sandbox.brevo.unsubscribe("p0@example.com", [number])
    sandbox.brevo.block("p0@example.com")

    contact = brevo.get_contact("p0@example.com")

    assert (contact.is_blocked, contact.unsubscribed_lists) == (True, (number,))


def test_a_contact_in_another_form_is_a_bad_answer() -> None:
    with pytest.raises(errors.BadAnswer):
        brevo_contacts.contact_of({"attributes": ["FIRSTNAME"]})


def test_a_list_is_read_page_by_page_and_knows_nobody_else(
    sandbox: Sandbox, brevo: BrevoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brevo_contacts, "MEMBERS_PER_PAGE", 20)
    number = sandbox.brevo.add_list("Campaign")
    for each in range(45):
        sandbox.brevo.add_contact(f"p{each}@example.com", list_ids=[number])
    sandbox.brevo.add_contact("p-stranger@example.com")

    pages = list(brevo.list_members(number))

    assert [page.total for page in pages] == [45] * len(pages)
    assert names(iter(pages)) == [f"p{each}@example.com" for each in range(45)]
    with pytest.raises(errors.NotFound):
        list(brevo.list_members(number + 1))
