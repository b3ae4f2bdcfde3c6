from django import template

from profiles.society import first_steps as steps
from profiles.society.markdown import to_html

register = template.Library()
register.filter("markdown", to_html)


@register.simple_tag(takes_context=True)
def first_steps(context):
    """Return what a superuser still has to do on a new site."""
    return steps.first_steps(context["user"])
