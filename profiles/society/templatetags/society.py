from django import template
from django.utils.html import format_html
from django.utils.translation import pgettext

from profiles.society import first_steps as steps
from profiles.society.markdown import to_html

register = template.Library()
register.filter("markdown", to_html)


@register.simple_tag(takes_context=True)
def first_steps(context):
    """Return what a superuser still has to do on a new site."""
    return steps.first_steps(context["user"])


@register.simple_tag(takes_context=True)
def contact(context):
    """Return whom to ask for an invitation, as part of a sentence; with a link if possible."""
    society = context["society"]
    if society.contact_email:
        name = society.contact or society.contact_email
        return format_html('<a href="mailto:{}">{}</a>', society.contact_email, name)
    return society.contact or pgettext("whom to ask", "the society's staff")
