// What can be done with a job or a batch: the buttons that stand below it.

import { address, call, nameOf, raw } from "./api.js";
import { $, el, say } from "./dom.js";
import * as faults from "./faults.js";
import * as form from "./form.js";
import { hasKey } from "./key.js";
import { submit } from "./submit.js";

// `changed` gets a job as it is after a button was pressed, `ordered` a new one.
export function buttonsFor(thing, { changed, ordered }) {
  if (!thing.job_id) return batchButtons(thing, changed);
  if (!thing.finished_at) return [button("Cancel", () => cancel("jobs", thing.job_id, changed))];
  const again = button("Use again", () => form.useAgain(thing));
  const anew = button("Try again", async () => ordered(await submit(`jobs/${thing.job_id}/retry`, {}, "")));
  if (thing.status !== "succeeded") return [anew, again];
  if (!thing.image_url) return [again];
  return [
    download(thing),
    button("Copy URL", () => copy(urlOf(thing))),
    again,
    button("Enlarge this", () => form.enlarge(thing)),
    twice("Delete", "Really delete?", async () => changed(await call("DELETE", `jobs/${thing.job_id}/image`))),
  ];
}

function batchButtons(batch, changed) {
  const buttons = [];
  if (batch.counts.succeeded) buttons.push(button("Download as zip", () => archive(batch.batch_id)));
  if (!batch.finished_at) {
    buttons.push(button("Cancel the rest", () => cancel("batches", batch.batch_id, changed)));
  }
  return buttons;
}

function button(text, act) {
  const made = el("button", { type: "button", class: "plain", text });
  made.addEventListener("click", async () => {
    if (made.getAttribute("aria-disabled") === "true") return;
    made.setAttribute("aria-disabled", "true");
    $("#stage-fault").hidden = true;
    try {
      await act();
    } catch (fault) {
      complain(fault);
    } finally {
      made.removeAttribute("aria-disabled");
    }
  });
  return made;
}

// What can't be undone wants a second press; looking elsewhere takes the first one back.
function twice(text, question, act) {
  const made = button(text, async () => {
    if (made.textContent === text) {
      made.textContent = question;
      made.classList.add("danger");
      say(`${question} Press again.`);
      return;
    }
    await act();
  });
  made.addEventListener("blur", () => {
    made.textContent = text;
    made.classList.remove("danger");
  });
  return made;
}

function complain(fault) {
  const line = $("#stage-fault");
  line.textContent = `${fault.message.replace(/\.$/, "")}. ${faults.adviceOn(fault)}`.trim();
  line.hidden = false;
}

async function cancel(kind, id, changed) {
  try {
    changed(await call("DELETE", `${kind}/${id}`));
  } catch (fault) {
    if (fault.status !== 409) throw fault;
    changed(fault.body); // it had ended: the answer is the job as it is
  }
}

function download(job) {
  const name = nameOf(job.image_url);
  return el("a", { class: "plain button", href: address(`saved_images/${name}?download=1`), download: name, text: "Download" });
}

const urlOf = (job) => (job.image_url.startsWith("/") ? address(job.image_url) : job.image_url);

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    oldCopy(text); // there is no clipboard on plain http beyond loopback
  }
  say("The URL is copied.");
  const line = $("#stage-note");
  line.textContent = `Copied: ${text}`;
  line.hidden = false;
}

function oldCopy(text) {
  const box = el("textarea", { value: text, class: "unseen" });
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

// A link can carry no key: with one, the zip goes through the page's memory.
async function archive(id) {
  const path = `batches/${id}/archive`;
  if (!hasKey()) return save(path, "");
  const blob = await (await raw("GET", path)).blob();
  const url = URL.createObjectURL(blob);
  save(url, `batch-${id}.zip`);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function save(href, name) {
  const link = el("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}
