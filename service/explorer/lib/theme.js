// The light or dark theme: that of the system, until the button changes it. This is not a module,
// so that it runs before the first paint, which also leaves room for a lesson of the address.
(() => {
  const root = document.documentElement;
  if (/[#&](lesson|step_text|step_question)=./.test(location.hash)) root.dataset.lesson = "pending";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  function show() {
    root.dataset.scheme = isDark() ? "dark" : "light";
    const other = isDark() ? "Light" : "Dark";
    const button = document.getElementById("theme");
    if (button) button.textContent = other;
    button?.setAttribute("aria-label", `${other} theme`);
    root.dispatchEvent(new Event("themechange"));
  }

  function change() {
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // storage is disabled: the theme lasts until the page is closed
    }
  }

  try {
    const saved = localStorage.getItem("theme");
    if (saved === "dark" || saved === "light") root.dataset.theme = saved;
  } catch {
    // storage is disabled
  }
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme")?.addEventListener("click", change);
  });
})();
