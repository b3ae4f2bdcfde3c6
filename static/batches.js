// Sends chosen or dropped files one by one, each in a request of its own, and shows what became of
// each. Without this script the form sends up to ten at a time.
"use strict";

const AT_ONCE = 2; // the site checks one at a time; the second travels meanwhile
const ATTEMPTS = 20; // while the site is busy
const BROKEN = 4; // connections
const form = document.querySelector("[data-batch]");
const save = document.querySelector("[data-save]");
const progress = form.querySelector("progress");
const status = form.querySelector("output");
const drop = form.querySelector("[data-drop]");
const waiting = [];
let running = 0, sent = 0, refused = 0, total = 0;
const lost = [];

for (const part of form.querySelectorAll("[data-plain]")) part.hidden = true;
for (const part of form.querySelectorAll("[data-script], .batch-folder")) part.hidden = false;

const pause = (seconds) => new Promise((resume) => setTimeout(resume, seconds * 1000));

// The page has the words, in its language.
function inWords(key, values) {
  return form.dataset[key].replace(/{(\w+)}/g, (_, name) => values[name]);
}

function tell() {
  const done = sent + refused + lost.length;
  progress.hidden = !total;
  progress.max = total;
  progress.value = done;
  const parts = [inWords("textChecked", { done, total })];
  if (refused) parts.push(inWords("textRefused", { number: refused }));
  if (lost.length) parts.push(inWords("textLost", { names: lost.join(", ") }));
  status.textContent = parts.join(" ");
  for (const button of save.querySelectorAll("[name=save], [name=look]")) button.disabled = done < total;
}

function show(html) {
  const row = new DOMParser().parseFromString(html, "text/html").querySelector("li");
  const isStored = row.hasAttribute("data-file");
  save.querySelector(isStored ? "[data-list]" : "[data-refused]").append(row);
  save.querySelector(isStored ? "[data-files]" : "[data-refused-section]").hidden = false;
  if (isStored) sent += 1;
  else refused += 1;
}

async function send(file, folder) {
  if (file.size > Number(form.dataset.most)) {
    lost.push(inWords("textLarge", { name: file.name }));
    return;
  }
  let broken = 0;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.append("fragment", "1");
    body.append("folder", folder);
    body.append("files", file, file.name);
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      if (answer.status === 201) return show(await answer.text());
      if (answer.status !== 503) break;
      await pause(Number(answer.headers.get("Retry-After")) || 5);
    } catch {
      broken += 1;
      if (broken === BROKEN) break;
      await pause(broken);
    }
  }
  lost.push(file.name);
}

async function work() {
  running += 1;
  while (waiting.length) {
    const [file, folder] = waiting.shift();
    await send(file, folder);
    tell();
  }
  running -= 1;
}

function add(file, path) {
  const parts = path.split("/");
  const isHidden = file.name.startsWith(".") || ["Thumbs.db", "desktop.ini"].includes(file.name);
  if (isHidden) return;
  total += 1;
  waiting.push([file, parts.length > 2 ? parts.at(-2) : ""]);
  tell();
  if (running < AT_ONCE) work();
}

for (const chooser of form.querySelectorAll("input[type=file]")) {
  const choose = () => {
    for (const file of chooser.files) add(file, file.webkitRelativePath || file.name);
    chooser.value = "";
  };
  chooser.addEventListener("change", choose);
  choose(); // somebody was faster than this script
}

// A dropped folder is walked through; its entries come in portions.
async function walk(entry, path) {
  if (entry.isFile) {
    add(await new Promise((resolve, reject) => entry.file(resolve, reject)), path + entry.name);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!portion.length) return;
    for (const inner of portion) await walk(inner, `${path}${entry.name}/`);
  }
}

for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("is-over", name === "dragenter" || name === "dragover");
  });
}
drop.addEventListener("drop", (event) => {
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  for (const entry of items.map((item) => item.webkitGetAsEntry())) if (entry) walk(entry, "");
});

// What is under way is lost by leaving; what is listed is kept.
window.addEventListener("beforeunload", (event) => {
  if (waiting.length || running) event.preventDefault();
});
