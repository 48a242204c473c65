// Which jobs are not over yet, and how the page learns of each change.
//
// A stream for each job would freeze the page at the sixth (turns.js). So a tab holds one stream at most, of
// what stands on the stage, and none while nobody sees it; every other open job is asked for by one list
// every few seconds.

import { call } from "./api.js";
import { pause, tell } from "./dom.js";
import { keep, recall } from "./memory.js";
import { events } from "./stream.js";
import { inTurn } from "./turns.js";

const POLL_MS = 4_000;
const UNSEEN_MS = 12_000;
const PAGE = 24;
const MOST_REMEMBERED = 200;
const MOST_SINGLE = 3;

export const idOf = (thing) => thing.job_id ?? thing.batch_id;
export const pathOf = (id, kind) => `${kind}/${id}`;
const kindOf = (thing) => (thing.job_id ? "jobs" : "batches");

const open = new Map(recall("open", []));
const latest = new Map();
let front = null;
let onChange = () => {};
let onPage = () => {};
let polling = false;

export function start(listeners) {
  ({ onChange, onPage } = listeners);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return stream();
    close();
    if (open.size && !polling) poll();
  });
  if (open.size) poll();
}

// Something was submitted, or read: what is not over is followed until it is. Tells whether it is news: an
// answer that was slow on its way does not undo what a later one has told.
export function note(thing) {
  const id = idOf(thing);
  if (thing.revision < latest.get(id)) return false;
  latest.set(id, thing.revision);
  if (thing.finished_at) open.delete(id);
  else open.set(id, kindOf(thing));
  keep("open", [...open].slice(-MOST_REMEMBERED));
  if (open.size && !polling) poll();
  return true;
}

export const openThings = () => [...open];

// Puts the one stream on a job or a batch; null takes it away.
export function watch(thing) {
  const id = thing && idOf(thing);
  if (front?.id === id) return;
  close();
  front = thing && !thing.finished_at ? { id, kind: kindOf(thing), revision: null, bad: 0, waits: true, live: null } : null;
  stream();
  if (front && !polling) poll();
}

function close() {
  front?.stop?.abort();
  if (front) front.stop = null;
}

function deliver(thing) {
  tell();
  if (!note(thing)) return;
  if (front?.id === idOf(thing)) front.waits = thing.status === "queued" && kindOf(thing) === "jobs";
  onChange(thing);
}

async function stream() {
  const mine = front;
  if (!mine || mine.stop || document.hidden) return;
  const { signal } = (mine.stop = new AbortController());
  await inTurn(async () => {
    mine.live = signal;
    await follow(mine, signal);
    if (mine.live === signal) mine.live = null;
  }, signal);
}

async function follow(mine, signal) {
  while (front === mine && !signal.aborted) {
    try {
      const over = await once(mine, signal);
      if (over) return;
    } catch (fault) {
      if (signal.aborted || front !== mine) return;
      if (fault.status === 404 || fault.status === 401) return lose(mine.id);
      if (fault.status === 0) tell(fault.message);
      mine.bad += 1;
      await pause(Math.max(1000 * Math.min(mine.bad, 8), (fault.retryAfter ?? 0) * 1000), signal);
    }
  }
}

// Once through a stream or, where streams don't come through, one long question; tells whether it is over.
async function once(mine, signal) {
  const path = pathOf(mine.id, mine.kind);
  if (mine.bad >= 2) {
    const thing = await call("GET", `${path}?wait=20`, { signal });
    deliver(thing);
    return Boolean(thing.finished_at);
  }
  for await (const { id, data } of events(`${path}/events`, mine.revision, signal)) {
    Object.assign(mine, { revision: id, bad: 0 });
    deliver(data);
    if (data.finished_at) return true;
  }
  mine.bad += 1; // cut off: the server was stopped, or nothing came
  await pause(1000, signal);
  return false;
}

function lose(id) {
  if (front?.id === id) watch(null);
  open.delete(id);
  keep("open", [...open]);
}

async function poll() {
  polling = true;
  while (others().length || front?.waits) {
    await pause(document.hidden ? UNSEEN_MS : POLL_MS);
    try {
      await round();
    } catch (fault) {
      if (fault.status === 0) tell(fault.message);
      if (fault.status === 401) break;
      await pause((fault.retryAfter ?? 2) * 1000);
    }
  }
  polling = false;
}

const streams = (id) => front?.id === id && front.live && front.bad < 2;
const others = () => [...open].filter(([id]) => !streams(id) || document.hidden);

async function round() {
  // a job's place in the queue changes without a change of the job, which its stream would tell
  if (front?.waits && !document.hidden) await single(front.id, front.kind);
  if (!others().length) return;
  const page = await call("GET", `jobs?limit=${PAGE}`);
  const seen = new Set(page.jobs.map(idOf));
  // of what waits on the stage more is known: lists tell no places in the queue
  const listed = page.jobs.filter(({ job_id: id }) => !streams(id) && (document.hidden || !front?.waits || id !== front.id));
  for (const job of listed) if (open.has(job.job_id)) deliver(job);
  onPage(listed);
  const left = others().filter(([id, kind]) => !seen.has(id) || kind === "batches");
  for (const [id, kind] of left.slice(0, MOST_SINGLE)) await single(id, kind);
}

async function single(id, kind) {
  try {
    deliver(await call("GET", pathOf(id, kind)));
    // its turn is over: the others of a long list come next
    if (open.delete(id)) open.set(id, kind);
  } catch (fault) {
    if (fault.status === 404) lose(id);
    else throw fault;
  }
}
