// The client key of a service that asks for one: in this tab alone, never in an address.

import { $, say, told } from "./dom.js";
import { forgetAll, keep, recall } from "./memory.js";

const dialog = $("#key-dialog");
const input = $("#key-input");
const button = $("#key-button");
// What a header can carry.
const POSSIBLE = /^[\x21-\x7e]+$/;

let key = recall("key", "");
let asking = null;

export const headers = () => (key ? { Authorization: `Bearer ${key}` } : {});
export const hasKey = () => key !== "";

// Resolves to whether there is a key now that `refused` was not; calls that ask together get one answer.
export function askForKey(refused) {
  if (key && key !== refused) return Promise.resolve(true);
  asking ??= ask(refused).finally(() => (asking = null));
  return asking;
}

export const current = () => key;

function ask(refused) {
  $("#key-fault").textContent = refused ? "The service does not know this key." : "";
  input.value = "";
  dialog.returnValue = "";
  if (!dialog.open) dialog.showModal();
  input.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "use" && key !== ""), { once: true });
  });
}

function take(event) {
  event.preventDefault();
  const given = input.value.trim();
  if (!POSSIBLE.test(given)) {
    $("#key-fault").textContent = given ? "A key has no spaces or special letters." : "Enter a key.";
    input.focus();
    return;
  }
  key = given;
  keep("key", key);
  show();
  dialog.close("use");
  document.dispatchEvent(new Event("studio:signed-in"));
}

function show() {
  button.hidden = !told.keys;
  button.textContent = key ? "Sign out" : "Enter a key";
}

function press() {
  if (!key) return askForKey("");
  key = "";
  forgetAll();
  say("Signed out. The key is forgotten.");
  // nothing of what the key opened may stay on the screen, or in what a script still holds
  location.replace(location.pathname);
}

export function start() {
  show();
  button.addEventListener("click", press);
  $("#key-form").addEventListener("submit", take);
  // going back may show a page as it was left, with a key that has been forgotten since
  window.addEventListener("pageshow", ({ persisted }) => persisted && key !== recall("key", "") && location.reload());
  $("#key-cancel").addEventListener("click", () => dialog.close("not now"));
}
