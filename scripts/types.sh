#!/bin/sh
# Check the types of the explorer's modules with TypeScript, if npx can provide it.
set -eu
cd "$(dirname "$0")/.."
tsc() { npx --yes --package typescript@5.9 tsc "$@"; }

if command -v npx >/dev/null && tsc --version >/dev/null 2>&1; then
    tsc --project tests/explorer/jsconfig.json
    echo "explorer: no type errors"
else
    echo "explorer: TYPES NOT CHECKED, because npx cannot provide TypeScript" >&2
fi
