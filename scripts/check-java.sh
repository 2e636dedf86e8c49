#!/bin/sh
# Says in one sentence that Java is missing or too old, before minutes of installing. `clickstream` looks closer.
set -u
if [ -n "${JAVA_HOME:-}" ]; then java=$JAVA_HOME/bin/java; else java=java; fi
advice="install Java 17 or 21 (Debian, Ubuntu: openjdk-17-jre-headless; macOS: brew install openjdk@17)"
if ! version=$("$java" -version 2>&1); then
    echo "make: Spark needs Java 17 or newer, and $java does not run: $advice." >&2
    exit 1
fi
major=$(printf '%s\n' "$version" | sed -n 's/.*version "\([0-9]*\)\.*\([0-9]*\).*/\1 \2/p' | head -n 1)
set -- $major
if [ "${1:-0}" -lt 17 ]; then
    echo "make: Spark needs Java 17 or newer, and $java is older: $advice." >&2
    exit 1
fi
