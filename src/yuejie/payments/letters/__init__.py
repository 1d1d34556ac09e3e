"""Letters about receivables as PDF: statement of account, balance confirmation, deposit slip."""
