// The job or batch that is looked at: where it stands, its picture, its settings, what can be done with it.

import { buttonsFor } from "./actions.js";
import { pictureAt, serverNow } from "./api.js";
import { before } from "./before.js";
import { $, el, say } from "./dom.js";
import { slider } from "./slider.js";
import { batchLine, altOf, clock, factsOf, leftWord, lineOf, statusWord, titleOf } from "./words.js";
import { grid } from "./batch.js";
import { idOf } from "./watch.js";

let shown = null;
let drawn = {};
let endsAt = null;
let doing = {};

export function start(act) {
  doing = act;
  setInterval(tick, 1000);
}

export const current = () => shown;

export function show(thing) {
  const other = !shown || idOf(shown) !== idOf(thing);
  if (other) [drawn, endsAt] = [{}, null];
  const before = shown;
  shown = thing;
  if (thing.eta_seconds != null) endsAt = Date.now() + thing.eta_seconds * 1000;
  $("#examples").hidden = true;
  $("#stage-title").textContent = titleOf(thing);
  $("#stage-line").textContent = lineOf(thing);
  $("#stage").dataset.status = thing.status;
  if (other) for (const id of ["#stage-fault", "#stage-note"]) $(id).hidden = true;
  draw("picture", pictureKey(thing), () => [thing.job_id ? picture(thing) : grid()]);
  if (!thing.job_id) grid.update($("#stage-picture").firstChild, thing);
  draw("actions", actionsKey(thing), () => buttonsFor(thing, doing));
  draw("facts", JSON.stringify(thing.job_id ? factsOf(thing) : thing.counts), () => facts(thing));
  if (!other && before.status !== thing.status) say(changed(thing));
  tick();
}

// Only what has changed is made anew, so that the focus and a slider stay where they are.
function draw(part, key, make) {
  if (drawn[part] === key) return;
  drawn[part] = key;
  const box = $(`#stage-${part}`);
  const hadFocus = box.contains(document.activeElement);
  box.replaceChildren(...make());
  if (hadFocus) $("#stage-title").focus({ preventScroll: true });
}

const pictureKey = (thing) => (thing.job_id ? `${thing.status} ${thing.image_url} ${before(thing.job_id) ? 1 : 0}` : "batch");
const actionsKey = (thing) =>
  thing.job_id ? `${thing.status} ${thing.image_url}` : `${Boolean(thing.finished_at)} ${thing.counts.succeeded > 0}`;

function picture(job) {
  if (job.status === "succeeded" && job.image_url) return finished(job);
  if (job.finished_at) return el("p", { class: "nothing", text: job.status === "succeeded" ? lineOf(job) : "No picture" });
  const box = el("div", { class: "waiting" });
  box.style.aspectRatio = (job.request.aspect_ratio ?? "1:1").replace(":", " / ");
  return box;
}

function finished(job) {
  const source = pictureAt(job.image_url);
  const was = job.kind === "upscale" && before(job.job_id);
  if (was) return slider(was, source, altOf(job), job.image);
  const { width, height } = job.image;
  const image = el("img", { class: "made", src: source, alt: altOf(job), width, height });
  image.addEventListener("error", () => image.replaceWith(el("p", { class: "nothing", text: "The picture can't be loaded." })));
  return image;
}

function facts(thing) {
  const rows = thing.job_id ? factsOf(thing) : [["Jobs", batchLine(thing)], ["Price so far", `${thing.credits} of ${thing.credits_estimate} credits`]];
  return rows.map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: value })));
}

function changed(thing) {
  if (!thing.job_id) return thing.finished_at ? lineOf(thing) : "";
  return thing.status === "running" ? "The picture is being made." : lineOf(thing);
}

function tick() {
  const line = $("#stage-clock");
  const open = shown && !shown.finished_at;
  line.hidden = !open;
  if (!open) return;
  const now = Date.now();
  const since = clock(serverNow() - Date.parse(shown.created_at));
  const place = shown.queue_position ? `number ${shown.queue_position} in the queue` : statusWord[shown.status];
  line.textContent = [place, since, leftWord(endsAt, now)].filter(Boolean).join(" · ");
}
