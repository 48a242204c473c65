// The first module: when one of the others does not come, the page says so instead of lying there dead.

import("./main.js").catch((error) => {
  const line = document.getElementById("trouble");
  line.textContent = "The page did not load whole. Reload it.";
  line.hidden = false;
  throw error;
});
