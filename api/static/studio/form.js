// The order form: its tabs, and sending it.

import { Fault } from "./api.js";
import { remember } from "./before.js";
import { $, $$, say, showMe, tell } from "./dom.js";
import * as faults from "./faults.js";
import * as fields from "./fields.js";
import { misfit } from "./picture.js";
import { submit } from "./submit.js";
import * as taking from "./taking.js";

const form = $("#order");
const PATH = { generate: "generate_image", upscale: "upscale_image", batch: "batches" };
let sending = false;

export function start(onAccepted) {
  for (const box of $$(".ratio input")) drawRatio(box);
  const tabs = $$("[role=tab]", form);
  for (const button of tabs) button.addEventListener("click", () => turnTo(button));
  $("[role=tablist]", form).addEventListener("keydown", (event) => walk(event, tabs));
  form.addEventListener("input", (event) => (event.target.type === "file" ? null : fields.price()));
  for (const name of ["model", "mode"]) $(`#${name}`).addEventListener("change", fields.show);
  form.addEventListener("submit", (event) => (event.preventDefault(), send(onAccepted)));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) form.requestSubmit();
  });
  for (const button of $$("[data-example]")) button.addEventListener("click", () => begin(button.dataset.example));
  taking.start();
  fields.show();
  $("#send").disabled = false;
}

function begin(prompt) {
  faults.clear();
  fields.choose("generate");
  $("#prompt").value = prompt;
  focus("#prompt");
}

function drawRatio(box) {
  const shape = $("i", box.parentElement);
  const [width, height] = box.value.split(":").map(Number);
  shape.style.aspectRatio = `${width} / ${height}`;
  shape.className = width >= height ? "wide" : "tall";
}

function turnTo(button) {
  faults.clear();
  fields.choose(button.dataset.tab);
}

function walk(event, tabs) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  turnTo(next);
  next.focus();
}

// What the buttons of a finished job do with the form.
export function useAgain(job) {
  faults.clear();
  fields.fill(job);
  focus(job.kind === "generate" ? "#prompt" : "#image");
}

export async function enlarge(job) {
  await taking.takeFrom(job);
  focus("#mode");
}

function focus(selector) {
  showMe(form);
  $(selector).focus({ preventScroll: true });
}

async function send(onAccepted) {
  if (sending) return;
  faults.clear();
  const order = written();
  if (order.wrong) return faults.show(new Fault(400, { errors: [order.wrong] }));
  busy(true);
  try {
    const again = () => [say, tell].forEach((telling) => telling("The service did not answer. Trying again."));
    const thing = await submit(order.path, order.body, order.print, again);
    const jobs = thing.jobs ?? [thing];
    for (const [index, picture] of order.pictures.entries()) await remember(jobs[index].job_id, picture);
    say(thing.job_id ? "Ordered." : `${thing.total} pictures ordered.`);
    onAccepted(thing);
  } catch (fault) {
    tell();
    faults.show(fault);
  } finally {
    busy(false);
  }
}

// `{ path, body, print, pictures }`, or `{ wrong }` where the page knows without asking.
function written() {
  const tab = fields.currentTab();
  const given = fields.read();
  if (tab === "upscale") return enlargement(given, taking.held());
  if (tab === "generate") return { path: PATH.generate, body: { json: given }, print: JSON.stringify(given), pictures: [] };
  const jobs = fields.lines().map((prompt) => ({ prompt }));
  if (!jobs.length) return { wrong: { field: "jobs", error: "Write one prompt on each line." } };
  const json = { jobs, defaults: given };
  return { path: PATH.batch, body: { json }, print: JSON.stringify(json), pictures: [] };
}

function enlargement(given, pictures) {
  if (!pictures.length) return { wrong: { field: "image", error: "Image file is required" } };
  const unfit = pictures.map((picture) => misfit(picture, fields.variant().input));
  const index = unfit.findIndex(Boolean);
  const which = pictures.length > 1 ? { index } : {};
  if (index >= 0) return { wrong: { field: "image", error: unfit[index], ...which } };
  const print = [JSON.stringify(given), ...pictures.map(({ id }) => id)].join(" ");
  const path = pictures.length > 1 ? PATH.batch : PATH.upscale;
  if (pictures[0].own) return { path, body: { json: { ...given, image_url: pictures[0].own } }, print, pictures };
  const body = new FormData();
  for (const [name, value] of Object.entries(given)) body.append(name, value);
  for (const { blob } of pictures) body.append("image", blob, "picture");
  return { path, body: { form: body }, print, pictures };
}

function busy(now) {
  sending = now;
  const button = $("#send");
  // not `disabled`: that takes the focus away from whoever pressed it by the keyboard
  button.setAttribute("aria-disabled", String(now));
  button.classList.toggle("busy", now);
}
