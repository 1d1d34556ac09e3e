"""A simulated identity provider (OpenID Connect): discovery, PKCE, JWKS; it misbehaves if told to.

It is as strict as real ones (RFC 6749, RFC 7636, OpenID Connect Core 1.0) and stands for none of
them in particular.
"""
