"""The life of a contract: drafted, reviewed, signed, amended, renewed, ended."""
