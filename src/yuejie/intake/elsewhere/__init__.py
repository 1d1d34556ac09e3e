"""Usage and keys of other gateways: CloudEvents, LiteLLM, new-api."""
