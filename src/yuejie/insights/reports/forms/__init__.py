"""A report as people take it away: on paper, as a spreadsheet."""
