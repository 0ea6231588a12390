"""The booking page that visitors see: `/book/<slug>`."""
