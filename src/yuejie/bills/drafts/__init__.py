"""What a draft said before it was drawn anew.

Its customer may have seen it, and other bills counted on it when they were drawn.
"""
