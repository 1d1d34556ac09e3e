"""Single sign-on: an organisation's people log in at its own identity provider (OpenID Connect).

Authorization code with PKCE (RFC 7636), state and nonce; the provider's answer is believed only
when its signature, issuer, audience, times and nonce are right. Matching is by subject, the first
time by verified mail; nobody gets in, and nobody gets a power, without somebody having said so.
"""
