// Light or dark as the system has it, until the button says otherwise. Not a module, so that it
// runs before the first picture is drawn.
// @ts-check
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage may be forbidden
    }
  };
  /** @param {string} theme */
  const keep = (theme) => {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // it holds for this page, then
    }
  };

  function show() {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
    const button = document.getElementById("theme");
    if (button) button.textContent = dark ? "Light" : "Dark";
    if (button) button.setAttribute("aria-label", dark ? "Light theme" : "Dark theme");
    root.dispatchEvent(new CustomEvent("themechange", { detail: dark ? "dark" : "light" }));
  }

  const theme = kept();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme")?.addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
      root.dataset.theme = dark ? "light" : "dark";
      keep(root.dataset.theme);
      show();
    });
  });
})();
