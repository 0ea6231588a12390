"""GET /account: the check whether a key works, and whose account it opens."""

from sandbox.brevo_account import Account
from sandbox.http import Request, Response, Router


class Profile:
    """Tells about the account itself."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def register(self, router: Router) -> None:
        """Add the route."""
        router.route("GET", "/account")(self.read)

    def read(self, request: Request) -> Response:
        """Return the account; `profile` of the state may be changed to play another one."""
        profile = self.account.state.profile
        return Response(
            body={
                **profile,
                "address": {"city": "Paris", "country": "France", "street": "1 Example Street", "zipCode": "75001"},
                "plan": [
                    {"type": "free", "credits": 250, "creditsType": "sendLimit"},
                    {"type": "sms", "credits": 15, "creditsType": "sendLimit"},
                ],
                "planVerticals": [
                    {
                        "planCategory": "Marketing", "planType": "free", "name": "Free", "status": "active",
                        "startDate": "1751234567", "endDate": "1753826567", "credits": "250",
                        "users": {"purchasedSeats": "1", "usedSeats": "1"},
                    }
                ],
                "relay": {
                    "enabled": True,
                    "data": {"port": 587, "relay": "smtp-relay.example.com", "userName": profile["email"]},
                },
                "marketingAutomation": {"enabled": True, "key": "sandbox-automation-key"},
            }
        )  # fmt: skip
