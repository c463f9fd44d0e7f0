"""Write the files that are built and not in git: ``python -m scripts.build``, or ``make build``.

They are modules of the client, the options of the commands, and the guide, which documents both.
"""

from scripts import client, command_options, guide


def main() -> None:
    """Write the files. A broken link of the guide ends the process."""
    client.main()
    command_options.main()
    guide.main()


if __name__ == "__main__":
    main()
