// Sends a chosen file at once, shows how far it is and what became of it, and has the form name it.
// Without this script the form sends its files itself, when it is saved. What it says stands in the
// page (templates/profiles/widgets/upload.html), in the language of the page.
"use strict";

// The button says what the form waits for.
for (const form of new Set([...document.querySelectorAll("[data-upload]")].map((box) => box.closest("form")))) {
  const buttons = form.querySelectorAll("button[type=submit], input[type=submit]");
  form.addEventListener("uploads", () => {
    const isBusy = form.querySelector("[data-upload][data-busy]") !== null;
    for (const button of buttons) {
      const text = "value" in button && button.matches("input") ? "value" : "textContent";
      button.dataset.idle ??= button[text];
      button[text] = isBusy ? form.querySelector("[data-upload]").dataset.textWaiting : button.dataset.idle;
      button.disabled = isBusy;
    }
  });

  // What is typed and chosen is lost by leaving. A file that "is ready" is easily taken for saved.
  let isUnsaved = form.querySelector("[aria-invalid=true]") !== null;
  form.addEventListener("input", () => { isUnsaved = true; });
  form.addEventListener("submit", () => { isUnsaved = false; });
  form.querySelector("[data-cancel]")?.addEventListener("click", () => { isUnsaved = false; });
  window.addEventListener("beforeunload", (event) => {
    if (isUnsaved) event.preventDefault();
  });
}

for (const box of document.querySelectorAll("[data-upload]")) {
  const chooser = box.querySelector("input[type=file]");
  const stored = box.querySelector("input[name$='-stored']");
  const status = box.querySelector("output");
  const progress = box.querySelector("progress");
  const picture = box.querySelector("[data-picture]");
  const cut = box.querySelector("[data-cut]");
  const current = box.querySelector("[data-current]");
  const form = chooser.form;
  let file = null, running = null, timer = null;

  const say = (text, isError) => {
    status.textContent = text;
    status.classList.toggle("error", Boolean(isError));
  };

  const inWords = (key) => box.dataset[key].replace("{name}", () => file.name);

  const finish = () => {
    progress.hidden = true;
    running = null;
    delete box.dataset.busy;
    form.dispatchEvent(new Event("uploads"));
  };

  const succeed = (answer) => {
    stored.value = answer.pk;
    stored.disabled = false;
    chooser.value = ""; // the form names the file from now on, and does not send it again
    chooser.required = false;
    say(`${answer.ready} ${answer.note}`.trim());
    picture.hidden = !answer.picture;
    if (answer.picture) picture.src = answer.picture;
    if (current) current.hidden = Boolean(answer.picture);
  };

  // The form does not send what is refused: it would be refused with all that was typed.
  const refuse = (refused, why) => {
    chooser.value = "";
    say(`${refused.name}: ${why}`, true);
  };

  const send = () => {
    if (running) running.abort();
    const body = new FormData();
    body.append("file", file, file.name);
    if (stored.value) body.append("replaces", stored.value);
    for (const input of cut ? cut.querySelectorAll("[name]") : []) {
      body.append(`photo-${input.name.split("-").pop()}`, input.value);
    }
    const request = (running = new XMLHttpRequest());
    box.dataset.busy = "";
    progress.hidden = false;
    progress.removeAttribute("value");
    say(inWords("textSending"));
    form.dispatchEvent(new Event("uploads"));
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      progress.value = event.loaded / event.total;
      if (event.loaded === event.total) {
        progress.removeAttribute("value");
        say(inWords("textChecking"));
      }
    });
    request.addEventListener("load", () => {
      if (request !== running) return;
      const answer = request.response || {};
      if (request.status === 201) succeed(answer);
      else if (request.status === 413) refuse(file, box.dataset.textLarge);
      else if (answer.error) refuse(file, answer.error);
      else if (request.status === 503) say(inWords("textBusy"), true);
      else say(inWords("textUnsent"), true);
      finish();
    });
    request.addEventListener("error", () => {
      if (request !== running) return;
      say(inWords("textBroken"), true);
      finish();
    });
    request.open("POST", box.dataset.upload);
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
    request.send(body);
  };

  const draw = async () => {
    const canvas = cut.querySelector("canvas");
    let photo;
    try {
      photo = await createImageBitmap(file);
    } catch {
      canvas.hidden = true; // HEIC, in most browsers: the site shows it once it is sent
      return;
    }
    const value = (name) => Number(cut.querySelector(`[name$='-${name}']`).value);
    const turn = value("turn"), context = canvas.getContext("2d");
    const turned = document.createElement("canvas");
    const isAcross = turn % 180 === 90;
    const scale = Math.min(1, 1024 / Math.min(photo.width, photo.height));
    const [width, height] = [photo.width * scale, photo.height * scale];
    [turned.width, turned.height] = isAcross ? [height, width] : [width, height];
    const pen = turned.getContext("2d");
    pen.translate(turned.width / 2, turned.height / 2);
    pen.rotate((turn * Math.PI) / 180);
    pen.drawImage(photo, -width / 2, -height / 2, width, height);
    const side = Math.min(turned.width, turned.height) * (100 / value("zoom"));
    const left = (turned.width - side) * (value("x") / 100);
    const top = (turned.height - side) * (value("y") / 100);
    canvas.hidden = false;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(turned, left, top, side, side, 0, 0, canvas.width, canvas.height);
    photo.close();
  };

  const choose = () => {
    if (!chooser.files.length) return;
    const chosen = chooser.files[0];
    if (chosen.size > Number(box.dataset.most)) {
      refuse(chosen, box.dataset.textLarge);
      return;
    }
    file = chosen;
    if (cut) {
      cut.open = true;
      draw();
    }
    send();
  };

  chooser.addEventListener("change", choose);
  choose(); // somebody was faster than this script

  if (cut) {
    cut.addEventListener("input", () => file && draw());
    cut.addEventListener("change", () => {
      if (!file) return;
      clearTimeout(timer); // the last of several changes is sent
      timer = setTimeout(send, 600);
    });
  }
}
