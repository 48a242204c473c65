// The page's elements: found, made from text alone (never from HTML), and what a screen reader is told.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// What every part of the page knows about the service: choices, prices, limits.
export const told = JSON.parse(document.body.dataset.told);

// `{ class, text, on: { click } }`, any property of the element, and what `setAttribute` takes by `aria-…`.
export function el(name, options = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "class") made.className = value;
    else if (key === "text") made.textContent = value;
    else if (key === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (key.includes("-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

export function say(text) {
  const line = $("#said");
  // the same words again are news too
  line.textContent = line.textContent === text ? `${text}\u00a0` : text;
}

// A trouble of the whole page; no text takes it away.
export function tell(text = "") {
  const line = $("#trouble");
  if (line.textContent !== text) line.textContent = text;
  line.hidden = !text;
}

export const pause = (ms, signal) =>
  new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

export const calm = matchMedia("(prefers-reduced-motion: reduce)");

// Brings an element's beginning into view, unless it is there.
export function showMe(element) {
  const { top } = element.getBoundingClientRect();
  if (top >= 0 && top < innerHeight / 2) return;
  element.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth", block: "start" });
}

const plural = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
export const inCredits = (number) => plural(Math.round(number * 1000) / 1000, "credit");
export const inSeconds = (number) =>
  number < 100 ? plural(number, "second") : plural(Math.round(number / 60), "minute");
export { plural };
