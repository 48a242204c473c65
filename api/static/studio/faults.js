// What went wrong with an order, told beside the fields that it is about, and what to do about it.

import { $, $$, el, inSeconds } from "./dom.js";

const field = (name) => $(`#order [data-field="${CSS.escape(name)}"]`);
const control = (box) => $("textarea, select, input", box);

export function clear() {
  for (const line of $$("#order .fault")) {
    const input = control(line.parentElement);
    input.removeAttribute("aria-invalid");
    const rest = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== line.id);
    if (rest.length) input.setAttribute("aria-describedby", rest.join(" "));
    else input.removeAttribute("aria-describedby");
    line.remove();
  }
  $("#refused").hidden = true;
  $("#refused").replaceChildren();
}

// Tells every fault; the first field that has one gets the focus.
export function show(fault) {
  clear();
  const lines = fault.fields?.length ? fault.fields.map(placed).filter(Boolean) : [fault.message];
  const advice = fault.fields?.length ? "" : adviceOn(fault);
  const first = $('#order [aria-invalid="true"]');
  if (lines.length || advice) {
    const box = $("#refused");
    box.append(...[...lines, advice].filter(Boolean).map((text) => el("p", { text })));
    box.hidden = false;
  }
  if (first) first.closest("details")?.setAttribute("open", "");
  first?.focus();
}

// Puts a complaint beside its field; returns the words when the form has no such field to see.
function placed({ field: name, error, index }) {
  const lines = !field("jobs").hidden;
  const text = index === undefined ? error : `${lines ? "Line" : "Picture"} ${index + 1}: ${error}`;
  const where = index !== undefined && lines ? "jobs" : name.replace(/^image_url$/, "image");
  const box = field(where);
  if (!box || box.hidden) return text;
  mark(box, text);
  return null;
}

function mark(box, text) {
  const input = control(box);
  const id = `${box.dataset.field}-fault`;
  const line = $(".fault", box);
  if (line) {
    line.append(el("br"), text);
    return;
  }
  box.append(el("p", { class: "fault", id, text }));
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") ?? ""} ${id}`.trim());
}

export function adviceOn(fault) {
  const later = fault.retryAfter ? `in ${inSeconds(fault.retryAfter)}` : "in a while";
  const known = {
    401: "Enter a client key to go on.",
    402: "Nothing was ordered. The budget starts again at midnight UTC, or its operator can raise it.",
    413: "Send something smaller.",
    429: `Nothing was ordered. Try again ${later}.`,
    503: `Try again ${later}: the same order is not paid twice.`,
  };
  if (fault.status === 0) return "Press again when it is back: the same order is not paid twice.";
  return known[fault.status] ?? (fault.body?.request_id ? `For its operator: request ${fault.body.request_id}.` : "");
}
