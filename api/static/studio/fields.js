// The form's fields: which of them a choice takes, what it costs, what they hold. All of it comes from the
// table of operations that the page was sent with.

import { $, $$, inCredits, plural, told } from "./dom.js";

const form = $("#order");
const IN_TAB = { generate: ["prompt", "model"], upscale: ["image", "prompt", "mode"], batch: ["jobs", "model"] };
const DOES = { generate: "Make", upscale: "Enlarge", batch: "Make all" };
let tab = "generate";
let held = 1;

export const currentTab = () => tab;
const kind = () => (tab === "upscale" ? "upscale" : "generate");
const selector = () => (tab === "upscale" ? $("#mode") : $("#model"));
export const variant = () => told.kinds[kind()][selector().value];

export const lines = () => $("#jobs").value.split("\n").map((line) => line.trim()).filter(Boolean);

export function choose(name) {
  tab = name;
  for (const button of $$("[role=tab]", form)) {
    const chosen = button.dataset.tab === name;
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
  $("#panel").setAttribute("aria-labelledby", `tab-${name}`);
  show();
}

// Shows what the chosen variant takes, and its price.
export function show() {
  const { fields } = variant();
  for (const box of $$("[data-field]", form)) {
    const name = box.dataset.field;
    const own = IN_TAB[tab].includes(name) && (name !== "prompt" || "prompt" in fields);
    const special = ["prompt", "jobs", "image", "model", "mode"].includes(name);
    box.hidden = special ? !own : !(name in fields);
  }
  const { minimum, maximum } = fields.creativity ?? {};
  if (maximum) $("#creativity").placeholder = `${minimum} – ${maximum}`;
  $("#send-what").textContent = tab === "upscale" && held > 1 ? `${DOES[tab]} ${held}` : DOES[tab];
  price();
}

// How many pictures are held to be enlarged; none yet has the price of one.
export function several(number) {
  held = Math.max(1, number);
  show();
}

export function price() {
  const number = { generate: 1, upscale: held, batch: lines().length }[tab];
  const all = variant().credits * number;
  $("#price").textContent = number ? `· ${inCredits(all)}` : "";
  const most = told.most_jobs;
  $("#jobs-count").textContent =
    number > most ? `${number} prompts; a batch takes at most ${most}.` : `${plural(number, "picture")} of at most ${most}.`;
  $("#price-word").textContent = told.sandbox
    ? "Sandbox credits: no money."
    : "Charged when the picture is made; nothing for what fails before.";
}

const valueOf = (name) =>
  name === "aspect_ratio" ? $("input[name=aspect_ratio]:checked", form).value : $(`#${name}`).value.trim();

// What is to be sent, by name; a number is one where it can be read as one, so that the service says what is wrong.
export function read() {
  const { fields } = variant();
  const given = { [selector().id]: selector().value };
  for (const [name, rule] of Object.entries(fields)) {
    const value = name === "prompt" && tab === "batch" ? "" : valueOf(name);
    if (value === "" || value === rule.default) continue;
    given[name] = "minimum" in rule && !Number.isNaN(Number(value)) ? Number(value) : value;
  }
  return given;
}

// Fills the form with what an earlier job was asked for.
export function fill(job) {
  choose(job.kind);
  const { request } = job;
  if (request[selector().id]) selector().value = request[selector().id];
  show();
  for (const [name, rule] of Object.entries(variant().fields)) {
    const value = String(request[name] ?? rule.default ?? "");
    if (name !== "aspect_ratio") $(`#${name}`).value = value;
    else for (const box of $$("input[name=aspect_ratio]", form)) box.checked = box.value === value;
  }
  $("#more").open = ["negative_prompt", "seed", "creativity"].some((name) => request[name] !== undefined);
  price();
}
