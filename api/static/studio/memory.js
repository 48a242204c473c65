// What this tab remembers over a reload, and forgets when it is closed.

const PREFIX = "studio.";

export function recall(name, otherwise = null) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise; // no storage in this browser, or not what we wrote
  }
}

export function keep(name, value) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false; // full, or switched off: the page works without
  }
}

export function forgetAll() {
  try {
    for (const name of Object.keys(sessionStorage)) {
      if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
    }
  } catch {
    // there was nothing to forget
  }
}
