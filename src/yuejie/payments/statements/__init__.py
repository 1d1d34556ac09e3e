"""Reading statements as banks write them: spreadsheets, CSV, camt.053, MT940. Pure."""
