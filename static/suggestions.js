// Suggests places and skills that others have while one types. Without this script, inputs are plain.
"use strict";

const PAUSE = 150; // milliseconds without a key

for (const input of document.querySelectorAll("[data-suggestions]")) {
  const list = document.createElement("datalist");
  list.id = `${input.id}-suggestions`;
  input.after(list);
  input.setAttribute("list", list.id);
  const isList = "list" in input.dataset;
  let timer = null, asked = "";

  // Of a list with commas, only the last part is completed; the rest stays as it is.
  const parts = () => {
    const start = isList ? input.value.lastIndexOf(",") + 1 : 0;
    const last = input.value.slice(start).trimStart();
    return [input.value.slice(0, input.value.length - last.length), last];
  };

  const suggest = async () => {
    const [before, last] = parts();
    if (last === asked) return;
    asked = last;
    if (!last) return list.replaceChildren();
    const response = await fetch(`${input.dataset.suggestions}?q=${encodeURIComponent(last)}`);
    if (!response.ok || parts()[1] !== last) return;
    const { suggestions } = await response.json();
    list.replaceChildren(...suggestions.map((label) => new Option(label, before + label)));
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE);
  });
}
