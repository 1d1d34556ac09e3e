"""Server: HTTP/1.1 for the internet behind TLS, on the loop's own thread.

Bytes become requests and answers become bytes here, and nothing else: who may ask what is decided
behind it. One request at a time per connection, in the order in which they came.
"""
