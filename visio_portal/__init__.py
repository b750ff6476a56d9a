"""Composition of Visio: settings, routes and processes. The apps never import it."""

from visio_portal.celery import app as celery_app

__all__ = ["celery_app"]
