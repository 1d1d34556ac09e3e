"""A proposal on pages: as PDF by Typst, as DOCX with its fonts inside."""
