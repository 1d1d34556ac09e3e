// Before anything is drawn: as dark as the person's system is, where nothing else was chosen.
if (matchMedia("(prefers-color-scheme: dark)").matches) {
  document.documentElement.setAttribute("data-bs-theme", "dark");
}
