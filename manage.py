#!/usr/bin/env python3
"""Django's command line for Visio."""

import os
import sys


def main() -> None:
    from visio_portal import standalone

    if standalone.wanted(sys.argv[1:]):
        standalone.main(sys.argv[1:])
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visio_portal.settings")
    from django.core.management import execute_from_command_line

    from visio_portal.environment import BadEnvironment

    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as error:
        sys.exit(f"Visio cannot start: {error}")


if __name__ == "__main__":
    main()
