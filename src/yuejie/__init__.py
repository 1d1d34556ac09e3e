"""yuejie (月结): an enterprise LLM API procurement centre with monthly settlement."""

__version__ = "0.1.0"
