"""Sums of days and months: the rollups up to a watermark, folded; the hours behind it stay live."""
