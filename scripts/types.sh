#!/bin/sh
# Checks the types of the explorer's modules with TypeScript, where Node.js can bring it.
set -eu
cd "$(dirname "$0")/.."
tsc() { npx --yes --package typescript@5.9 tsc "$@"; }

if command -v npx >/dev/null && tsc --version >/dev/null 2>&1; then
    tsc --project tests/explorer/jsconfig.json
    echo "explorer: types are sound"
else
    echo "explorer: TYPES NOT CHECKED, there is no npx that can bring TypeScript" >&2
fi
