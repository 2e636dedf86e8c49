"""Which Java is good enough, from what `java -version` prints."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clickstream_assets import java
from clickstream_assets.errors import StartError
from clickstream_assets.paths import PROJECT_ROOT

CHECK_JAVA = PROJECT_ROOT / "scripts" / "check-java.sh"


@pytest.mark.parametrize(
    "output",
    [
        'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6-Debian-1deb12u1)',
        'openjdk version "21.0.2" 2024-01-16 LTS',
        'WARNING: Using incubator modules: jdk.incubator.vector\nopenjdk version "21" 2023-09-19',
        'java version "25-ea" 2025-09-16',
    ],
)
def test_java_17_and_newer_will_do(output: str) -> None:
    assert java.java_complaint(output, 0) is None


@pytest.mark.parametrize(
    ("output", "code", "complaint"),
    [
        ('openjdk version "11.0.22" 2024-01-16', 0, "is version 11"),
        ('java version "1.8.0_402"', 1, "is version 8"),
        (
            "Unrecognized option: --add-modules\nError: Could not create the Java VM.",
            1,
            "older than version 9",
        ),
        ("java.lang.module.FindException: Module jdk.incubator.vector not found", 1, "lacks the module"),
        ("", 0, "does not say its version"),
        (
            "The operation could not be completed. Unable to locate a Java Runtime.",
            1,
            "does not say its version",
        ),
    ],
)
def test_what_is_wrong_with_a_java_is_said(output: str, code: int, complaint: str) -> None:
    assert complaint in (java.java_complaint(output, code) or "")


def fake_java(home: Path, output: str, code: int = 0) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{output}\nEND\nexit {code}\n")
    program.chmod(0o755)
    return program


def test_an_old_java_is_one_sentence_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake_java(tmp_path, 'openjdk version "11.0.22" 2024-01-16')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StartError, match=rf"^Spark needs Java 17 .* {program} is version 11: install Java"):
        java.check_java()


def test_no_java_is_one_sentence_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StartError, match="none was found: install Java 17"):
        java.check_java()


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 0),
        ('openjdk version "21" 2023-09-19', 0),
        ('java version "1.8.0_402"', 1),
        ('openjdk version "11.0.22"', 1),
        ("", 1),
    ],
)
def test_make_agrees_on_the_version(tmp_path: Path, output: str, code: int) -> None:
    fake_java(tmp_path, output)
    done = subprocess.run(
        ["sh", CHECK_JAVA],
        env={"JAVA_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == (1 if code else 0)
