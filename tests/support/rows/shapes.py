"""Files in the shapes that other producers write: made up here, each with its mapping and what must become of it.

`python shapes.py DIRECTORY` writes them as `scripts/shapes_table.py` wants them.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Shape:
    """`files` by their paths. `inserted`, `duplicate` and `reasons` are what must come of them. `reading`: the events
    in DuckDB's SQL, over the files in the working directory: user, session, action, product, time and price."""

    files: Mapping[str, bytes]
    inserted: int
    mapping: str = ""
    reading: str = ""
    duplicate: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


def _lines(*rows: str, encoding: str = "utf-8", end: str = "\n") -> bytes:
    return "".join(row + end for row in rows).encode(encoding)


def _objects(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _parquet(**columns: Any) -> bytes:
    output = io.BytesIO()
    pq.write_table(pa.table(columns), output)
    return output.getvalue()


SHAPES: Mapping[str, Shape] = {
    "no session, epochs in milliseconds": Shape(
        {
            "events.csv": _lines(
                "timestamp,visitorid,event,itemid,transactionid",
                "1433221332117,257597,view,355908,",
                "1433224214164,992329,view,248676,",
                "1433224214164,992329,view,248676,",
                "1433223236124,111016,transaction,318965,4556",
            )
        },
        3,
        "[fields]\nsession_id = false\n",
        duplicate=1,
        reading="""SELECT DISTINCT visitorid, NULL, if(event = 'transaction', 'purchase', event), itemid,
    make_timestamp(timestamp::bigint * 1000), NULL
FROM read_csv('events.csv', all_varchar = true)""",
    ),
    "no header, codes for actions": Shape(
        {
            "UserBehavior.csv": _lines(
                "1,2268318,2520377,pv,1511544070", "1,2333346,2520771,fav,1511561733", "1,2,3,x,0"
            )
        },
        2,
        """[format]
header = ["user_id", "product_id", "category", "action", "ts"]
[fields]
session_id = false
[actions]
pv = "view"
fav = "add_to_favourites"
[events]
other_actions = ["add_to_favourites"]
""",
        reasons={"unknown_action_type": 1},
        reading="""SELECT u, NULL, if(a = 'pv', 'view', 'add_to_favourites'), p,
    make_timestamp(t::bigint * 1000000), NULL
FROM read_csv('UserBehavior.csv', header = false, all_varchar = true, names = ['u', 'p', 'c', 'a', 't'])
WHERE a IN ('pv', 'fav')""",
    ),
    "views by the file's name, a day and milliseconds after it": Shape(
        {
            "train-item-views.csv": _lines(
                "sessionId;userId;itemId;timeframe;eventdate",
                "1;NA;81766;526309;2016-05-09",
                "1;7;31331;1031018;2016-05-09",
                "2;8;32118;noon;2016-05-10",
            )
        },
        2,
        """[fields]
user_id = { first = ["userId", { constant = "guest" }] }
action_type = { path = "kind", lookup = { views = "view" } }
event_time = { sum = ["eventdate", { column = "timeframe", unit = "ms" }] }
[time]
time_of_day = "00:00"
[values]
also_nothing = ["NA"]
[format]
path = "train-item-{kind}.csv"
""",
        reasons={"invalid_event_time": 1},
        reading="""SELECT if(userId = 'NA', 'guest', userId), sessionId, 'view', itemId,
    eventdate::timestamp + to_milliseconds(timeframe::bigint), NULL
FROM read_csv('train-item-views.csv', all_varchar = true) WHERE try_cast(timeframe AS bigint) IS NOT NULL""",
    ),
    "orders with returns and guests, Windows-1252": Shape(
        {
            "retail.csv": _lines(
                "InvoiceNo;StockCode;Description;Quantity;InvoiceDate;UnitPrice;CustomerID",
                "536365;85123A;CAF\u00c9 \u201cWHITE\u201d;6;01.12.2010 08:26;2,55 \u20ac;17850",
                "C536379;D;Discount;-1;01.12.2010 09:41;27,50 \u20ac;",
                "536380;22961;JAM;24;32.12.2010 09:41;1.445,00 \u20ac;17809",
                encoding="cp1252",
                end="\r\n",
            )
        },
        2,
        """[fields]
user_id = { first = ["CustomerID", { constant = "guest" }] }
session_id = "InvoiceNo"
action_type = { constant = "purchase", when = [{ column = "Quantity", below = 0, then = "remove_from_cart" }] }
[events]
identity = ["Quantity"]
[time]
format = "%d.%m.%Y %H:%M"
zone = "Europe/London"
[price]
decimal = ","
grouping = "."
currency = "\u20ac"
[format]
encoding = "windows-1252"
""",
        reasons={"invalid_event_time": 1},
        # Of a file in Windows-1252, DuckDB shows the bytes.
        reading=r"""SELECT if(c[7] = '', 'guest', c[7]), c[1], if(c[4]::int < 0, 'remove_from_cart', 'purchase'), c[2],
    timezone('UTC', timezone('Europe/London', strptime(c[5], '%d.%m.%Y %H:%M'))),
    replace(replace(replace(c[6], ' \x80', ''), '.', ''), ',', '.')::decimal(18, 4)
FROM (SELECT string_split(unnest(string_split(content::varchar, '\x0D\x0A')[2:]), ';') AS c
        FROM read_blob('retail.csv'))
WHERE len(c) = 7 AND try_strptime(c[5], '%d.%m.%Y %H:%M') IS NOT NULL""",
    ),
    "a spreadsheet's text, UTF-16 with tabs": Shape(
        {
            "export.txt": _lines(
                "user id\tsession id\taction\tproduct id\tdate\ttime",
                "\u0416\ts1\tview\tp1\t2026-03-01\t12:00:00",
                "\u0416\ts1\tview\t\t2026-03-01\t12:00:00",
                encoding="utf-16",
                end="\r\n",
            )
        },
        1,
        '[fields]\nevent_time = { join = ["date", "time"] }\n',
        reasons={"missing_product_id": 1},
        reading=r"""SELECT "user id", "session id", action, "product id", (date || ' ' || time)::timestamp, NULL
FROM read_csv('export.txt', all_varchar = true, delim = '\t', encoding = 'utf-16') WHERE "product id" IS NOT NULL""",
    ),
    "a tracker's JSON lines with properties": Shape(
        {
            "track.json": _objects(
                {
                    "anonymousId": "a1",
                    "userId": None,
                    "context": {"sessionId": 17},
                    "event": "Product Viewed",
                    "properties": {"product_id": 507, "price": 19.90},
                    "timestamp": "2026-03-01T12:00:00.123Z",
                },
                {
                    "anonymousId": "a1",
                    "userId": "u1",
                    "context": {"sessionId": 17},
                    "event": "Products Searched",
                    "properties": {"query": "shoe"},
                    "timestamp": "2026-03-01T12:00:01Z",
                },
                {
                    "anonymousId": "a2",
                    "context": {"sessionId": 18},
                    "event": "Order Completed",
                    "properties": {"product_id": "508", "price": -1},
                    "timestamp": "2026-03-01T12:00:01Z",
                },
                ["no", "object"],
            )
            + b'{"anonymousId":'
        },
        2,
        """[fields]
user_id = { first = ["userId", "anonymousId"] }
session_id = { column = "context", json = "sessionId" }
product_id = { column = "properties", json = "product_id" }
price = { column = "properties", json = "price" }
[actions]
"product viewed" = "view"
"order completed" = "purchase"
"products searched" = "search"
[events]
other_actions = ["search"]
""",
        reasons={"negative_price": 1, "no_object": 1, "not_json": 1},
        reading=r"""SELECT coalesce(j ->> '$.userId', j ->> '$.anonymousId'), j ->> '$.context.sessionId',
    CASE j ->> '$.event' WHEN 'Product Viewed' THEN 'view' ELSE 'search' END, j ->> '$.properties.product_id',
    (j ->> '$.timestamp')::timestamptz AT TIME ZONE 'UTC', (j ->> '$.properties.price')::decimal(18, 4)
FROM (SELECT try_cast(l AS json) AS j
        FROM read_csv('track.json', columns = {'l': 'varchar'}, delim = '\x01', quote = '', header = false))
WHERE json_type(j) = 'OBJECT' AND coalesce((j ->> '$.properties.price')::double, 0) >= 0""",
    ),
    "JSON within a column of CSV, zstd": Shape(
        {
            "events.csv.zst": pa.compress(
                _lines(
                    "ts,user,event_name,properties",
                    '2026-03-01T12:00:00Z,u1,view,"{""sid"":""s1"",""item"":{""sku"":""p1"",""price"":5.50}}"',
                    "2026-03-01T12:00:00Z,u2,view,{",
                ),
                "zstd",
                asbytes=True,
            )
        },
        1,
        """[columns]
event_name = "action_type"
[fields]
session_id = { column = "properties", json = "sid" }
product_id = { column = "properties", json = "item.sku" }
price = { column = "properties", json = "item.price" }
""",
        reasons={"invalid_json": 1},
        reading="""SELECT "user", j ->> '$.sid', event_name, j ->> '$.item.sku', ts::timestamptz AT TIME ZONE 'UTC',
    (j ->> '$.item.price')::decimal(18, 4)
FROM (SELECT *, try_cast(properties AS json) AS j FROM read_csv('events.csv.zst', all_varchar = true))
WHERE j IS NOT NULL""",
    ),
    "a bronze folder of Parquet, by date and hour": Shape(
        {
            f"date=2026-03-01/hour={hour:02d}/part-0.snappy.parquet": _parquet(
                user_id=pa.array([2**63 + hour, None], pa.uint64()),
                session_id=["s", "s"],
                event=["view", "view"],
                item=pa.array([1.0, 2.0]),
                price_micros=pa.array([5_500_000, 1], pa.int64()),
                minute=pa.array([5, 6], pa.int32()),
            )
            for hour in (1, 2)
        },
        2,
        """[columns]
item = "product_id"
price_micros = "price"
[fields]
event_time = { sum = [{ path = "date" }, { path = "hour", unit = "h" }, { column = "minute", unit = "min" }] }
[time]
time_of_day = "00:00"
[price]
scale = 0.000001
""",
        reasons={"missing_user_id": 2},
        reading="""SELECT user_id::varchar, session_id, event, item::bigint::varchar,
    date::timestamp + to_hours(hour::bigint) + to_minutes(minute), price_micros::decimal(18, 6) / 1000000
FROM read_parquet('*/*/*.parquet', hive_partitioning = true) WHERE user_id IS NOT NULL""",
    ),
    "a shop's Parquet with nested items and decimals": Shape(
        {
            "orders.parquet": _parquet(
                user=["u1", "u2"],
                session=["s1", "s2"],
                action=["purchase", "purchase"],
                ts=pa.array([1_772_366_400_000_000, None], pa.timestamp("us", "UTC")),
                item=[{"sku": "p1", "qty": 2}, {"sku": "p2", "qty": 1}],
            )
        },
        1,
        '[fields]\nproduct_id = { column = "item", json = "sku" }\nprice = false\n',
        reasons={"missing_event_time": 1},
        reading="""SELECT "user", session, action, item.sku, ts AT TIME ZONE 'UTC', NULL
FROM read_parquet('orders.parquet') WHERE ts IS NOT NULL""",
    ),
    "other actions without a product, gzip": Shape(
        {
            "a.csv.gz": gzip.compress(
                _lines(
                    "event_type,user_id,session_id,product_id,event_time",
                    "login,u1,s1,,2026-03-01 12:00:00",
                    "add_to_wishlist,u1,s1,p1,2026-03-01 12:00:01",
                    "scroll,u1,s1,,2026-03-01 12:00:02",
                ),
                mtime=0,
            )
        },
        2,
        '[events]\nother_actions = ["login", "add_to_wishlist"]\n',
        reasons={"missing_product_id": 1},
        reading="""SELECT user_id, session_id, event_type, product_id, event_time::timestamp, NULL
FROM read_csv('a.csv.gz', all_varchar = true) WHERE event_type <> 'scroll'""",
    ),
    "an export with comments, a delimiter at the end of rows and a footer": Shape(
        {
            "report.csv": _lines(
                "# Web, all pages",
                "# 2026-03-01",
                "",
                "user_id,session_id,action,product_id,ts",
                '"u1",s1,view,p1,2026-03-01 12:00:00,',
                "u2,s1,cart,p2,2026-03-01 12:00:01,",
                "Total: 2 rows",
            )
        },
        2,
        '[format]\ncomment = "#"\n',
        reasons={"field_count": 1},
        reading="""SELECT u, s, if(a = 'cart', 'add_to_cart', a), p, t::timestamp, NULL
FROM read_csv('report.csv', skip = 4, header = false, all_varchar = true, null_padding = true, auto_detect = false,
    columns = {'u': 'varchar', 's': 'varchar', 'a': 'varchar', 'p': 'varchar', 't': 'varchar', 'x': 'varchar'})
WHERE t IS NOT NULL""",
    ),
    "texts between tabs, without quotes and header": Shape(
        {
            "part-00000": _lines(
                'u1\ts1\tview\tp1\t2026-03-01 12:00:00\t"red shoes"',
                '"u2\ts1\tview\tp2\t2026-03-01 12:00:01\t5" pipe',
                'u3\ts1\tview\t"\t2026-03-01 12:00:02\t',
            )
        },
        3,
        '[format]\nquotes = "none"\nheader = ["user", "session", "action", "product", "ts", "query"]\n',
        reading=r"""SELECT u, s, a, p, t::timestamp, NULL
FROM read_csv('part-00000', header = false, delim = '\t', quote = '', escape = '', auto_detect = false,
    columns = {'u': 'varchar', 's': 'varchar', 'a': 'varchar', 'p': 'varchar', 't': 'varchar', 'q': 'varchar'})""",
    ),
    "named parameters of Google Analytics": Shape(
        {
            "events.json": _objects(
                *(
                    {
                        "event_name": name,
                        "event_timestamp": f"177236640000000{at}",
                        "user_pseudo_id": "1.2",
                        "event_params": [
                            {"key": "page", "value": {"string_value": "x"}},
                            {"key": "ga_session_id", "value": {"int_value": f"{at}"}},
                        ],
                        "items": [{"item_id": f"p{at}", "price": 2.50}][:at],
                    }
                    for at, name in ((1, "view_item"), (2, "add_to_cart"), (0, "view_item"))
                )
            )
        },
        2,
        """[fields]
user_id = "user_pseudo_id"
session_id = { column = "event_params", json = "[key=ga_session_id].value.int_value" }
product_id = { column = "items", json = "[0].item_id" }
price = { column = "items", json = "[0].price" }
""",
        reasons={"missing_product_id": 1},
        reading="""SELECT user_pseudo_id,
    list_filter(event_params, lambda x: x.key = 'ga_session_id')[1].value.int_value::varchar,
    if(event_name = 'view_item', 'view', event_name), items[1].item_id, make_timestamp(event_timestamp::bigint),
    items[1].price::decimal(18, 4)
FROM read_json('events.json', format = 'newline_delimited') WHERE len(items) > 0""",
    ),
}


def main(directory: Path) -> None:
    for number, (name, shape) in enumerate(SHAPES.items(), 1):
        place = directory / f"{number:02d} {name.replace('/', ' ')}"
        for path, content in shape.files.items():
            file = place / "files" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        if shape.mapping:
            (place / "mapping.toml").write_text(shape.mapping)
        if shape.reading:
            (place / "reading.sql").write_text(shape.reading + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
