#!/bin/sh
# Prints the first Python 3.11 or newer; one sentence and exit 1 if there is none.
set -u
for name in python3.13 python3.12 python3.11 python3 python; do
    path=$(command -v "$name") || continue
    # Stand-ins of version managers exist for versions that are not installed: only running it tells.
    if "$path" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$path"
        exit 0
    fi
done
echo "make: no Python 3.11 or newer was found: install one (Debian and Ubuntu: python3 python3-venv)." >&2
exit 1
