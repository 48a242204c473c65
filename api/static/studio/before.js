// What an enlarged picture looked like before, as far as this tab knows: the service keeps no inputs.

import { pictureAt } from "./api.js";
import { keep, recall } from "./memory.js";
import { thumbnail } from "./picture.js";

// A tab may remember some five megabytes, and a copy has some fifty kilobytes.
const MOST = 20;

export async function remember(jobId, picture) {
  const copy = await thumbnail(picture).catch(() => null);
  let kept = recall("before", []).concat([[jobId, copy]]).slice(-MOST);
  while (copy && kept.length && !keep("before", kept)) kept = kept.slice(1);
}

export function before(jobId) {
  const copy = new Map(recall("before", [])).get(jobId);
  return copy?.startsWith("/saved_images/") ? pictureAt(copy) : copy;
}
