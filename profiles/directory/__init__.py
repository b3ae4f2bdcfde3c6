"""The directory: search texts folded once on save, the search over them, and the list."""
