"""The portal's pages as Django's and django-storages' documentation would have them written.

A yardstick: each thing is done as the documentation shows it first, in favour of speed where that
leaves a choice (a custom domain for public files, persistent connections, an index for each order).
It has no visibility, no security headers but Django's own, no log of requests and no second factor.
"""
