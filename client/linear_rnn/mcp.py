"""The command ``linear-rnn-mcp``: tools for assistants, over the standard streams.

It requires the extra ``linear-rnn-client[mcp]``, and a service: see LINEAR_RNN_URL and
LINEAR_RNN_API_KEY.
"""

import sys


def main() -> None:
    """Serve until the standard input closes."""
    try:
        from linear_rnn._tools import server
    except ModuleNotFoundError as error:
        sys.exit(
            f"linear-rnn-mcp: {error}; `pip install './client[mcp]'` in a copy of the "
            "repository installs it"
        )
    server.run("stdio")
