"""The contract on paper: its clauses, PDF and DOCX, and the papers that belong to it."""
