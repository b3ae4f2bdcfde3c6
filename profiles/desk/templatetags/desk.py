from django import template

from profiles.desk.figures import desk_of

register = template.Library()


@register.simple_tag(takes_context=True)
def desk(context):
    """Return the figures that the user of this page may see."""
    return desk_of(context["user"])
