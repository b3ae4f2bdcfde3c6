"""The page that asks before an action on many members."""

from django.template.response import TemplateResponse

NAMED = 10  # members for whom an action does not ask; also those whom the question names


def ask(admin, request, action: str, question: str, button: str, users) -> TemplateResponse:
    """Ask about an action; the answer comes as a request with `confirmed` in it.

    It names each of the users: those of "all pages" may be others by then.
    """
    context = admin.admin_site.each_context(request) | {
        "title": button,
        "question": question,
        "button": button,
        "action": action,
        "first": users[:NAMED],
        "chosen": [user.pk for user in users],
    }
    return TemplateResponse(request, "admin/profiles/user/ask.html", context)
