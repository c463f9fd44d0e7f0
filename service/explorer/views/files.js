// Files that are dropped on the page, or chosen.

/** @param {HTMLInputElement} input @param {(file: File | undefined) => void} onFile */
export function acceptFiles(input, onFile) {
  const root = document.documentElement;
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  const hide = () => root.classList.remove("dropping");
  root.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  root.addEventListener("dragleave", (event) => event.relatedTarget || hide());
  root.addEventListener("drop", (event) => {
    hide();
    if (!hasFiles(event)) return;
    event.preventDefault();
    onFile(event.dataTransfer?.files[0]);
  });
  input.addEventListener("change", () => {
    onFile(input.files?.[0]);
    input.value = ""; // so that the same file can be chosen again
  });
}
