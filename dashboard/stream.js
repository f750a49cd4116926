// The host's events as they come. Server-sent events; where those don't get
// through (a proxy that holds them back), the same events are asked for each second.

const types = ['gauges', 'swap', 'strategy', 'fault', 'leak', 'pause', 'mark'];
const patience = 3000; // ms without an event; gauges come four times a second
const lookAgain = 1000; // ms
const fullAnswer = 100; // events: more may be there
// A stream may have been silent because the machine was busy: it is tried again, ever more rarely.
const firstRetry = 15_000, longestRetry = 300_000; // ms of asking

async function ask(since) {
  const answer = await fetch(`api/v1/events?since=${encodeURIComponent(since)}`,
    { headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(patience) });
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

// Calls `onEvent(type, data)` for each event, `onState` with 'live', 'polling' or 'lost'.
export function follow({ onEvent, onState }) {
  let state = null;
  let lastId = '';
  let retryAfter = firstRetry, pollsSince = 0;

  const enter = next => { if (next !== state) onState(state = next); };

  function listen() {
    const source = new EventSource(`api/v1/events?since=${encodeURIComponent(lastId)}`);
    let heard = performance.now();
    let everHeard = false;
    let asking = false;
    for (const type of types) {
      source.addEventListener(type, event => {
        heard = performance.now();
        everHeard = true;
        lastId = event.lastEventId;
        enter('live');
        onEvent(type, JSON.parse(event.data));
      });
    }
    source.onopen = () => { heard = performance.now(); };
    // The browser tries again by itself, unless it was told no (a host that drains, a proxy
    // that takes no streams).
    source.onerror = () => enter('lost');
    const silent = () => performance.now() - heard > patience;

    // Silent, though open: the host is gone, or somebody between holds its events back, be
    // it from the first on or after what filled his buffer. Who answers when asked is there.
    async function heldBack() {
      if (!everHeard) return true;
      if (source.readyState !== EventSource.OPEN) return false;
      asking = true;
      const answers = await ask(lastId).then(({ events }) => events.length > 0, () => false);
      asking = false;
      return answers && silent(); // a viewer that slept hears of it meanwhile
    }

    const watch = setInterval(async () => {
      if (source.readyState === EventSource.CLOSED) {
        clearInterval(watch);
        poll();
      } else if (silent() && !asking) {
        if (await heldBack()) {
          clearInterval(watch);
          source.close();
          poll();
        } else if (silent()) {
          enter('lost');
        }
      }
    }, lookAgain);
  }

  async function poll(wasLost = false) {
    let lost = false;
    try {
      let events;
      do {
        let next;
        ({ events, next } = await ask(lastId));
        for (const { event, data } of events) onEvent(event, data);
        lastId = next;
      } while (events.length >= fullAnswer);
      if (wasLost) return listen(); // back: whether events get through is found out anew
      if (state !== 'polling') pollsSince = performance.now();
      enter('polling');
      if (performance.now() - pollsSince > retryAfter) {
        retryAfter = Math.min(2 * retryAfter, longestRetry);
        pollsSince = performance.now();
        return listen();
      }
    } catch {
      enter('lost');
      lost = true;
    }
    setTimeout(poll, lookAgain, lost);
  }

  listen();
}
