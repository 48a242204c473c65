# One image for the API, the worker, Flower and the sandbox; docker-compose.yml says which one runs. The tools
# for assistants have one of their own, `--target mcp`: their packages would add 32 MB to it.
FROM python:3.11-slim-bookworm AS build

RUN apt-get update && apt-get install -y --no-install-recommends tini

# Before the source, so that a change of the source installs nothing again.
COPY requirements.txt /build/
# Neither pip nor the tests that packages bring along are needed to run.
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir -r /build/requirements.txt \
    && find /opt/venv -type d -name tests -prune -exec rm -r {} +

WORKDIR /app
COPY api api
COPY sandbox sandbox
COPY shared shared
COPY worker worker
# A checkout may be readable by its owner only. The bytecode counts whatever the files' times become.
RUN chmod -R a+rX . && python -m compileall -q --invalidation-mode unchecked-hash .


FROM python:3.11-slim-bookworm AS build-mcp

COPY requirements-mcp.txt /build/
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir -r /build/requirements-mcp.txt \
    && find /opt/venv -type d -name tests -prune -exec rm -r {} +

WORKDIR /app
COPY client client
# For the health check alone: the tools know nothing of the service but its API.
COPY shared/__init__.py shared/alive.py shared/
RUN chmod -R a+rX . && python -m compileall -q --invalidation-mode unchecked-hash .


FROM python:3.11-slim-bookworm AS mcp

LABEL org.opencontainers.image.title="Stability AI Image API, tools for assistants" \
      org.opencontainers.image.description="The image service as tools of the Model Context Protocol." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"

COPY --from=build /usr/bin/tini-static /usr/bin/tini
COPY --from=build-mcp /opt/venv /opt/venv
COPY --from=build-mcp /app /app

WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "client.mcp", "--http", "0.0.0.0:5601"]


FROM python:3.11-slim-bookworm

LABEL org.opencontainers.image.title="Stability AI Image API" \
      org.opencontainers.image.description="A queue, a money guard and a picture store between callers and Stability AI's image API." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"

# The folders are there so that a new volume takes over their owner. The ids are fixed, since a volume outlives
# the image, and are numbers, by which Kubernetes sees that this is not root.
RUN groupadd --gid 10001 app && useradd --uid 10001 --gid app --no-create-home app \
    && install -d -o app -g app /app/saved_images /app/flower
COPY --from=build /usr/bin/tini-static /usr/bin/tini
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app

WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
# The first process of a container must pass signals on and reap what is left to it, wherever it runs.
ENTRYPOINT ["tini", "--"]
CMD ["python", "-m", "api"]
