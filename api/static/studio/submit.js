// Ordering so that one press is paid once: a key for each order, the same when it has to be sent again.

import { call } from "./api.js";
import { pause } from "./dom.js";
import { forget, keep, recall } from "./memory.js";

// A second press within this time means the first one again.
const DOUBLE_MS = 1500;
const PAUSES_MS = [1000, 2000, 4000];

// `print` tells orders apart; `again` is told before each repeat.
export async function submit(path, body, print, again = () => {}) {
  const key = keyFor(`${path} ${print}`);
  for (const rest of [...PAUSES_MS, null]) {
    try {
      const done = await call("POST", path, { ...body, more: { "Idempotency-Key": key } });
      settle();
      return done;
    } catch (fault) {
      if (!fault.unsure && fault.status !== 409) forget("order");
      if (!fault.unsure || rest === null) throw fault;
      again();
      await pause(Math.max(rest, (fault.retryAfter ?? 0) * 1000));
    }
  }
}

function keyFor(print) {
  const last = recall("order");
  const same = last?.print === print && (!last.done || Date.now() - last.done < DOUBLE_MS);
  if (same) return last.key;
  const key = randomName();
  keep("order", { print, key, done: 0 });
  return key;
}

function settle() {
  const last = recall("order");
  if (last) keep("order", { ...last, done: Date.now() });
}

// Not randomUUID(): browsers have that on https and loopback only.
export function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
