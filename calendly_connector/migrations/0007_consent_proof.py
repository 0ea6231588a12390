"""A booking may give several consents: told apart by a digest of what was asked and answered."""

import hashlib
import json
from typing import Any

from django.db import migrations, models


def fill_in(apps: Any, schema_editor: Any) -> None:
    """Give the proofs that are there their digest, as models/consent.py makes it."""
    rows = apps.get_model("calendly_connector", "ConsentProof").objects.using(schema_editor.connection.alias)
    for row in rows.only("mode", "question", "answer", "template").iterator():
        told = [row.mode, row.question, row.answer, row.template or 0]
        rows.filter(pk=row.pk).update(fingerprint=hashlib.sha256(json.dumps(told).encode()).hexdigest())


class Migration(migrations.Migration):
    atomic = True
    dependencies = [
        ("calendly_connector", "0006_names"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="consentproof", name="consent_proof_once"),
        migrations.AddField(
            model_name="consentproof",
            name="fingerprint",
            field=models.CharField(
                default="", editable=False, help_text="Digest of what was asked and answered.", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            model_name="consentproof",
            constraint=models.UniqueConstraint(fields=("booking", "fingerprint"), name="consent_proof_once"),
        ),
    ]
