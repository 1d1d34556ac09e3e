"""Bills on the wire: drawn, reviewed, issued, corrected."""
