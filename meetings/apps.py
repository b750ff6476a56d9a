from django.apps import AppConfig


class MeetingsConfig(AppConfig):
    name = "meetings"

    def ready(self) -> None:
        from meetings import receivers  # noqa: F401  (registers itself; models must be loaded first)
