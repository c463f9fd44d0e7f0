#!/bin/sh
# Creates a virtual environment if it is missing or broken, and installs into it.
#
#     scripts/setup.sh .venv requirements.lock            a lock file, then the project
#     scripts/setup.sh .venv requirements-oracles.txt     more, in addition to a lock file
#     scripts/setup.sh .venv-lock 'uv >=0.9'              one package
#
# PYTHON names the interpreter. Without it the script uses the newest suitable one of 3.14 … 3.11.
# If Python has no ensurepip (Debian without python3-venv), the pip of that Python installs from
# outside the environment.
set -eu
cd "$(dirname "$0")/.."
venv=$1
what=$2

say() { printf '%s\n' "$*" >&2; }

new_enough() { "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# The option --python, with which pip installs into another environment, requires pip 22.3.
has_pip() {
    "$1" -c 'import pip, sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (22, 3))' \
        2>/dev/null
}

has_ensurepip() { "$1" -c 'import ensurepip' 2>/dev/null; }

usable() { new_enough "$1" && { has_pip "$1" || has_ensurepip "$1"; }; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        if usable "$PYTHON"; then
            printf '%s\n' "$PYTHON"
            return
        fi
        say "PYTHON=$PYTHON is not Python 3.11 or newer with pip 22.3 or newer (or ensurepip)."
        return 1
    fi
    for candidate in python3.14 python3.13 python3.12 python3.11 python3 python; do
        if usable "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "Python 3.11 or newer with pip is required, but was not found."
    say "On Debian: apt-get install python3 python3-pip.  On macOS: brew install python."
    say "If it is not on the PATH, set PYTHON: make run PYTHON=/path/to/python3"
    return 1
}

make_venv() {
    python=$(find_python)
    rm -rf "$venv"
    say "Creating $venv with $("$python" --version) ..."
    if has_pip "$python"; then
        "$python" -m venv --without-pip "$venv"
    else
        "$python" -m venv "$venv"
    fi
}

# The interpreter whose pip installs into it: its own if it has pip, else the base interpreter.
pip_owner() {
    if has_pip "$venv/bin/python"; then
        printf '%s\n' "$venv/bin/python"
    else
        "$venv/bin/python" -c 'import sys; print(sys._base_executable)'
    fi
}

if ! new_enough "$venv/bin/python" || ! has_pip "$(pip_owner)"; then
    make_venv
fi
owner=$(pip_owner)
pip_install() {
    "$owner" -m pip --python "$venv/bin/python" install -q --disable-pip-version-check "$@"
}

say "Installing $what ..."
case $what in
*.lock)
    pip_install --require-hashes -r "$what"
    # The build backend is in the lock, so the project itself needs no download without a hash.
    pip_install --no-deps --no-build-isolation -e .
    case $what in *-dev.lock) pip_install --no-deps --no-build-isolation -e ./client ;; esac
    ;;
*.txt)
    # In addition to the lock: a package that conflicts with it is an error.
    sed -n 's/ *\\$//; /^[a-z0-9].*==/p' requirements-dev.lock >"$venv/constraints.txt"
    pip_install -c "$venv/constraints.txt" -r "$what"
    ;;
*) pip_install "$what" ;;
esac
