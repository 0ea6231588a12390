"""Members of staff, as in the tests of the admin."""

from tests.admin.conftest import log_in

__all__ = ["log_in"]
