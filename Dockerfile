# kpisync in a container: no root, nothing written but below /data and /tmp, no secret in any layer.
FROM python:3.13-slim AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src

# What builds a wheel, with the hashes of constraints.txt; none of it reaches the image.
COPY constraints.txt constraints-runtime.txt ./
RUN awk '/^[a-z]/ { keep = /^(editables|hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } keep' \
        constraints.txt > build.txt \
    && pip install --require-hashes --requirement build.txt

# What runs: every version pinned, every file checked against its hash.
RUN python -m venv --without-pip /opt/kpisync \
    && pip --python /opt/kpisync/bin/python install --require-hashes --no-deps --requirement constraints-runtime.txt

COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY kpisync kpisync
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/kpisync/bin/python install --no-deps --no-index /wheels/kpisync-*.whl \
    && pip --python /opt/kpisync/bin/python check

FROM python:3.13-slim
LABEL org.opencontainers.image.title="kpisync" \
      org.opencontainers.image.description="Pushes KPI values between systems: planned, confirmed, undoable, and nothing sent twice." \
      org.opencontainers.image.licenses="Apache-2.0"

# The base image's own versions: they come with its security updates, and with every build of ours.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 kpisync \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin kpisync \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data /data/state /data/exports

COPY --from=build /opt/kpisync /opt/kpisync

ENV PATH=/opt/kpisync/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    KPISYNC_CONFIG=/config/kpisync.yaml \
    KPISYNC_STATE=sqlite:////data/state/kpisync.db

USER 10001:10001
WORKDIR /data
VOLUME /data
# The status page, where the configuration says `serve: {host: 0.0.0.0, …}`; docs/operate.md has the whole of it.
EXPOSE 8080
# What is in flight is finished and recorded: 10 seconds at most.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 CMD ["python", "-m", "kpisync.health"]
ENTRYPOINT ["kpisync"]
CMD ["serve"]
