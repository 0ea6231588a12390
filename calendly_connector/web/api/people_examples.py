"""Examples for the schema, with a person who doesn't exist."""

from typing import Any

from calendly_connector.web.api.schema import example

CONNECTION: dict[str, Any] = {"id": 1, "name": "Calendly → Brevo"}
NADIA = "nadia.benali@example.com"

PAGE = [
    example(
        {
            "results": [
                {
                    "id": 7,
                    "email": NADIA,
                    "connection": CONNECTION,
                    "known_since": "2026-11-22T10:15:04+00:00",
                    "written_at": "2026-11-22T10:15:06+00:00",
                    "name": "Nadia Benali",
                }
            ],
            "next": "/api/v1/people?limit=1&after=7",
        }
    )
]
SYNC = [
    example({"email": NADIA}, is_request=True),
    example(
        {
            "results": [
                {
                    "connection": CONNECTION,
                    "person": 7,
                    "found": 2,
                    "new": 1,
                    "changed": 0,
                    "gone": 0,
                    "erased": 0,
                    "unreadable": 0,
                    "queued": True,
                    "problem": "",
                }
            ]
        }
    ),
]
UPDATE = [
    example({"email": NADIA, "attributes": {"COMPANY": "Benali Conseil", "IS_CUSTOMER": True}}, is_request=True),
    example({"people": [7], "attributes": {"COMPANY": "Benali Conseil", "IS_CUSTOMER": True}}),
]
ERASE = [
    example({"brevo": True}, is_request=True),
    example(
        {
            "erased": True,
            "counts": {"people": 1, "bookings": 2, "log_entries": 5, "webhook_deliveries": 3},
            "brevo": ["Brevo: the contact was deleted, and with it that it had opted out…"],
            "calendly": ["Calendly → Brevo: Calendly keeps its record of the meetings…"],
        }
    ),
]
