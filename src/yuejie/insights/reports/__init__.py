"""Reports: what was used, by whom and on what, said again by itself at a set hour."""
