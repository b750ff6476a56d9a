from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    name = "transcripts"

    def ready(self) -> None:
        from transcripts import receivers  # noqa: F401  (registers itself; models must be loaded first)
