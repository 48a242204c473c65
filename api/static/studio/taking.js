// The pictures that the form holds: dropped anywhere on the page, pasted, chosen, or one that was made here.

import { Fault } from "./api.js";
import { $, say, told } from "./dom.js";
import * as faults from "./faults.js";
import * as fields from "./fields.js";
import { fromFile, fromJob, sizeOf } from "./picture.js";

const HINT = $("#image-hint").textContent;
let pictures = [];
// What was still being read when others came is nobody's.
let turn = 0;

export const held = () => pictures;

export function start() {
  $("#image").addEventListener("change", ({ target }) => {
    take([...target.files]);
    target.value = ""; // the same file may be chosen again
  });
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
    take([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    // a text that was copied from a document may come with its picture
    if (!types.includes("text/plain")) take([...files]);
  });
}

function take(files) {
  if (files.length) hold(files.map((file) => () => fromFile(file, files.length > 1 ? `${file.name}: ` : "")));
}

export const takeFrom = (job) => hold([() => fromJob(job)]);

// One after the other: a hundred decoded at once would not fit into memory.
async function hold(getters) {
  const mine = (turn += 1);
  faults.clear();
  fields.choose("upscale");
  put([]); // nobody orders the earlier ones in place of those that are still being read
  const found = [];
  try {
    if (getters.length > told.most_jobs) throw new Error(`At most ${told.most_jobs} pictures are taken at once.`);
    $("#image-hint").textContent = "Reading…";
    for (const get of getters) {
      found.push(await get());
      if (mine !== turn) return found.forEach(release);
    }
    put(found);
  } catch (error) {
    found.forEach(release);
    if (mine !== turn) return;
    put([]);
    faults.show(new Fault(400, { errors: [{ field: "image", error: error.message }] }));
  }
}

function put(next) {
  pictures.forEach(release);
  pictures = next;
  const preview = $("#preview");
  preview.hidden = !next.length;
  if (next.length) preview.src = next[0].shown;
  else preview.removeAttribute("src");
  $("#image-hint").textContent = next.length ? wordOf(next) : HINT;
  fields.several(next.length);
  if (next.length) say(`Taken: ${wordOf(next)}`);
}

function wordOf([first, ...others]) {
  if (!others.length) return `${sizeOf(first)} pixels. ${first.note}`.trim();
  const made = [first, ...others].filter(({ note }) => note).length;
  return `${others.length + 1} pictures, ${made || "none"} of them made fit by your browser. They become one batch.`;
}

function release(picture) {
  if (picture.blob) URL.revokeObjectURL(picture.shown);
}
