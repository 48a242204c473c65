// Every call of the service's API, its faults, and the key that it may need.

import { told } from "./dom.js";
import { askForKey, current, headers } from "./key.js";

const AWAY = "The service can't be reached. It may be starting again; what it has accepted goes on.";

// What was answered instead of what was asked for; `status` 0: nothing was.
export class Fault extends Error {
  constructor(status, body = {}, retryAfter = null) {
    super(body.error || (status ? `The service answered ${status}` : AWAY));
    this.status = status;
    this.body = body;
    this.code = body.error_code ?? "";
    this.fields = body.errors ?? [];
    this.retryAfter = retryAfter;
  }

  // Whether what was asked for may have been done all the same.
  get unsure() {
    return this.status === 0 || (this.status >= 500 && this.code !== "not_ready");
  }
}

// Relative to the page, so that a service behind a path of a proxy works too.
export const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI.split("#")[0]).href;

let skew = 0;
// The service's clock, in milliseconds: a browser's own may be wrong by hours.
export const serverNow = () => Date.now() + skew;

export async function raw(method, path, { json, form, more = {}, signal } = {}) {
  for (;;) {
    const shown = current();
    const answer = await ask(method, path, {
      body: form ?? (json && JSON.stringify(json)),
      headers: { ...(json && { "Content-Type": "application/json" }), ...headers(), ...more },
      signal,
    });
    if (answer.ok) return answer;
    const fault = await faultOf(answer);
    if (fault.status !== 401 || !(await askForKey(shown))) throw fault;
  }
}

async function ask(method, path, options) {
  try {
    // a session of another page on this host is none of ours
    const answer = await fetch(address(path), { method, credentials: "same-origin", cache: "no-store", ...options });
    skew = (Date.parse(answer.headers.get("Date")) || Date.now()) - Date.now();
    return answer;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Fault(0);
  }
}

async function faultOf(answer) {
  const seconds = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
  let body = {};
  try {
    body = await answer.json();
  } catch {
    // a proxy's page, or cut short
  }
  return new Fault(answer.status, body, Number.isNaN(seconds) ? null : seconds);
}

export async function call(method, path, options) {
  const answer = await raw(method, path, options);
  try {
    return await answer.json();
  } catch {
    throw new Fault(0); // the connection broke in the middle
  }
}

export const nameOf = (imageUrl) => imageUrl.split("/").pop();
// The service may give out addresses of its public name; the page shows pictures from where it is itself, and
// a download is never sent on to a bucket, which the page's policy would not let it load from.
const how = told.elsewhere ? "?download=1" : "";
export const pictureAt = (imageUrl) => address(`saved_images/${nameOf(imageUrl)}${how}`);
