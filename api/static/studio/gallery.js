// The recent jobs, newest first, as cards; a page at a time.

import { call, pictureAt } from "./api.js";
import { $, el } from "./dom.js";
import { statusWord, titleOf } from "./words.js";

const PAGE = 24;
const list = $("#cards");
const filter = $("#filter");
const jobs = new Map();
let cursor = null;
// A page that comes after the choice was changed is none of the new one's.
let asked = 0;

// `quietly` tells what becomes of work that nobody waits for.
export function start(quietly) {
  filter.addEventListener("change", () => quietly(refresh()));
  $("#more-cards").addEventListener("click", () => quietly(more()));
}

// What came from elsewhere while nobody looked.
export async function renew() {
  const page = await call("GET", `jobs?limit=${PAGE}`);
  for (const job of page.jobs) put(job);
}

export async function refresh() {
  jobs.clear();
  list.replaceChildren();
  cursor = null;
  await load("");
}

async function more() {
  const first = list.children.length;
  await load(`&cursor=${encodeURIComponent(cursor)}`);
  $("a", list.children[first] ?? list)?.focus();
}

async function load(after) {
  const mine = (asked += 1);
  const chosen = filter.value ? `&${filter.value}` : "";
  const page = await call("GET", `jobs?limit=${PAGE}${chosen}${after}`);
  if (mine !== asked) return;
  for (const job of page.jobs) put(job);
  cursor = page.next_cursor;
  $("#more-cards").hidden = !cursor;
  $("#gallery-empty").hidden = jobs.size > 0;
}

const fits = (job) => !filter.value || filter.value === `kind=${job.kind}` || filter.value === `status=${job.status}`;
const keyOf = (job) => `${job.status} ${job.image_url}`;
const OVER = new Set(["succeeded", "failed", "canceled"]);
// A batch tells no revisions of its jobs; but what is over is never open again.
const isOlder = (job, shown) => job.revision < shown.revision || (OVER.has(shown.status) && !OVER.has(job.status));

// Puts a job into its place, or shows how it stands now.
export function put(job) {
  const known = jobs.get(job.job_id);
  if (known ? isOlder(job, known.job) : !fits(job)) return;
  if (known?.key === keyOf(job)) {
    known.job = job;
    return;
  }
  const card = cardOf(job);
  if (known) replace(known.card, card);
  else list.insertBefore(card, [...list.children].find((other) => other.dataset.made < job.created_at) ?? null);
  jobs.set(job.job_id, { job, card, key: keyOf(job) });
  $("#gallery-empty").hidden = true;
}

// What a batch tells of its jobs, which is less than a job does.
export function patch(part) {
  const known = jobs.get(part.job_id);
  if (known) put({ ...known.job, status: part.status, image_url: part.image_url });
}

function replace(old, card) {
  const focused = old.contains(document.activeElement);
  old.replaceWith(card);
  if (focused) $("a", card).focus({ preventScroll: true });
}

function cardOf(job) {
  const frame = el("div", { class: "frame" });
  const ready = job.status === "succeeded" && job.image_url;
  frame.append(ready ? pictureOf(job, frame) : stateOf(job));
  const detail = job.request.model ?? job.request.mode;
  const link = el(
    "a",
    { href: `#jobs/${job.job_id}` },
    frame,
    el("span", { class: "caption", dir: "auto", text: titleOf(job) }),
    el("span", { class: "detail", text: `${detail} · ${job.request.aspect_ratio ?? "enlarged"}` }),
  );
  const card = el("li", { class: job.status }, link);
  card.dataset.made = job.created_at;
  return card;
}

function pictureOf(job, frame) {
  // the caption below says what it is
  const image = el("img", { src: pictureAt(job.image_url), alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => frame.replaceChildren(el("span", { class: "state", text: "no longer kept" })));
  return image;
}

function stateOf(job) {
  const gone = job.status === "succeeded" ? "no longer kept" : statusWord[job.status];
  return el("span", { class: "state", text: gone });
}
