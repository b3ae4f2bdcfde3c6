from django import template

from profiles.society.markdown import to_html

register = template.Library()
register.filter("markdown", to_html)
