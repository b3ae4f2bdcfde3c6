from django import template

from profiles.kept import part

register = template.Library()

# {% kept "a_part.html" name=value %} includes a part that needs nothing but these values.
register.simple_tag(part, name="kept")
