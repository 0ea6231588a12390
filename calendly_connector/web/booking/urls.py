"""Addresses of booking pages, with and without a closing slash."""

from django.urls import re_path

from calendly_connector.web.booking import files, views

PAGE, KEY = r"(?P<slug>[\w-]+)", r"(?P<key>[\w-]{20,64})"

urlpatterns = [
    re_path(r"^embed\.js$", files.embed, name="book_embed"),
    re_path(rf"^{PAGE}\.css$", files.stylesheet, name="book_style"),
    re_path(rf"^{PAGE}/{KEY}\.ics$", views.file, name="book_file"),
    re_path(rf"^{PAGE}/{KEY}/?$", views.outcome, name="book_outcome"),
    re_path(rf"^{PAGE}/?$", views.book, name="book"),
]
