"""Counts per day, so that the home page never counts the ledger."""

from typing import ClassVar

from django.db import models

from calendly_connector.models.connection import Connection


class DailyFigure(models.Model):
    """One number of one day. `services.figures` names the figures and counts them."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="figures")
    date = models.DateField(help_text="In the installation's time zone.")
    name = models.CharField(max_length=40)
    detail = models.CharField(max_length=255, blank=True, help_text="Event type or host; empty: all of them.")
    value = models.FloatField(default=0)

    class Meta:
        """One value per day, name and detail."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "date", "name", "detail"], name="daily_figure_once")
        ]
        indexes: ClassVar = [models.Index(fields=["date", "name"], name="daily_figure_date")]

    def __str__(self) -> str:
        return f"{self.name} {self.detail} on {self.date}"
