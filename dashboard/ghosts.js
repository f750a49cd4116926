// The ghost of the previous load: its lines are drawn faintly under those of the next load of the
// same profile, from the moment on at which that begins. In memory, as this page saw it.

const longest = 5 * 60 * 1000; // ms
const worthIt = 8; // looks: two seconds

export class Ghosts {
  #before = new Map(); // by profile
  #current = null;
  shown = null; // { since, name, strategy, rows: [{ after, row }] }, until the next load begins

  begin(at, name) {
    this.end();
    const before = this.#before.get(name);
    this.shown = before ? { ...before, since: at } : null;
    this.#current = { name, since: at, strategy: '', rows: [] };
  }

  add(row) {
    const load = this.#current;
    if (!load || row.at < load.since || row.at - load.since > longest) return;
    load.rows.push({ after: row.at - load.since, row });
    load.strategy = row.gauges.strategy;
  }

  end() {
    if (this.#current?.rows.length >= worthIt) this.#before.set(this.#current.name, this.#current);
    this.#current = null;
  }
}
