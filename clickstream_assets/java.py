"""The Java that Spark needs: found and checked before Spark fails in fifty lines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from clickstream_assets.errors import StartError

OLDEST = 17
VECTOR_MODULE = "jdk.incubator.vector"  # Spark opens it at start; trimmed runtimes lack it
ADVICE = "install Java 17 or 21 (Debian, Ubuntu: openjdk-17-jre-headless; macOS: brew install openjdk@17)"


def check_java() -> None:
    """Raises StartError where Spark's `java` is missing, too old or without the module that Spark opens."""
    java = java_program()
    if java is None:
        raise StartError(f"Spark needs Java {OLDEST} or newer and none was found: {ADVICE}.")
    command = [java, "--add-modules", VECTOR_MODULE, "-version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StartError(f"{java} does not run ({error}): {ADVICE}.") from None
    complaint = java_complaint(done.stdout + done.stderr, done.returncode)
    if complaint is not None:
        raise StartError(f"Spark needs Java {OLDEST} or newer, and {java} {complaint}: {ADVICE}.")


def java_program() -> str | None:
    """The `java` that PySpark starts: of JAVA_HOME, else of PATH."""
    home = os.environ.get("JAVA_HOME")
    if home:
        program = Path(home) / "bin" / "java"
        return str(program) if program.exists() else None
    return shutil.which("java")


def java_complaint(output: str, exit_code: int) -> str | None:
    """What is wrong with the Java that printed `output`; None if Spark can use it."""
    version = re.search(r'version "(?:1\.)?(\d+)', output)
    if version is not None and int(version[1]) < OLDEST:
        return f"is version {version[1]}"
    if VECTOR_MODULE in output and exit_code != 0:
        return f"lacks the module {VECTOR_MODULE}"
    if "Unrecognized option" in output:
        return "is older than version 9"
    if version is None or exit_code != 0:
        return "does not say its version"
    return None
