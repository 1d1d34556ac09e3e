"""The rota: who is on duty when, and who advises which customer."""
