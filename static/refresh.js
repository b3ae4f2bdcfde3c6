// Asks for the page again while it shows something that is under way, and replaces that part of it.
"use strict";

const PAUSE = 3000; // milliseconds

async function again() {
  const shown = document.querySelector("[data-refresh][data-again]");
  if (!shown) return;
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-refresh]");
      if (answer.ok && fresh) shown.replaceWith(fresh);
    } catch {
      // Offline for a moment: the next time may do.
    }
  }
  setTimeout(again, PAUSE);
}

setTimeout(again, PAUSE);
