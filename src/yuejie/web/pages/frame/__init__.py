"""Every page stands in it: who looks, the menu, languages, files, how it is drawn or refused."""
