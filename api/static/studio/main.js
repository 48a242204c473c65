// The studio: puts its parts together. A job that is looked at stands in the address (#jobs/…), so that
// reloading, going back and a bookmark work; a job's id opens nothing to who has no key.

import { call } from "./api.js";
import { $, say, showMe, tell, told } from "./dom.js";
import { adviceOn } from "./faults.js";
import * as form from "./form.js";
import * as gallery from "./gallery.js";
import * as key from "./key.js";
import * as stage from "./stage.js";
import * as watch from "./watch.js";
import { statusWord, titleOf } from "./words.js";

const TITLE = document.title;
const ADDRESS = /^#(jobs|batches)\/([0-9a-zA-Z-]+)$/;

let seen = false;

// Something new was ordered: it takes the stage.
function ordered(thing) {
  tell();
  watch.note(thing);
  put(thing);
  location.hash = watch.pathOf(watch.idOf(thing), thing.job_id ? "jobs" : "batches");
  if (thing.job_id) gallery.put(thing);
  else quietly(gallery.refresh());
  showMe($("#stage"));
}

function changed(thing) {
  if (thing.job_id) gallery.put(thing);
  else for (const part of thing.jobs) gallery.patch(part);
  const now = stage.current();
  if (now && watch.idOf(now) === watch.idOf(thing)) stage.show(thing);
  else if (thing.finished_at) say(`${titleOf(thing)}: ${statusWord[thing.status] ?? thing.status}`);
  if (thing.finished_at && document.hidden) document.title = `● ${TITLE}`;
}

function put(thing) {
  stage.show(thing);
  watch.watch(thing);
}

async function follow(event) {
  const [, kind, id] = ADDRESS.exec(location.hash) ?? [];
  const now = stage.current();
  if (!id || (now && watch.idOf(now) === id)) return;
  try {
    const thing = await call("GET", `${kind}/${id}`);
    if (ADDRESS.exec(location.hash)?.[2] !== id) return; // something else was chosen meanwhile
    tell();
    watch.note(thing);
    put(thing);
    showMe($("#stage"));
    if (event) $("#stage-title").focus({ preventScroll: true });
  } catch (fault) {
    if (ADDRESS.exec(location.hash)?.[2] !== id) return;
    tell(fault.status === 404 ? "This job is not known here any more." : trouble(fault));
  }
}

const trouble = (fault) => `${fault.message.replace(/\.$/, "")}. ${adviceOn(fault)}`;

function quietly(work) {
  return work.catch((fault) => tell(trouble(fault)));
}

// Somebody looks again.
function look() {
  if (document.hidden) return;
  document.title = TITLE;
  if (seen) quietly(gallery.renew());
}

async function open() {
  await quietly(gallery.refresh());
  await follow();
  seen = true;
  // after a reload what this tab has ordered comes back, the latest first
  const [last] = watch.openThings().slice(-1);
  if (!stage.current() && last) location.hash = watch.pathOf(last[0], last[1]);
}

key.start();
form.start(ordered);
stage.start({ changed: (thing) => watch.note(thing) && changed(thing), ordered });
gallery.start(quietly);
watch.start({ onChange: changed, onPage: (jobs) => jobs.forEach(gallery.put) });
window.addEventListener("hashchange", follow);
document.addEventListener("visibilitychange", look);
document.addEventListener("studio:signed-in", open);
if (told.keys && !key.hasKey()) key.askForKey("");
else open();
$("#late").remove();
