// Suggests places and skills that others have while one types. Without this script, inputs are plain.
"use strict";

const PAUSE = 150; // milliseconds without a key

async function ask(input, text) {
  if (!text) return [];
  const response = await fetch(`${input.dataset.suggestions}?q=${encodeURIComponent(text)}`);
  return response.ok ? (await response.json()).suggestions : [];
}

// An input for one has the browser's own list.
function inList(input) {
  const list = document.createElement("datalist");
  list.id = `${input.id}-suggestions`;
  input.after(list);
  input.setAttribute("list", list.id);
  return {
    typed: () => input.value.trim(),
    show: (labels) => list.replaceChildren(...labels.map((label) => new Option(label))),
  };
}

// A text with commas has buttons below, which complete what stands behind the last comma.
function asButtons(input) {
  const list = document.createElement("ul");
  list.className = "tags suggested";
  list.setAttribute("aria-label", input.dataset.suggestionsLabel);
  list.setAttribute("aria-live", "polite"); // those who do not see it would not know of it
  input.after(list);
  const start = () => Math.max(input.value.lastIndexOf(","), input.value.lastIndexOf("\n")) + 1;
  const complete = (label) => {
    const before = input.value.slice(0, start()).trimEnd();
    input.value = `${before}${before ? " " : ""}${label}, `;
    list.replaceChildren();
    input.focus();
  };
  const button = (label) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "tag", textContent: label, dir: "auto" });
    button.addEventListener("click", () => complete(label));
    item.append(button);
    return item;
  };
  return {
    typed: () => input.value.slice(start()).trim(),
    show: (labels) => list.replaceChildren(...labels.map(button)),
  };
}

for (const input of document.querySelectorAll("[data-suggestions]")) {
  const { typed, show } = input.tagName === "TEXTAREA" ? asButtons(input) : inList(input);
  let timer = null;

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const text = typed();
      const labels = await ask(input, text);
      if (typed() === text) show(labels.filter((label) => label !== text));
    }, PAUSE);
  });
}
