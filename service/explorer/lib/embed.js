// What an embedded page shows: ?embed=surface, network or trace shows one view with its player, and
// ?hide=data,code hides parts of the page. This is not a module, so that it runs before the first paint.
(() => {
  const root = document.documentElement;
  const query = new URLSearchParams(location.search);
  const view = query.get("embed") ?? "";
  if (["surface", "network", "trace"].includes(view)) root.dataset.embed = view;
  const hidden = query.get("hide");
  if (hidden) root.dataset.hide = hidden.replaceAll(",", " ");
})();
