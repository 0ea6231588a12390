"""Blocklist and unsubscriptions: what keeps them and what quietly ends them (reference 2.5, 2.6, 2.9 and 9)."""

from tests.sandbox.brevo_api import Api


def test_writing_to_a_blocklisted_contact_succeeds_silently(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    api.brevo.block("ada@example.com")

    upserted = api.upsert("ada@example.com", attributes={"FIRSTNAME": "Ada"}, listIds=[1])
    added = api.post("/contacts/lists/2/contacts/add", {"emails": ["ada@example.com"]})
    put = api.put("/contacts/ada%40example.com", {"listIds": [3]})

    assert (upserted.status, added.status, put.status) == (204, 201, 204)
    assert api.contact("ada@example.com")["emailBlacklisted"] is True
    assert api.contact("ada@example.com")["listIds"] == [1, 2, 3]


def test_sending_the_flag_re_enables_mail(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    api.brevo.block("ada@example.com")

    api.upsert("ada@example.com", emailBlacklisted=False)

    assert api.contact("ada@example.com")["emailBlacklisted"] is False


def test_an_opt_out_can_be_recorded(api: Api) -> None:
    api.upsert("ada@example.com", emailBlacklisted=True, smsBlacklisted=True)

    assert api.contact("ada@example.com")["emailBlacklisted"] is True
    assert api.contact("ada@example.com")["smsBlacklisted"] is True


def test_changing_the_address_removes_the_blocklisting(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    api.brevo.block("ada@example.com")

    assert api.put("/contacts/ada%40example.com", {"attributes": {"EMAIL": "countess@example.com"}}).status == 204

    assert api.brevo.contact("ada@example.com") is None
    assert api.contact("countess@example.com")["emailBlacklisted"] is False


def test_deletion_forgets_the_opt_out(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1])
    api.brevo.block("ada@example.com")

    assert api.delete("/contacts/ada%40example.com").status == 204
    api.upsert("ada@example.com")

    assert api.contact("ada@example.com")["emailBlacklisted"] is False
    assert api.brevo.list_members(1) == []


def test_unsubscription_from_a_list_shows_and_ends_by_joining_again(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1, 2])
    api.brevo.unsubscribe("ada@example.com", [1])

    left = api.contact("ada@example.com")
    api.upsert("ada@example.com", listIds=[1])

    assert (left["listIds"], left["listUnsubscribed"], left["emailBlacklisted"]) == ([2], [1], False)
    assert api.contact("ada@example.com")["listUnsubscribed"] is None


def test_unsubscription_from_a_list_can_outlive_joining_again(api: Api) -> None:
    api.brevo.settings.rejoin_resubscribes = False
    api.brevo.add_contact("ada@example.com", list_ids=[1])
    api.brevo.unsubscribe("ada@example.com", [1])

    api.upsert("ada@example.com", listIds=[1])

    assert api.contact("ada@example.com")["listUnsubscribed"] == [1]


def test_unsubscription_from_everything_blocklists(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1])

    api.brevo.unsubscribe("ada@example.com")

    assert api.contact("ada@example.com")["emailBlacklisted"] is True
