// A browser opens six connections to a host, for all of its tabs and windows together. So three of them hold
// a stream at most; whoever comes later waits for a place, and asks every few seconds meanwhile.

const PLACES = ["studio.1", "studio.2", "studio.3"];

// Does `act`, which must not fail, once any place is free; gives up when the signal is aborted.
export async function inTurn(act, signal) {
  const { locks } = navigator;
  if (!locks) return act(); // browsers have locks on https and loopback only
  const rest = new AbortController();
  const stop = () => rest.abort();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  let taken = false;
  const take = async () => {
    if (taken) return; // two places were free at once
    taken = true;
    stop();
    await act();
  };
  await Promise.all(PLACES.map((place) => locks.request(place, { signal: rest.signal }, take).catch(() => {})));
  signal.removeEventListener("abort", stop);
}
