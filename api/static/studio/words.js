// Jobs and batches in words, for people.

import { inCredits, inSeconds, plural, told } from "./dom.js";

const TITLE_LENGTH = 140;

export const statusWord = { queued: "waiting", running: "being made", succeeded: "ready", failed: "failed", canceled: "canceled" };

export function titleOf(thing) {
  if (thing.batch_id && !thing.job_id) return `Batch of ${plural(thing.total, "picture")}`;
  const { prompt } = thing.request;
  if (!prompt) return "Enlarged picture";
  return short(prompt);
}

// By whole signs: half of an emoji is none.
function short(text) {
  const signs = [...text];
  return signs.length > TITLE_LENGTH ? `${signs.slice(0, TITLE_LENGTH).join("")}…` : text;
}

export function altOf(job) {
  if (job.kind === "upscale") return job.request.prompt ? `Enlarged: ${short(job.request.prompt)}` : "The enlarged picture";
  return short(job.request.prompt);
}

// The service's own sentence, without the part that is for programs.
export const lineOf = (thing) => thing.message.replace(/ Ask again in .*$/, "").replace(/;? archive_url has .*$/, "").replace(/\.?$/, ".");

// Seconds from one moment to another, as a clock has it.
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function leftWord(endsAt, now) {
  if (endsAt === null) return "";
  const seconds = Math.ceil((endsAt - now) / 1000);
  return seconds > 0 ? `about ${inSeconds(seconds)} left` : "any moment now";
}

const NAMES = {
  model: "Model",
  mode: "Mode",
  aspect_ratio: "Aspect ratio",
  style_preset: "Style",
  negative_prompt: "Not to be seen",
  creativity: "Creativity",
  output_format: "Format",
};

// `[[name, value], …]`: the settings of a job, and what became of it.
export function factsOf(job) {
  const { request, image } = job;
  const facts = Object.entries(NAMES)
    .filter(([name]) => request[name] !== undefined)
    .map(([name, title]) => [title, String(request[name])]);
  const seed = image?.seed ?? request.seed;
  if (seed) facts.push(["Seed", String(seed)]);
  if (image) facts.push(["Size", `${image.width} × ${image.height}, ${Math.ceil(image.bytes / 1024)} KB`]);
  facts.push(["Price", priceOf(job)]);
  if (job.timings.total_ms) facts.push(["Took", `${(job.timings.total_ms / 1000).toFixed(1)} s`]);
  if (job.expires_at) facts.push(["Kept until", new Date(job.expires_at).toLocaleString()]);
  facts.push(["Made at", new Date(job.created_at).toLocaleString()], ["Job", job.job_id]);
  return facts;
}

function priceOf(job) {
  const sandbox = told.sandbox ? " of the sandbox" : "";
  if (job.credits !== null) return inCredits(job.credits) + sandbox;
  return job.finished_at ? "not known yet" : `${inCredits(job.credits_estimate)}${sandbox}, if it is made`;
}

export function batchLine(batch) {
  const parts = Object.entries(batch.counts).filter(([, number]) => number);
  return parts.map(([status, number]) => `${number} ${statusWord[status]}`).join(", ");
}
