"""A daily call with each Brevo key: unused for 90 days it would expire (brevo-api.md §1.2), and staff learn early.

Where Brevo tells us what happens there, its webhook is looked after as well.
"""

from calendly_connector.clients import errors
from calendly_connector.models import BrevoAccount
from calendly_connector.services import accounts, brevo_listen, setup
from calendly_connector.services import connection as connections


def keep_alive() -> str:
    """Use every account's key once; pause what is refused, go on where a pause for the key is over.

    Returns what was found, in words, for the schedule. Calls once per account, outside the pace of its closed lanes.
    """
    rows = BrevoAccount.objects.order_by("pk")
    return " ".join(f"{account}: {_look_after(account)}" for account in rows) or "There is no Brevo account."


def _look_after(account: BrevoAccount) -> str:
    said = _greet(account)
    account.refresh_from_db(fields=accounts.STANDING)
    if account.is_paused or not brevo_listen.is_wanted(account):
        return said
    return f"{said} {brevo_listen.listen(account).words}"


def _greet(account: BrevoAccount) -> str:
    try:
        setup.greet_brevo(account, connections.brevo_client(account))
    except connections.NotConfigured as error:
        return _pause(account, f"{error} Then resume.")
    except (errors.Unauthorized, errors.PaymentRequired, errors.Forbidden) as refused:
        return _pause(account, accounts.words_for(refused))
    except setup.OtherAccount as error:
        return _pause(account, f"{error} Then resume.")
    except errors.ApiError as error:
        return f"not reached, tried again at the next turn. {error}"
    account.refresh_from_db(fields=accounts.STANDING)  # staff may have paused it while Brevo answered
    if accounts.is_paused_for_key(account):
        accounts.resume(account)
        return "its key is accepted again; writing goes on."
    return "its key is good."


def _pause(account: BrevoAccount, reason: str) -> str:
    accounts.pause(account, reason)
    return f"paused. {reason}"
