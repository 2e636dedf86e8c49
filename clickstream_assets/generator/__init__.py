"""The imaginary shop behind the data generator: what it sells, who visits, and how its log files come to be.

One module, one job: `spec` (what is asked for), `truth` (what was done), `catalogue`, `people`, `sessions` (how
visitors behave), `rhythm` (when), `timeline` (many sessions, one stream in time order), `faults` (duplicates,
malformed and late rows), `rows` (events as CSV text), `delivery` (all of these as one stream of rows), `writer`
(files), `live` (the pace of a running shop).
The public face is `clickstream_assets.data_generator`; nothing here knows of the pipeline.
"""
