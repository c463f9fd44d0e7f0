// What an embedded page shows: ?embed= with the name of a view shows it with its player, and ?hide=
// with names of parts hides them. The elements of the page name both. This is not a module, so that
// it runs before the first paint.
(() => {
  const root = document.documentElement;
  const query = new URLSearchParams(location.search);
  const unknown = /** @type {string[]} */ ([]);

  const view = query.get("embed");
  const embedded = document.querySelector(`[data-embed="${CSS.escape(view ?? "")}"]`);
  if (view && !embedded) unknown.push(`embed=${view}`);
  if (embedded) {
    root.dataset.embed = view ?? "";
    embedded.classList.add("embedded");
  }
  for (const part of (query.get("hide") ?? "").split(",").filter(Boolean)) {
    const elements = document.querySelectorAll(`[data-part="${CSS.escape(part)}"]`);
    for (const element of elements) element.classList.add("hidden-part");
    if (!elements.length) unknown.push(`hide=${part}`);
  }
  if (query.has("present")) root.dataset.present = "";
  root.dataset.unknown = unknown.join("\n");
})();
