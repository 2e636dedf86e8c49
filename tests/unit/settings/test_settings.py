"""What the environment may say. Guards a value that is guessed at, and a message that shows a secret."""

from __future__ import annotations

import ast
import os
import pwd
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clickstream_assets import thresholds
from clickstream_assets.errors import SettingsError
from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.settings import SECRET_VARIABLES, Settings
from clickstream_assets.settings.environment import file_variable, is_secret
from clickstream_assets.settings.values import variable_of

SECRET = "s3cret"
URL = f"postgresql://boss:{SECRET}@db.example/shop"
WEB = ("alert_webhook_url", "openlineage_url")
SECRETS = [name for name, field in Settings.model_fields.items() if is_secret(field)]

NOT_NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "infinity",
    "1_000",
    "٣",
    "many",
    "1,5",
    "0x10",
    "1 000",
    "1e",
    "--1",
    "½",
)
NOT_WHOLE = (*NOT_NUMBERS, "1.5", "1e3", "-1", "+1", "0", "3000.0", "99999999999999999999")
AMOUNTS = (
    "generator_rate",
    "settle_seconds",
    "settle_unterminated_seconds",
    "unreadable_seconds",
    "finished_hours",
    "latency_p99_seconds",
    "outage_seconds",
    "refresh_seconds",
)
PATHS = ("home", "events_dir", "archive_dir", "source_mapping", "sources", "jdbc_jar", "spool_dir")
CORES = ("spark_executor_cores", "spark_max_cores")
HOSTS = ("spark_driver_host", "spark_driver_bind_address")
CHOICES = {
    "sink": ("copy", "jdbc"),
    "identical_rows": ("merge", "keep"),
    "alert_level": ("error", "warn"),
    "finished_files": ("keep", "archive", "delete"),
}

GOOD: list[tuple[str, str, object]] = [
    *((name, "0", 0.0) for name in AMOUNTS),
    *((name, " 2.5 ", 2.5) for name in AMOUNTS),
    *((name, text, value) for name in AMOUNTS for text, value in ((".5", 0.5), ("1e2", 100.0), ("+3.", 3.0))),
    *((name, "/srv/a b", Path("/srv/a b")) for name in PATHS),
    *((name, word, word) for name, words in CHOICES.items() for word in words),
    *((name, "12", 12) for name in (*CORES, "retention_days", "dagster_days")),
    *((name, "stream-driver.example", "stream-driver.example") for name in HOSTS),
    ("follow_links", "0", False),
    ("follow_links", "1", True),
    ("dagster_port", "1", 1),
    ("dagster_port", "65535", 65535),
    ("role_prefix", "shop_2", "shop_2"),
    ("role_prefix", "a" * 40, "a" * 40),
    ("spark_executor_memory", "2g", "2g"),
    ("spark_executor_memory", "512M", "512M"),
    *(
        ("spark_master", master, master)
        for master in ("local", "local[*]", "local[2]", "local[2,3]", "yarn", "spark://h1:7077,h2:7077", "k8s://https://x")
    ),
]  # fmt: skip

BAD: list[tuple[str, str, str]] = [
    *((name, text, "give a number.") for name in AMOUNTS for text in NOT_NUMBERS),
    *((name, text, "give a number that is not negative.") for name in AMOUNTS for text in ("-1", "-0.001")),
    *((name, "1e999", "give a number that is not that large.") for name in AMOUNTS),
    *(
        (name, text, "give a whole number of days, at least 1.")
        for name in ("retention_days", "dagster_days")
        for text in (*NOT_WHOLE, "30d", "99999999")
    ),
    *((name, text, "give a whole number, at least 1.") for name in CORES for text in NOT_WHOLE),
    *(("dagster_port", text, "give a port number from 1 to 65535.") for text in (*NOT_WHOLE, "65536")),
    *(
        (name, text, f"give one of {', '.join(words)}.")
        for name, words in CHOICES.items()
        for text in (words[0].upper(), f"{words[0]},{words[1]}", "none", "0")
    ),
    *(("follow_links", text, "give one of 0, 1.") for text in ("yes", "true", "2", "01", "٣")),
    *(
        ("role_prefix", text, "give up to 40 of a-z, 0-9 and _, the first a letter, and not pg_ in front.")
        for text in ("pg", "pg_x", "1a", "A", "a-b", "ä", "a" * 41, "a;b")
    ),
    *(
        ("spark_executor_memory", text, "give a size like 2g or 512m.")
        for text in ("2", "2 g", "0g", "g", "2.5g", "٣g")
    ),
    *((name, text, "give the name or the address of a machine.") for name in HOSTS for text in ("a b", "spark://x")),
    *(
        ("spark_master", text, "give one like local[*] or spark://host:7077.")
        for text in ("remote", "local[0]", "local[", "spark://", "local[two]", "spark://a b")
    ),
    *((name, "~no-such-user/x", "there is no such user; write the whole path.") for name in PATHS),
]  # fmt: skip


def setting(name: str, text: str) -> object:
    return getattr(Settings.from_env({variable_of(name): text}), name)


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_good_value_is_taken(name: str, text: str, value: object) -> None:
    found = setting(name, text)
    assert found == value
    assert type(found) is type(value) or isinstance(value, Path)


@pytest.mark.parametrize(("name", "text", "advice"), BAD)
def test_a_value_that_cannot_be_used_is_one_sentence_with_the_name_of_its_variable(
    name: str, text: str, advice: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        setting(name, text)
    assert str(refused.value) == f"{variable_of(name)} is '{text}': {advice}"


def test_every_setting_but_the_secrets_has_good_and_bad_values_here() -> None:
    open_settings = set(Settings.model_fields) - set(SECRETS) - {"dagster_run_id"}
    assert {name for name, *_ in GOOD} == {name for name, *_ in BAD} == open_settings


@pytest.mark.parametrize("blank", ["", " ", "\t \n"])
@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_blank_is_as_if_it_were_not_set(name: str, blank: str) -> None:
    assert setting(name, blank) == getattr(Settings.from_env({}), name)


def test_unless_asked_for_nothing_is_dropped_posted_or_followed_and_no_file_is_touched() -> None:
    settings = Settings.from_env({})
    assert (settings.retention_days, settings.finished_files, settings.finished_hours) == (None, "keep", 24)
    assert (settings.alert_webhook_url, settings.follow_links) == (None, False)
    assert (settings.settle_seconds, settings.settle_unterminated_seconds) == (1, 60)
    assert settings.latency_p99_seconds == thresholds.LATENCY_P99_SECONDS
    assert settings.home == Path.cwd() / ".clickstream"
    assert (settings.events_dir, settings.archive_dir) == (
        settings.home / "events",
        settings.home / "archive",
    )


@pytest.mark.parametrize("name", PATHS)
def test_a_path_may_begin_with_a_home_directory_and_is_absolute_for_good(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert setting(name, "~/data") == Path("/home/me/data")
    assert setting(name, "~") == Path("/home/me")
    user = pwd.getpwuid(os.getuid())
    assert setting(name, f"~{user.pw_name}/x") == Path(user.pw_dir) / "x"
    assert setting(name, "a ~/b") == tmp_path / "a ~" / "b"


def test_relative_paths_stay_what_they_are_for_a_process_with_another_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relative = {variable_of(name): name for name in PATHS}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w").write_text("w")
    settings = Settings.from_env(relative | {"CLICKSTREAM_WRITER_PASSWORD_FILE": "w"})
    assert settings.path_variables() == {name: str(tmp_path / value) for name, value in relative.items()}
    assert settings.secret_file_variables() == {"CLICKSTREAM_WRITER_PASSWORD_FILE": str(tmp_path / "w")}
    assert "CLICKSTREAM_SOURCE_MAPPING" not in Settings.from_env({}).path_variables()


def test_an_archive_among_the_events_would_be_read_again_and_is_refused(tmp_path: Path) -> None:
    given = {"CLICKSTREAM_EVENTS_DIR": str(tmp_path), "CLICKSTREAM_ARCHIVE_DIR": str(tmp_path / "old")}
    assert Settings.from_env(given).finished_files == "keep"
    with pytest.raises(SettingsError, match=r"^CLICKSTREAM_ARCHIVE_DIR, .*old, lies in the events directory"):
        Settings.from_env(given | {"CLICKSTREAM_FINISHED_FILES": "archive"})


def test_changed_settings_are_checked_as_others_are(tmp_path: Path) -> None:
    settings = Settings.from_env({"CLICKSTREAM_HOME": str(tmp_path), "CLICKSTREAM_SINK": "jdbc"})
    changed = settings.changed(events_dir=tmp_path / "in", finished_files="archive")
    assert (changed.events_dir, changed.sink, changed.archive_dir) == (
        tmp_path / "in",
        "jdbc",
        tmp_path / "archive",
    )
    with pytest.raises(SettingsError, match="lies in the events directory"):
        changed.changed(events_dir=tmp_path)
    with pytest.raises(SettingsError, match=r"^CLICKSTREAM_SINK is 'file'"):
        settings.changed(sink="file")


def secret_value(name: str) -> str:
    return f"https://hooks.example/{SECRET}" if name in WEB else URL if "url" in name else SECRET


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_comes_from_its_variable_or_a_file_and_is_in_no_representation(
    name: str, tmp_path: Path
) -> None:
    value = secret_value(name)
    file = tmp_path / "secret"
    file.write_text(f"{value}\r\n")
    by_variable = Settings.from_env({variable_of(name): value})
    by_file = Settings.from_env({file_variable(name): f" {file} "})
    both = Settings.from_env({variable_of(name): value, file_variable(name): "/gone"})
    for settings in (by_variable, by_file, both):
        assert getattr(settings, name).get_secret_value() == value
        assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
        assert SECRET not in str(settings.path_variables() | settings.secret_file_variables())


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"\n", "is empty"),
        (b" ", "is empty"),
        (b"\xff\xfe", "UTF-8"),
    ],
    ids=["missing", "empty", "blank", "no text"],
)
def test_a_file_of_a_secret_that_is_of_no_use_is_one_sentence(
    name: str, content: bytes | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"^{file_variable(name)} names {file}, which .*{reason}"):
        Settings.from_env({file_variable(name): str(file)})


@pytest.mark.parametrize("name", [name for name in SECRETS if not name.endswith(("_password", "_key"))])
@pytest.mark.parametrize("by_file", [False, True], ids=["variable", "file"])
def test_a_secret_that_cannot_be_used_is_not_repeated(name: str, by_file: bool, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"file:///{SECRET}")
    given = (
        {file_variable(name): str(tmp_path / "secret")}
        if by_file
        else {variable_of(name): f"file:///{SECRET}"}
    )
    with pytest.raises(SettingsError, match=f"^{variable_of(name)} ") as refused:
        Settings.from_env(given)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_a_password_is_taken_as_it_is_with_blanks_at_its_ends() -> None:
    settings = Settings.from_env({"CLICKSTREAM_READER_PASSWORD": " a b "})
    assert settings.reader_password is not None
    assert settings.reader_password.get_secret_value() == " a b "


def test_the_variables_of_secrets_are_known_by_name_for_programs_that_must_not_have_them() -> None:
    assert {"CLICKSTREAM_DATABASE_URL", "CLICKSTREAM_ALERT_WEBHOOK_URL_FILE"} <= SECRET_VARIABLES
    assert len(SECRET_VARIABLES) == 2 * len(SECRETS)


def test_settings_cannot_be_changed_nor_have_others() -> None:
    settings = Settings.from_env({})
    with pytest.raises(ValueError, match="frozen"):
        settings.sink = "jdbc"
    with pytest.raises(ValueError, match="no_such_setting"):
        settings.changed(no_such_setting=1)


def test_every_variable_that_the_code_names_is_a_setting() -> None:
    known = {variable_of(name) for name in Settings.model_fields} | SECRET_VARIABLES
    named = {
        (file.name, variable)
        for folder in ("clickstream_assets", "spark", "docker")
        for file in (PROJECT_ROOT / folder).rglob("*.py")
        for variable in re.findall(r"CLICKSTREAM_[A-Z0-9_]+[A-Z0-9]", file.read_text())
    }
    assert {(file, name) for file, name in named if name not in known} == {
        ("make_secrets.py", "CLICKSTREAM_SECRETS_DIR")  # Compose's own
    }


def test_no_other_code_than_the_settings_reads_a_variable_of_ours() -> None:
    readers = {
        (str(file.relative_to(PROJECT_ROOT)), variable)
        for folder in ("clickstream_assets", "spark")
        for file in (PROJECT_ROOT / folder).rglob("*.py")
        for variable in _read_variables(ast.parse(file.read_text()))
        if "CLICKSTREAM" in variable or variable == "STREAM_URL_VARIABLE"
    }
    # A process that Spark starts has the URL from its environment, and settings of its own it has not.
    assert readers == {
        ("spark/handover/upload.py", "STREAM_URL_VARIABLE"),
        ("spark/source/data_source.py", "STREAM_URL_VARIABLE"),
    }


def _read_variables(tree: ast.AST) -> Iterator[str]:
    """What is read by name from os.environ: an index, or the first argument of get and getenv."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_environ(node.value):
            yield ast.unparse(node.slice)
        elif isinstance(node, ast.Call) and node.args and _is_environ_get(node.func):
            yield ast.unparse(node.args[0])


def _is_environ_get(function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute):
        return False
    return function.attr == "getenv" or (function.attr == "get" and _is_environ(function.value))


def _is_environ(node: ast.expr) -> bool:
    return ast.unparse(node) in ("os.environ", "environment", "environ")


def test_a_password_that_no_server_takes_is_refused_without_being_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"hunter\0two\n")
    with pytest.raises(SettingsError, match=r"^CLICKSTREAM_WRITER_PASSWORD holds a NUL byte") as refused:
        Settings.from_env({"CLICKSTREAM_WRITER_PASSWORD_FILE": str(file)})
    assert "hunter" not in str(refused.value)
    assert "two" not in str(refused.value)
