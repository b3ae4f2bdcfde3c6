"""Names as lists write them, and as people say them."""

import re

# Without points and blanks: what stands behind a comma, and is no first name.
AFTER_NAMES = {
    *("jr", "sr", "ii", "iii", "iv", "phd", "dphil", "md", "mdphd", "dds", "jd", "llm", "llb"),
    *("ba", "bsc", "msc", "mba", "meng", "mphil", "esq", "prof", "dr", "dring", "dipling", "frs"),
}


def in_spoken_order(name: str) -> str:
    """Return "Lovelace, Ada" as "Ada Lovelace"; other commas stay, as before a degree."""
    last, _, first = (part.strip() for part in name.partition(","))
    is_title = re.sub(r"\W", "", first).lower() in AFTER_NAMES
    if not (last and first) or "," in first or is_title:
        return name
    return f"{first} {last}"
