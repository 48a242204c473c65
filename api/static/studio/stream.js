// Server-Sent Events read with fetch: an EventSource can't send a key.

import { raw } from "./api.js";

// The state comes at once, then a sign of life every 15 s; a proxy that collects answers brings neither.
const FIRST_MS = 8_000;
const SILENCE_MS = 40_000;

// Yields `{ id, data }`, data being the job or batch; ends when the stream does.
export async function* events(path, lastId, signal) {
  const ours = new AbortController();
  const stop = () => ours.abort();
  signal.addEventListener("abort", stop, { once: true });
  let timer = setTimeout(stop, FIRST_MS);
  try {
    const more = lastId ? { "Last-Event-ID": String(lastId) } : {};
    const answer = await raw("GET", path, { more, signal: ours.signal });
    if (answer.status === 204) return;
    for await (const text of pieces(answer.body)) {
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE_MS);
      const event = parsed(text);
      if (event) yield event;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    ours.abort();
  }
}

async function* pieces(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    const parts = held.split("\n\n");
    held = parts.pop();
    yield* parts;
  }
}

function parsed(text) {
  const lines = text.split("\n");
  const field = (name) =>
    lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
  const data = field("data").join("\n");
  return data ? { id: field("id")[0], data: JSON.parse(data) } : null;
}
