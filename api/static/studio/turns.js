// A browser opens six connections to a host, for all of its tabs and windows together. So three of them hold
// a stream at most; whoever comes later waits for a place, and asks every few seconds meanwhile.

const PLACES = ["studio.1", "studio.2", "studio.3"];

// Does `act`, which must not fail, once a place is free; gives up when the signal is aborted.
export async function inTurn(act, signal) {
  const { locks } = navigator;
  if (!locks) return act(); // browsers have locks on https and loopback only
  for (const place of PLACES) {
    if (await locks.request(place, { ifAvailable: true }, async (lock) => lock && (await act(), true))) return;
  }
  const any = PLACES[Math.floor(Math.random() * PLACES.length)];
  await locks.request(any, { signal }, act).catch(() => {}); // aborted
}
