"""Proposals: what a prospect is handed, as PDF and DOCX, in two languages, each version kept.

Composed once as a tree of blocks and laid out twice, so both files say the same; every figure
bears a number under which the appendix says what it follows from.
"""
