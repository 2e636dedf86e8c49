"""What user agent strings say. Guards against taking ua-parser's device family for a class of device: it has none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream_assets.summaries.user_agents import UserAgent, parse

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4"


@pytest.mark.parametrize(
    ("string", "device", "system", "browser"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/126.0 Safari/537.36",
            "desktop",
            "Windows",
            "Chrome",
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) {APPLE} Safari/605.1",
            "desktop",
            "Mac OS X",
            "Safari",
        ),
        ("Mozilla/5.0 (X11; Ubuntu; rv:127.0) Gecko/20100101 Firefox/127.0", "desktop", "Ubuntu", "Firefox"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0) {WEBKIT} Chrome/126.0", "desktop", "Chrome OS", "Chrome"),
        ("Mozilla/5.0 (Windows NT 6.1; Tablet PC 2.0; rv:11.0) like Gecko", "desktop", "Windows", "Other"),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) {APPLE} Mobile/15E148 Safari/604.1",
            *("phone", "iOS", "Mobile Safari"),
        ),
        (
            f"Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) {APPLE} Mobile/15E148 Safari/604.1",
            *("tablet", "iOS", "Mobile Safari"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36",
            *("phone", "Android", "Chrome Mobile"),
        ),
        (f"Mozilla/5.0 (Linux; Android 13; SM-X700) {WEBKIT} Chrome/126.0", "tablet", "Android", "Chrome"),
        (
            f"Mozilla/5.0 (Linux; Android 9; AFTMM) {WEBKIT} Chrome/126.0.0.0 Mobile Safari/537.36",
            *("tv", "Android", "Chrome Mobile"),
        ),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "bot",
            "Other",
            "Googlebot",
        ),
        ("curl/8.5.0", "other", "Other", "curl"),
        ("", "other", "Other", "Other"),
    ],
)
def test_a_user_agent_is_told_by_its_string(string: str, device: str, system: str, browser: str) -> None:
    found = parse(string)
    assert (found.device, found.system, found.browser) == (device, system, browser)


def test_the_model_is_told_where_it_is_known() -> None:
    assert parse("Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X)").model == "iPad"
    assert parse("unheard of") == UserAgent("other", "Other", "Other", "Other")


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(string: str) -> None:
    found = parse(string)
    assert all((found.device, found.model, found.system, found.browser))
