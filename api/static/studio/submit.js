// Ordering so that one press is paid once: a key for each order, the same when it has to be sent again.

import { call } from "./api.js";
import { pause } from "./dom.js";
import { keep, recall } from "./memory.js";

// A second press within this time means the first one again.
const DOUBLE_MS = 1500;
const MOST_REMEMBERED = 10;
const PAUSES_MS = [1000, 2000, 4000];

// `print` tells orders apart; `again` is told before each repeat.
export async function submit(path, body, print, again = () => {}) {
  const key = keyFor(`${path} ${print}`);
  for (const rest of [...PAUSES_MS, null]) {
    try {
      const done = await call("POST", path, { ...body, more: { "Idempotency-Key": key } });
      settle(key, Date.now());
      return done;
    } catch (fault) {
      if (!fault.unsure && fault.status !== 409) settle(key, 0);
      if (!fault.unsure || rest === null) throw fault;
      again();
      await pause(Math.max(rest, (fault.retryAfter ?? 0) * 1000));
    }
  }
}

// An order whose outcome nobody told keeps its key, also over a reload and other orders.
function keyFor(print) {
  const orders = recall("orders", []);
  const same = orders.find((order) => order.print === print && (order.done === null || Date.now() - order.done < DOUBLE_MS));
  if (same) return same.key;
  const key = randomName();
  let kept = [...orders, { print, key, done: null }].slice(-MOST_REMEMBERED);
  while (kept.length && !keep("orders", kept)) kept = kept.slice(1); // a hundred long prompts may fill the storage
  return key;
}

function settle(key, done) {
  const orders = recall("orders", []).map((order) => (order.key === key ? { ...order, done } : order));
  keep("orders", orders);
}

// Not randomUUID(): browsers have that on https and loopback only.
export function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
