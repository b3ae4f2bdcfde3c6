import io
import json
import logging.config

import pytest

from tests.conftest import settings_for
from tests.support.deployed import ENVIRONMENT as DEPLOYED


class Log:
    """The lines that the site logs with the LOGGING of a deployed site, by default as JSON."""

    def __init__(self):
        self.use("json")

    def use(self, log_format):
        self.output, self.errors = io.StringIO(), io.StringIO()
        config = settings_for(DEPLOYED | {"LOG_FORMAT": log_format})["LOGGING"]
        config["handlers"]["requests"]["stream"] = self.output
        config["handlers"]["console"]["stream"] = self.errors
        logging.config.dictConfig(config)

    @property
    def text(self):
        return self.output.getvalue() + self.errors.getvalue()

    @property
    def requests(self):
        """The requests' own lines, read as JSON."""
        return [json.loads(line) for line in self.output.getvalue().splitlines()]

    @property
    def others(self):
        return [json.loads(line) for line in self.errors.getvalue().splitlines()]


@pytest.fixture
def log(settings):
    yield Log()
    logging.config.dictConfig(settings.LOGGING)
