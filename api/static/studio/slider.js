// Before and after in one frame; the line between them is a range, so the keyboard moves it too.

import { el } from "./dom.js";

export function slider(before, after, alt, { width, height }) {
  const under = el("img", { class: "after", src: after, alt, width, height });
  const over = el("img", { class: "before", src: before, alt: "" });
  const range = el("input", {
    type: "range",
    min: 0,
    max: 100,
    step: 1,
    value: 50,
    "aria-label": "How much of the picture is shown as it was before",
  });
  const frame = el(
    "div",
    { class: "compare" },
    under,
    over,
    el("span", { class: "tag left", text: "before", "aria-hidden": "true" }),
    el("span", { class: "tag right", text: "after", "aria-hidden": "true" }),
    el("span", { class: "line", "aria-hidden": "true" }),
    range,
  );
  const move = () => {
    frame.style.setProperty("--cut", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value} % before`);
  };
  range.addEventListener("input", move);
  frame.style.aspectRatio = `${width} / ${height}`;
  move();
  return frame;
}
