#!/bin/sh
# Check the rules and the layout of the explorer's files, of their tests and of the guide's script, if
# npx can provide ESLint and Prettier. With --fix, change the files.
set -eu
cd "$(dirname "$0")/.."
config=$PWD/tests/explorer
eslint() { npx --yes --package eslint@9.39 eslint --config "$config/eslint.config.js" "$@"; }
prettier() { npx --yes prettier@3.6 --config "$config/prettier.json" --log-level warn "$@"; }

if ! command -v npx >/dev/null || ! eslint --version >/dev/null 2>&1 || ! prettier --version >/dev/null 2>&1; then
    echo "explorer: RULES NOT CHECKED, because npx cannot provide ESLint and Prettier" >&2
    exit
fi
for folder in service/explorer tests/explorer/modules scripts; do
    cd "$config/../../$folder"
    if [ "${1-}" = --fix ]; then
        eslint --fix .
        prettier --write "**/*.js"
    else
        eslint .
        prettier --check "**/*.js"
    fi
done
echo "explorer: ESLint and Prettier found nothing"
