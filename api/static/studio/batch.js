// A batch on the stage: how far it is, and its pictures as they come.

import { pictureAt } from "./api.js";
import { $, el } from "./dom.js";
import { batchLine, statusWord } from "./words.js";

export function grid() {
  return el(
    "div",
    { class: "batch" },
    el("label", { class: "unseen", htmlFor: "batch-progress", text: "Share of the jobs that have ended" }),
    el("progress", { id: "batch-progress", max: 1, value: 0 }),
    el("p", { class: "hint" }),
    el("ol", {}),
  );
}

// A tile is made anew only when its job has changed: a hundred of them are told five times a second.
grid.update = (box, batch) => {
  $("progress", box).value = batch.progress;
  $("p", box).textContent = batchLine(batch);
  const list = $("ol", box);
  batch.jobs.forEach((job, index) => {
    const key = `${job.status} ${job.image_url}`;
    const old = list.children[index];
    if (old?.dataset.key === key) return;
    const made = tile(job, index + 1);
    made.dataset.key = key;
    if (old) old.replaceWith(made);
    else list.append(made);
  });
};

function tile(job, number) {
  const ready = job.status === "succeeded" && job.image_url;
  const what = ready
    ? el("img", { src: pictureAt(job.image_url), alt: `Picture ${number}`, loading: "lazy", decoding: "async" })
    : el("span", { class: "state", text: `${number}: ${statusWord[job.status]}`, title: job.error ?? "" });
  return el("li", { class: job.status }, el("a", { href: `#jobs/${job.job_id}` }, what));
}
