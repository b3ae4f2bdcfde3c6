from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "profiles.batches"
    label = "batches"
