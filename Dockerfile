# firsthour with its model inside: no download at start, nothing to set up but a configuration.
#   docker build -t firsthour . && docker run -v ./firsthour.toml:/config/firsthour.toml:ro -v firsthour:/data firsthour

FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/firsthour
# dependencies change seldom, the code often: installed first, they stay in the cache
COPY pyproject.toml README.md LICENSE ./
COPY monitor/__init__.py monitor/__init__.py
# --build-arg EXTRAS=postgres,celery,google for YouTube, Google Play and Google Business: 110 MB more
ARG EXTRAS=postgres,celery
RUN /opt/firsthour/bin/pip install --no-cache-dir --disable-pip-version-check ".[$EXTRAS]"
COPY monitor monitor
RUN /opt/firsthour/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --force-reinstall . \
 && /opt/firsthour/bin/python -c "from monitor.classify.model import load_classifier; from monitor.settings import ClassifierSettings; load_classifier(ClassifierSettings())"

FROM python:3.12-slim
RUN groupadd --gid 10001 firsthour \
 && useradd --uid 10001 --gid firsthour --home-dir /data --no-create-home --shell /usr/sbin/nologin firsthour \
 && install -d -o firsthour -g firsthour -m 0750 /data
COPY --from=build /opt/firsthour /opt/firsthour
ENV PATH=/opt/firsthour/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    FIRSTHOUR_CONFIG=/config/firsthour.toml \
    FIRSTHOUR_DATABASE__URL=sqlite:////data/firsthour.sqlite \
    FIRSTHOUR_LOG__FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME /data
# the desk listens on the container's own loopback: see config/compose.yaml for the proxy that goes in front
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["firsthour"]
CMD ["run"]
