"""The command ``linear-rnn-mcp``: tools for assistants, over the standard streams.

``linear-rnn-mcp FOLDER`` also reads the files below a folder. It requires the extra ``mcp``, and a
service: see LINEAR_RNN_URL and LINEAR_RNN_API_KEY.
"""

import sys
from pathlib import Path


def main() -> None:
    """Serve until the standard input closes."""
    try:
        from linear_rnn import _tools
    except ModuleNotFoundError as error:
        sys.exit(f"linear-rnn-mcp: {error}; `pip install './client[mcp]'` in the repository")
    if len(sys.argv) > 1:
        _tools.folder = Path(sys.argv[1]).resolve()
    _tools.server.run("stdio")
