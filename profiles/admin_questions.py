"""The page that asks before an action on many members."""

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.template.response import TemplateResponse

NAMED = 10  # members for whom an action does not ask; also those whom the question names


def ask(admin, request, action: str, question: str, button: str, users) -> TemplateResponse:
    """Ask about an action; the answer comes as the same request with `confirmed` in it."""
    context = admin.admin_site.each_context(request) | {
        "title": button,
        "question": question,
        "button": button,
        "action": action,
        "first": users[:NAMED],
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "across": request.POST.get("select_across", ""),
    }
    return TemplateResponse(request, "admin/profiles/user/ask.html", context)
