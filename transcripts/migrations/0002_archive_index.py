"""The archive's index: not a model, since it is derived from the turns and differs by database."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from transcripts.search.indexes import BY_VENDOR


def create(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    with editor.connection.cursor() as cursor:
        BY_VENDOR[editor.connection.vendor].create(cursor)


def drop(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    with editor.connection.cursor() as cursor:
        BY_VENDOR[editor.connection.vendor].drop(cursor)


class Migration(migrations.Migration):
    dependencies = [("transcripts", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
