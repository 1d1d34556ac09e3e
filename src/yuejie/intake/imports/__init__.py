"""Importing files: our own CSV and JSONL, providers' usage exports, public traces.

A file is read as rows (`reading`), a small TOML file says what its columns mean (`mapping`),
rows become drafts (`drafts`), and drafts are priced and stored batch by batch (`load`).
"""
