# syntax=docker/dockerfile:1
# The base needs Python 3.11 or newer with pip and venv.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /src
# The runtime environment has no pip. The pip of the base image installs into it.
RUN python3 -m venv --without-pip /app
COPY requirements.lock ./
# Both secrets are optional: a pip configuration and the certificate that it refers to.
# hadolint ignore=DL3042
RUN --mount=type=secret,id=pip_conf,target=/run/secrets/pip.conf \
    --mount=type=secret,id=pip_cert,target=/run/secrets/pip.pem \
    PIP_CONFIG_FILE=/run/secrets/pip.conf PYTHONDONTWRITEBYTECODE=1 \
    python3 -m pip --python /app/bin/python install --no-cache-dir --no-compile \
    --disable-pip-version-check --root-user-action ignore --require-hashes -r requirements.lock
COPY CHANGELOG.md LICENSE README.md pyproject.toml ./
COPY benchmarks benchmarks
COPY client client
COPY docs docs
COPY scripts scripts
COPY service service
# The build backend and the packages that build the guide are in the lock, but the service does not
# need them at run time. All files are compiled here, because a read-only file system cannot store
# bytecode later.
RUN PYTHONDONTWRITEBYTECODE=1 /app/bin/python -m scripts.build && \
    python3 -m pip --python /app/bin/python install --no-cache-dir --no-compile --no-index \
    --disable-pip-version-check --root-user-action ignore --no-deps --no-build-isolation . && \
    python3 -m pip --python /app/bin/python uninstall -q -y --root-user-action ignore \
    flit_core griffelib latex2mathml markdown-it-py mdit-py-plugins mdurl && \
    /app/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app/lib && \
    mkdir /empty

FROM ${BASE}
ARG VERSION=unknown
LABEL org.opencontainers.image.title="linear-rnn" \
      org.opencontainers.image.description="See why training a recurrent network fails; find a time constant, and whether to trust it." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT AND OFL-1.1"
COPY --from=build /app /app
# An empty directory that the service owns. A named volume inherits its owner.
COPY --from=build --chown=10001:10001 /empty /data
# The service writes only to /data, and to /tmp if that is writable.
ENV PATH=/app/bin:$PATH \
    HOME=/data \
    MPLCONFIGDIR=/data/.cache/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    RNN_HOST=0.0.0.0 \
    RNN_PORT=8000 \
    RNN_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import httpx, os; httpx.get(f'http://127.0.0.1:{os.environ[\"RNN_PORT\"]}/livez', trust_env=False).raise_for_status()"]
ENTRYPOINT ["linear-rnn"]
CMD ["serve"]
