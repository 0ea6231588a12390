"""The family of things the core anticipates.

CoreError
├── MalformedPayload     a delivery or listing row of Calendly's lacks what it must have
├── MalformedNews        what Brevo posted lacks what it must have
└── SignatureError       a delivery that we can't prove to be Calendly's
    ├── SignatureMissing
    ├── SignatureMismatch
    └── SignatureStale
"""


class CoreError(Exception):
    """Base of everything the core raises on purpose; the text is fit for staff."""


class MalformedPayload(CoreError):
    """A payload lacks, or has in the wrong form, what every payload of its kind has. `path` names the place."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"Calendly's data has {problem} at “{path}”.")
        self.path = path


class MalformedNews(CoreError):
    """What Brevo posted lacks, or has in the wrong form, what all news has. `path` names the place."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"Brevo's news has {problem} at “{path}”.")
        self.path = path


class SignatureError(CoreError):
    """The delivery is refused: it can't be shown to come from Calendly."""


class SignatureMissing(SignatureError):
    """There is no signature header, or no key to check it with."""


class SignatureMismatch(SignatureError):
    """No signature in the header fits the body under any of our keys."""


class SignatureStale(SignatureError):
    """The signature's time is too far from ours: a replay, or a wrong clock."""
