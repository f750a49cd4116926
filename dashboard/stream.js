// The host's events as they come. Server-sent events; where those don't get
// through (a proxy that holds them back), the same events are asked for each second.

const types = ['gauges', 'swap', 'strategy', 'fault', 'leak', 'pause', 'mark'];
const patience = 3000; // ms without an event; gauges come four times a second
const lookAgain = 1000; // ms

// Calls `onEvent(type, data)` for each event, `onState` with 'live', 'polling' or 'lost'.
export function follow({ onEvent, onState }) {
  let state = null;
  let heard = performance.now();
  let everHeard = false; // on a stream
  let lastId = '';

  const enter = next => { if (next !== state) onState(state = next); };

  function listen() {
    const source = new EventSource(`api/v1/events?since=${encodeURIComponent(lastId)}`);
    heard = performance.now();
    for (const type of types) {
      source.addEventListener(type, event => {
        heard = performance.now();
        everHeard = true;
        lastId = event.lastEventId;
        enter('live');
        onEvent(type, JSON.parse(event.data));
      });
    }
    // The browser tries again by itself, unless it was told no (a host that drains).
    source.onerror = () => enter('lost');
    const watch = setInterval(() => {
      if (source.readyState === EventSource.CLOSED) {
        clearInterval(watch);
        listen();
      } else if (performance.now() - heard > patience) {
        if (everHeard) return enter('lost');
        clearInterval(watch);
        source.close();
        poll(lastId);
      }
    }, lookAgain);
  }

  async function poll(since) {
    let next = since;
    try {
      const answer = await fetch(`api/v1/events?since=${encodeURIComponent(since)}`,
        { headers: { Accept: 'application/json' } });
      if (!answer.ok) throw new Error(answer.statusText);
      const body = await answer.json();
      next = body.next;
      for (const { event, data } of body.events) onEvent(event, data);
      enter('polling');
    } catch {
      enter('lost');
    }
    setTimeout(poll, lookAgain, next);
  }

  listen();
}
