"""Dialects: how each provider words a request, an answer, a stream, an error.

Each endpoint is a plain function from a request to an answer; none of them waits or writes.
The facts are those of the providers' documentation and official SDKs: where usage sits in a
stream, what it counts twice, how an error is worded.
"""
