"""Routes, one file per noun; each is thin: read the request, call one verb, shape the answer."""
