#!/usr/bin/env python3
"""Django's command line for Visio."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visio_portal.settings")
    from django.core.management import execute_from_command_line

    from visio_portal.environment import BadEnvironment

    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as error:
        sys.exit(f"Visio cannot start: {error}")


if __name__ == "__main__":
    main()
