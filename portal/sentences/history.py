"""The admin's history of a row, with the sentences of this site in the reader's language."""

from .stored import shown


class HistoryInWords:
    """Mixin for a ModelAdmin that logs sentences made by stored.py."""

    def history_view(self, request, object_id, extra_context=None):
        """Translate the sentences on the page; Django translates those that it has logged."""
        response = super().history_view(request, object_id, extra_context)
        for entry in getattr(response, "context_data", {}).get("action_list", ()):
            entry.change_message = shown(entry.change_message)
        return response
