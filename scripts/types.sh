#!/bin/sh
# Check the types of the explorer's modules with TypeScript, if npx can provide it. The types of the API
# come from its OpenAPI description.
set -eu
cd "$(dirname "$0")/.."
tsc() { npx --yes --package typescript@5.9 tsc "$@"; }
api() { npx --yes --package openapi-typescript@7.13 openapi-typescript "$@"; }

if command -v npx >/dev/null && tsc --version >/dev/null 2>&1 && api --version >/dev/null 2>&1; then
    .venv/bin/python -c 'import json; from scripts.openapi import openapi_schema
print(json.dumps(openapi_schema()))' >.venv/openapi.json
    api .venv/openapi.json --output .venv/api.d.ts >/dev/null 2>&1
    tsc --project tests/explorer/jsconfig.json
    echo "explorer: no type errors"
else
    echo "explorer: TYPES NOT CHECKED, because npx cannot provide TypeScript and openapi-typescript" >&2
fi
