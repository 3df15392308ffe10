# A worker: `docker build --tag timing-profiles .`, then docs/operations.md.
#
# A digest pins harder than a version, which may be built anew:
#   docker build --build-arg PYTHON=3.13.7-slim-trixie@sha256:... .
ARG PYTHON=3.13.7-slim-trixie

FROM python:${PYTHON} AS packages
COPY requirements.worker.lock /
# Nothing is compiled, and nothing comes in whose hash is not in the lock.
RUN ["python", "-m", "venv", "/venv"]
RUN ["/venv/bin/pip", "install", "--no-cache-dir", "--disable-pip-version-check", "--no-deps", \
     "--only-binary", ":all:", "--require-hashes", "--requirement", "/requirements.worker.lock"]
RUN ["/venv/bin/pip", "check", "--disable-pip-version-check"]

FROM python:${PYTHON}
COPY --from=packages /venv /venv
WORKDIR /app
COPY agent.py schema.json ./
COPY profiles/ profiles/
COPY timing_profiles/ timing_profiles/
# As the wheel has them: what calls fall back to when a volume is mounted over profiles/.
COPY schema.json timing_profiles/packaged/
COPY profiles/ timing_profiles/packaged/profiles/

# Logs leave at once. Nothing is written but below TMPDIR, so the root may be read-only.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TMPDIR=/tmp
# By number: Kubernetes cannot tell whether a name is root's.
USER 10001:10001

# The SDK's answer to whether the worker lives. METRICS_PORT is for you to choose.
EXPOSE 8081
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=5 \
    CMD ["python", "-c", \
         "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8081/', timeout=4)"]
# The worker takes no more calls, and ends with the last one.
STOPSIGNAL SIGTERM
CMD ["python", "agent.py", "start"]
