"""The sessions are believable. Guards against the tempting shortcut of drawing every row by itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from strict_event_reader import Row, event_files, read_all

from clickstream_assets.data_generator import GenerationSpec, generate_files
from clickstream_assets.generator.catalogue import make_catalogue
from clickstream_assets.generator.people import make_people


def generated(out: Path, **spec: object) -> list[dict[str, str]]:
    generate_files(GenerationSpec(**spec), out)  # type: ignore[arg-type]
    return [good(row) for row in read_all(event_files(out))]


def good(row: Row) -> dict[str, str]:
    assert row.fields is not None
    return row.fields


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    return generated(tmp_path_factory.mktemp("week"), events=30_000, files=3, seed=7)


@pytest.mark.parametrize("seed", range(8))
def test_only_what_was_viewed_is_added_and_only_what_is_in_the_cart_is_removed_or_bought(
    tmp_path: Path, seed: int
) -> None:
    carts: dict[str, set[str]] = defaultdict(set)
    viewed: dict[str, set[str]] = defaultdict(set)
    actions = Counter()
    for event in generated(tmp_path, events=3_000, files=7, seed=seed):
        session, product, action = event["session_id"], event["product_id"], event["action_type"]
        actions[action] += 1
        if action == "view":
            viewed[session].add(product)
        elif action == "add_to_cart":
            assert product in viewed[session]
            assert product not in carts[session]
            carts[session].add(product)
        else:
            assert product in carts[session]
            carts[session].remove(product)
    assert all(actions[action] for action in ("view", "add_to_cart", "remove_from_cart", "purchase"))


def test_within_a_session_time_does_not_go_back_and_the_person_and_the_device_stay(
    week: list[dict[str, str]],
) -> None:
    last: dict[str, dict[str, str]] = {}
    for event in week:
        before = last.get(event["session_id"], event)
        assert before["event_time"] <= event["event_time"]
        assert (before["user_id"], before["user_agent"]) == (event["user_id"], event["user_agent"])
        last[event["session_id"]] = event
    assert len(last) > 5_000


def test_files_and_rows_are_in_the_order_of_time_and_inside_the_period(week: list[dict[str, str]]) -> None:
    times = [event["event_time"] for event in week]
    assert times == sorted(times)
    assert times[0] >= "2024-12-25T00:00:00.000Z"
    assert times[-1] < "2025-01-01T00:00:00.000Z"
    assert times[-1] > "2024-12-31T23:30"


def test_conversion_is_that_of_a_real_shop(week: list[dict[str, str]]) -> None:
    actions = Counter(event["action_type"] for event in week)
    sessions = {event["session_id"] for event in week}
    buying = {event["session_id"] for event in week if event["action_type"] == "purchase"}
    assert 0.02 < len(buying) / len(sessions) < 0.07
    assert 0.05 < actions["add_to_cart"] / actions["view"] < 0.15
    assert actions["view"] > actions["add_to_cart"] > actions["purchase"] > actions["remove_from_cart"]


def test_few_products_have_most_of_the_views(week: list[dict[str, str]]) -> None:
    views = Counter(event["product_id"] for event in week if event["action_type"] == "view")
    counts = sorted(views.values(), reverse=True)
    assert sum(counts[:20]) > 0.2 * sum(counts)
    assert counts[0] > 30 * counts[len(counts) // 2]
    assert len(counts) > 1_000


def test_few_people_come_often_and_most_seldom(week: list[dict[str, str]]) -> None:
    sessions = Counter(user for user, _ in {(event["user_id"], event["session_id"]) for event in week})
    counts = sorted(sessions.values(), reverse=True)
    assert counts[0] > 10 * counts[len(counts) // 2]
    assert counts[0] < 0.02 * sum(counts)


def test_evenings_are_busier_than_nights(week: list[dict[str, str]]) -> None:
    hours = Counter(int(event["event_time"][11:13]) for event in week)
    assert hours[20] > 4 * hours[4]
    assert hours[12] > 2 * hours[4]


def test_a_product_has_one_price_and_without_a_price_it_is_only_looked_at(week: list[dict[str, str]]) -> None:
    prices: dict[str, str] = {}
    unpriced = 0
    for event in week:
        assert prices.setdefault(event["product_id"], event["price"]) == event["price"]
        if not event["price"]:
            unpriced += 1
            assert event["action_type"] == "view"
    assert 0 < unpriced < 0.05 * len(week)


def test_the_shop_is_the_same_in_every_run() -> None:
    assert make_catalogue().ids.equals(make_catalogue().ids)
    assert make_people(3_000).ids.equals(make_people(5_000).ids[:3_000])
    assert len(set(make_people(5_000).ids.to_pylist())) == 5_000
    assert len(set(make_catalogue().ids.to_pylist())) == len(make_catalogue().ids)


def test_user_agents_with_and_without_commas_survive_the_quoting(week: list[dict[str, str]]) -> None:
    known = set(make_people(10).agents)
    seen = {event["user_agent"] for event in week}
    assert seen <= known
    assert any("," in agent for agent in seen)
    assert any("," not in agent for agent in seen)
