// Loads what is live again every so many seconds, unless somebody is at work in it.
"use strict";

const live = document.querySelector("[data-live]");

async function refresh() {
  const isBusy = document.hidden || live.contains(document.activeElement) || live.querySelector("details[open]");
  if (!isBusy) {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
      if (answer.ok && !answer.redirected) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("[data-live]");
        if (fresh) live.replaceChildren(...fresh.childNodes);
      }
      document.body.classList.toggle("stale", !answer.ok);
    } catch {
      document.body.classList.add("stale");
    }
  }
  setTimeout(refresh, live.dataset.live * 1000);
}

if (live) setTimeout(refresh, live.dataset.live * 1000);
