// The order form: its tabs, its picture, and sending it.

import { Fault } from "./api.js";
import { remember } from "./before.js";
import { $, $$, say, showMe } from "./dom.js";
import * as faults from "./faults.js";
import * as fields from "./fields.js";
import { fromFile, fromJob, misfit, sizeOf } from "./picture.js";
import { submit } from "./submit.js";

const form = $("#order");
const HINT = $("#image-hint").textContent;
const PATH = { generate: "generate_image", upscale: "upscale_image", batch: "batches" };
let picture = null;
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
  takePictures();
  fields.show();
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

// Pictures come from the file button, by dropping anywhere on the page, and from the clipboard.
function takePictures() {
  $("#image").addEventListener("change", (event) => event.target.files[0] && take(event.target.files[0]));
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    // a text that was copied from a document may come with its picture
    if (files[0] && !types.includes("text/plain")) take(files[0]);
  });
}

const take = (file) => hold(() => fromFile(file));

async function hold(get) {
  faults.clear();
  fields.choose("upscale");
  try {
    put(await get());
  } catch (error) {
    put(null);
    faults.show(new Fault(400, { errors: [{ field: "image", error: error.message }] }));
  }
}

function put(next) {
  if (picture?.blob) URL.revokeObjectURL(picture.shown);
  picture = next;
  const preview = $("#preview");
  preview.hidden = !next;
  if (next) preview.src = next.shown;
  else preview.removeAttribute("src");
  $("#image-hint").textContent = next ? `${sizeOf(next)} pixels. ${next.note}`.trim() : HINT;
  if (next) say(`The picture is here: ${$("#image-hint").textContent}`);
}

// What the buttons of a finished job do with the form.
export function useAgain(job) {
  faults.clear();
  fields.fill(job);
  focus(job.kind === "generate" ? "#prompt" : "#image");
}

export async function enlarge(job) {
  await hold(() => fromJob(job));
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
    const again = () => say("The service did not answer. Trying again.");
    const thing = await submit(order.path, order.body, order.print, again);
    if (order.picture) await remember(thing.job_id, order.picture);
    say(thing.job_id ? "Ordered." : `${thing.total} pictures ordered.`);
    onAccepted(thing);
  } catch (fault) {
    faults.show(fault);
  } finally {
    busy(false);
  }
}

// `{ path, body, print, picture }`, or `{ wrong }` where the page knows without asking.
function written() {
  const tab = fields.currentTab();
  const given = fields.read();
  const print = JSON.stringify(given);
  const order = { path: PATH[tab], body: { json: given }, print };
  if (tab === "generate") return order;
  if (tab === "batch") {
    const jobs = fields.lines().map((prompt) => ({ prompt }));
    if (!jobs.length) return { wrong: { field: "jobs", error: "Write one prompt on each line." } };
    const json = { jobs, defaults: given };
    return { ...order, body: { json }, print: JSON.stringify(json) };
  }
  if (!picture) return { wrong: { field: "image", error: "Image file is required" } };
  const unfit = misfit(picture, fields.variant().input);
  if (unfit) return { wrong: { field: "image", error: unfit } };
  if (picture.own) return { ...order, body: { json: { ...given, image_url: picture.own } }, print: print + picture.id, picture };
  const body = new FormData();
  for (const [name, value] of Object.entries(given)) body.append(name, value);
  body.append("image", picture.blob, "picture");
  return { ...order, body: { form: body }, print: print + picture.id, picture };
}

function busy(now) {
  sending = now;
  const button = $("#send");
  // not `disabled`: that takes the focus away from whoever pressed it by the keyboard
  button.setAttribute("aria-disabled", String(now));
  button.classList.toggle("busy", now);
}
