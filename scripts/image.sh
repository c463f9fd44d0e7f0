#!/bin/bash
# Builds the image without a container engine, runs it and sends it a few requests.
#
#     scripts/image.sh       requires root, and on Debian: apt-get install buildah netavark mmdebstrap
#
# BASE     the base image. Without it, the script creates a Debian base if mmdebstrap is installed
#          (about twenty seconds), or pulls the default of the Dockerfile.
# SUITE    the Debian release of that base (trixie).
# PIP_CERT and PIP_CONFIG_FILE are passed to the build as secrets, which are not stored in the image.
set -euo pipefail
cd "$(dirname "$0")/.."

export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
# Without these limits buildah requests a million files and processes, which a sandbox rejects.
limits=(--ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit "nproc=$(ulimit -Hu):$(ulimit -Hu)")
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' service/__init__.py)
image=localhost/linear-rnn:$version
port=${PORT:-18080}
work=$(mktemp -d)
container=
server=

finish() {
    [ -z "$server" ] || stop || true
    [ -z "$container" ] || buildah rm "$container" >/dev/null
    rm -rf "$work"
}
trap finish EXIT

say() { printf '== %s\n' "$*"; }

make_base() {
    say "create a Debian base"
    mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
        "${SUITE:-trixie}" "$work/base.tar"
    local scratch
    scratch=$(buildah from scratch)
    buildah add -q "$scratch" "$work/base.tar" / >/dev/null
    BASE=localhost/linear-rnn-base
    buildah commit -q "$scratch" "$BASE" >/dev/null
    buildah rm "$scratch" >/dev/null
}

build() {
    say "build $image"
    local options=("${limits[@]}" --build-arg "VERSION=$version" --tag "$image")
    [ -z "${BASE:-}" ] || options+=(--build-arg "BASE=$BASE" --pull-never)
    [ ! -f "${PIP_CONFIG_FILE:-}" ] || cp "$PIP_CONFIG_FILE" "$work/pip.conf"
    if [ -f "${PIP_CERT:-}" ]; then
        printf '[global]\ncert = /run/secrets/pip.pem\n' >>"$work/pip.conf"
        options+=(--secret "id=pip_cert,src=$PIP_CERT")
    fi
    [ ! -f "$work/pip.conf" ] || options+=(--secret "id=pip_conf,src=$work/pip.conf")
    buildah bud --format docker "${options[@]}" .
}

inside() { buildah run "$container" -- "$@"; }

start() {
    say "run it"
    container=$(buildah from "${limits[@]}" --pull-never "$image")
    touch "$work/before"
    buildah run --env "RNN_PORT=$port" --env RNN_HOST=127.0.0.1 "$container" -- linear-rnn serve \
        >"$work/log" 2>&1 &
    server=$!
    for _ in $(seq 60); do
        if ! kill -0 "$server" 2>/dev/null; then break; fi
        if request /livez >/dev/null 2>&1; then return; fi
        sleep 0.5
    done
    cat "$work/log" >&2
    echo "the service does not respond" >&2
    return 1
}

# Signal the service and not buildah, which would kill it. With chroot isolation its process id is
# valid here.
stop() {
    local pid
    pid=$(sed -n 's/.*server process \[\([0-9]*\)\].*/\1/p' "$work/log" | head -n 1)
    [ -z "$pid" ] || kill -TERM "$pid"
    wait "$server" 2>/dev/null || true
    server=
}

request() {
    inside python -c "import sys, httpx
response = httpx.get('http://127.0.0.1:$port' + sys.argv[1], timeout=60, trust_env=False)
response.raise_for_status()
print(sys.argv[1], response.status_code, response.headers['content-type'], len(response.content), 'bytes')" "$1"
}

examine() {
    say "send requests"
    for path in / /guide/ /livez /readyz /openapi.json /docs /v1/cost-surface.png; do request "$path"; done
    say "inspect the image"
    buildah inspect --type image --format \
        'user {{.Docker.Config.User}}, labels {{.Docker.Config.Labels}}, healthcheck {{.Docker.Config.Healthcheck.Test}}' "$image"
    echo
    local root written
    root=$(buildah mount "$container")
    written=$(find "$root" -xdev -newer "$work/before" -type f \
        -not -path "$root/data/*" -not -path "$root/tmp/*" -not -path "$root/run/*" -not -path "$root/etc/*")
    if [ -n "$written" ]; then
        printf 'the service wrote outside /data and /tmp:\n%s\n' "$written" >&2
        return 1
    fi
    say "the service wrote only to /data and /tmp; the image has $(du -sh "$root" | cut -f1)"
}

[ -n "${BASE:-}" ] || ! command -v mmdebstrap >/dev/null || make_base
build
start
examine
say "stop it"
stop
grep -q "Finished server process" "$work/log"
say "passed"
