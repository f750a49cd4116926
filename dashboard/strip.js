// What is going on, in words: the host's diagnosis, and the load that is said to run. Its sign
// and its words say what its colour does.

const $ = id => document.getElementById(id);
const signs = { idle: '·', well: '✓', unclear: '…' }; // of the others: !
const names = {
  idle: 'Quiet', well: 'All well', unclear: 'Looking why', small_pool: 'The pool is too small',
  database_busy: 'The database is busy', ceiling: 'PostgreSQL is full', contention: 'Contention',
  frozen: 'The database is frozen', database_away: 'The database is away', leak: 'A leak',
  spike: 'A spike', paused: 'Paused',
};
// Two figures; all have failed only where none went well.
const percent = (part, all) => {
  const share = 100 * part / all;
  return share < 10 ? share.toPrecision(2) : String(Math.min(Math.round(share), part < all ? 99 : 100));
};
const missed = 1500; // ms of a load before the first row that is known: then `so far` would be wrong
const whole = value => (value === null || value === undefined ? '–' : Math.round(value));

export class Strip {
  // { name, since, phase } as marked; null: none runs. `before`: the row that its requests are
  // counted from.
  #load = null;
  #cause = null;
  #verdict = ''; // of the last check

  constructor(ghosts) { this.ghosts = ghosts; }

  // `load` marks its beginning and its end, whoever runs it. `last`: the row before the mark,
  // if there is any: what was asked before the next picture belongs to the load already.
  mark(at, text, last) {
    const begun = /^load: (.+)$/.exec(text);
    if (begun) {
      this.#load = { name: begun[1], since: at, phase: '', before: last };
      this.ghosts.begin(at, begun[1]);
    } else if (text === 'load ends') {
      this.#load = null;
      this.ghosts.end();
    } else if (this.#load && /^(stage \d|stages over|measured )/.test(text)) {
      this.#load.phase = text;
    } else if (text.startsWith('check, ')) {
      this.#verdict = text;
    }
  }

  // A page that has just been opened may hear of a load before any row.
  add(row) {
    if (this.#load) this.#load.before ??= row;
  }

  // No load runs, whatever was marked: one that was killed could not mark its end.
  none() {
    if (!this.#load) return;
    this.#load = null;
    this.ghosts.end();
  }

  // Of all requests since the load began, or as far back as this page knows of any. A host that
  // was started anew counts from 0: nobody knows how the old one's last requests ended, so of this
  // load nothing more is said.
  #soFar({ at, life, gauges: { requests } }) {
    const first = this.#load?.before;
    if (!first || first.life !== life) return '';
    const before = first.gauges.requests;
    const since = Object.entries(requests).map(([code, count]) => [code, count - before[code]]);
    const all = since.reduce((sum, [, count]) => sum + count, 0);
    const [worst, most] = since.filter(([code]) => code !== 'ok').reduce((a, b) => (b[1] > a[1] ? b : a));
    const failed = all - (requests.ok - before.ok);
    const told = first.at - this.#load.since > missed ? `in the last ${Math.round((at - first.at) / 1000)} s` : 'so far';
    return all === 0 ? '' : `${told} ${failed === 0 ? `✓ none of ${all} failed`
      : `✗ ${percent(failed, all)} % of ${all} failed${most > 0 ? `, mostly ${worst}` : ''}`}`;
  }

  show(row) {
    const { at, gauges, rate } = row;
    const { cause, text } = gauges.diagnosis;
    const name = names[cause] ?? cause;
    $('diagnosis').dataset.cause = cause;
    $('sign').textContent = signs[cause] ?? '!';
    $('cause').textContent = name;
    $('finding').textContent = text;
    // Figures change four times a second; who listens is told of a cause once.
    if (cause !== this.#cause) $('said').textContent = `${name}. ${text}`;
    this.#cause = cause;
    const flow = rate ? `${whole(rate.asked)} a second asked for a connection, ${whole(rate.ok)} went well` : '';
    const load = this.#load ? `Load ${this.#load.name}, for ${Math.max(0, Math.round((at - this.#load.since) / 1000))} s` : 'No load is marked';
    $('load').textContent = [load, this.#load?.phase, this.#soFar(row), flow, this.#verdict].filter(Boolean).join(' · ');
  }
}
