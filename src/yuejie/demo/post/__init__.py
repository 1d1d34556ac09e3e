"""Receivers to try notices with: robots, SMS vendors, a webhook, a mail server.

They are as strict as the originals about signatures, times, limits and sizes, written from the
vendors' documents and sharing nothing with the channels that they check. They deliver to nobody:
what arrived is shown on a page.
"""
