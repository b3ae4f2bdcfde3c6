# syntax=docker/dockerfile:1

# The site as an image that is built once and runs anywhere: docs/deploying.md says how. Nothing in
# it belongs to one deployment, unless the secret "assets" names the bucket that its assets go to.

FROM python:3.13-slim AS packages
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements-installer.txt requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --disable-pip-version-check --require-hashes --no-deps -r requirements-installer.txt \
    && pip install --disable-pip-version-check --require-hashes -r requirements.txt

FROM packages AS assets
COPY . .
# SITE_ENVIRONMENT is not set yet, so that no secrets are asked for. A checkout may be its owner's
# alone to read (umask 077); the site runs as somebody else.
RUN --mount=type=secret,id=assets \
    set -a && if [ -e /run/secrets/assets ]; then . /run/secrets/assets; fi \
    && python manage.py collectstatic --no-input \
    && chmod -R a+rX .

FROM python:3.13-slim
WORKDIR /app
COPY --from=packages /venv /venv
COPY --from=assets /app .
# Whoever forgets a variable gets a refusal that names it, and not a site for a laptop.
ENV PATH=/venv/bin:$PATH SITE_ENVIRONMENT=production
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "bin/healthcheck.py"]
CMD ["gunicorn", "portal.wsgi"]
