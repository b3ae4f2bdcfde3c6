# syntax=docker/dockerfile:1

# The site as an image that is built once and runs anywhere (docs/deploying.md). Nothing in it is
# specific to a deployment, unless the secret "assets" names the bucket for its assets.

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
# SITE_ENVIRONMENT is not set yet, so that no secrets are required. With umask 077 only the owner
# can read a checkout, and the site runs as another user.
RUN --mount=type=secret,id=assets \
    set -a && if [ -e /run/secrets/assets ]; then . /run/secrets/assets; fi \
    && python manage.py collectstatic --no-input \
    && chmod -R a+rX .

FROM python:3.13-slim
WORKDIR /app
COPY --from=packages /venv /venv
COPY --from=assets /app .
# As production, so that a missing variable is an error: the site must not run as in development.
ENV PATH=/venv/bin:$PATH SITE_ENVIRONMENT=production
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "bin/healthcheck.py"]
CMD ["gunicorn", "portal.wsgi"]
