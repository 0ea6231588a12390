"""Our own REST API, version 1. Views translate and delegate; what they share is in `base`."""
