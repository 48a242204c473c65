// A picture to enlarge: dropped, pasted, chosen, or one of the service's own; made fit before it is sent.

import { nameOf, pictureAt } from "./api.js";
import { told } from "./dom.js";
import { randomName } from "./submit.js";

const TAKEN = ["image/png", "image/jpeg", "image/webp"];

// `{ blob | own, width, height, shown, note, id }`: `own` is an address of the service's own; `shown` is
// what an <img> can show; `note` is what was done to it; `id` tells it from any other.
export async function fromFile(file, name = "") {
  let decoded;
  try {
    decoded = await createImageBitmap(file);
  } catch {
    throw new Error(`${name}This is no picture that the browser can read.`);
  }
  const before = { width: decoded.width, height: decoded.height };
  const fits = Math.max(before.width, before.height) <= told.most_side;
  if (fits && TAKEN.includes(file.type) && file.size <= told.most_bytes) return finished(file, before, "");
  const { blob, ...size } = await redrawn(decoded, told.most_side);
  return finished(blob, size, wordOf(before, size, file.type));
}

export async function fromJob(job) {
  const { width, height } = job.image;
  const shown = pictureAt(job.image_url);
  if (Math.max(width, height) <= told.most_side) {
    const own = `/saved_images/${nameOf(job.image_url)}`;
    return { own, width, height, shown, note: "", id: own };
  }
  const answer = await fetch(shown).catch(() => null);
  if (!answer?.ok) throw new Error("This picture can't be fetched; it may be no longer kept.");
  return fromFile(await answer.blob());
}

async function finished(blob, size, note) {
  return { blob, ...size, shown: URL.createObjectURL(blob), note, id: await print(blob) };
}

// The same picture chosen again after a reload is the same order; on plain http beyond loopback nothing can tell.
async function print(blob) {
  if (!crypto.subtle) return randomName();
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return [...new Uint8Array(digest)].join("-");
}

async function redrawn(decoded, most) {
  const factor = Math.min(1, most / Math.max(decoded.width, decoded.height));
  const width = Math.max(1, Math.round(decoded.width * factor));
  const height = Math.max(1, Math.round(decoded.height * factor));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(decoded, 0, 0, width, height);
  decoded.close();
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  if (!blob || blob.size > told.most_bytes) throw new Error("This picture can't be made small enough to be sent.");
  return { blob, width, height };
}

function wordOf(before, after, type) {
  if (before.width === after.width) return "It is sent as a PNG, which the service takes.";
  const most = `${told.most_side} × ${told.most_side}`;
  return (
    `It has ${sizeOf(before)} pixels and this service enlarges at most ${most}: a copy that your browser` +
    ` has shrunk to ${sizeOf(after)} is sent, so fine detail is drawn anew.`
  );
}

export const sizeOf = ({ width, height }) => `${width} × ${height}`;

// What is wrong with a picture for a mode, by the limits of the table; "" when nothing is.
export function misfit({ width, height }, limits) {
  const [short, long] = [width, height].sort((a, b) => a - b);
  if (!limits) return "";
  if (short < limits.min_side) return `Each side must have at least ${limits.min_side} pixels; it is ${width} × ${height}.`;
  if (width * height < limits.min_pixels) return `It must have at least ${limits.min_pixels} pixels in all.`;
  if (width * height > limits.max_pixels) return `It must have at most ${limits.max_pixels} pixels in all.`;
  if (limits.max_ratio && long > short * limits.max_ratio) {
    return `Its long side must be at most ${limits.max_ratio} times its short one.`;
  }
  return "";
}

// A small copy that fits into what the tab remembers, for the slider after a reload.
export async function thumbnail(picture) {
  if (picture.own) return picture.own;
  const { blob } = await redrawn(await createImageBitmap(picture.blob), 512);
  const small = await recoded(blob);
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(small);
  });
}

async function recoded(blob) {
  const decoded = await createImageBitmap(blob);
  const canvas = Object.assign(document.createElement("canvas"), { width: decoded.width, height: decoded.height });
  canvas.getContext("2d").drawImage(decoded, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/webp", 0.85));
}
