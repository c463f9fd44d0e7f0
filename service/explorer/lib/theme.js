// The light or dark theme: that of the system, until the button changes it. This is not a module,
// so that it runs before the first paint.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function load() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is disabled
    }
  }

  /** @param {string} theme */
  function save(theme) {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // storage is disabled: the theme lasts until the page is closed
    }
  }

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  function show() {
    root.dataset.scheme = isDark() ? "dark" : "light";
    const other = isDark() ? "Light" : "Dark";
    const button = document.getElementById("theme");
    if (button) button.textContent = other;
    button?.setAttribute("aria-label", `${other} theme`);
    root.dispatchEvent(new Event("themechange"));
  }

  const saved = load();
  if (saved === "dark" || saved === "light") root.dataset.theme = saved;
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme")?.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      save(root.dataset.theme);
      show();
    });
  });
})();
