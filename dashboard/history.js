// What the page remembers: a row for each `gauges` event, with rates worked out,
// and the moments that are marked on every time axis.

const kept = 5 * 60 * 1000; // ms, up to now, and up to the moment that is held
const rateOver = 950; // ms: rates are of the last second
const gapAfter = 1500; // ms without a row: the lines break
const freshFor = 3000; // ms: an older reading of the server tells nothing of now

export const failureCodes = ['pool_timeout', 'pool_rejected', 'too_many_connections',
  'db_unavailable', 'host_busy', 'draining', 'outcome_unknown', 'query_failed'];

export class History {
  rows = [];
  markers = [];
  held = null; // the page shows this moment while it goes on listening; null: now

  get last() { return this.rows.at(-1); }

  // Answers the row that was made of a `gauges` event. `all`: none is forgotten.
  add(gauges, all = false) {
    const before = this.last;
    // An earlier host counted from its own beginning.
    const restarted = before && gauges.now_ms < before.gauges.now_ms;
    const row = { at: gauges.at_ms, gauges, life: (before?.life ?? 0) + (restarted ? 1 : 0),
      server: gauges.server?.age_ms <= freshFor ? gauges.server : null,
      gap: Boolean(before) && (restarted || gauges.at_ms - before.at > gapAfter) };
    row.rate = this.#rates(row);
    this.rows.push(row);
    if (all) return row;
    const ends = [row.at, this.held].filter(end => end !== null);
    const keeps = ({ at }) => ends.some(end => at <= end && at >= end - kept);
    this.rows = this.rows.filter(keeps);
    this.markers = this.markers.filter(keeps);
    return row;
  }

  // What the page shows: nothing of what came after the moment that is held.
  shown(all) { return this.held === null ? all : all.filter(({ at }) => at <= this.held); }

  mark(at, kind, text) { this.markers.push({ at, kind, text }); }

  #rates(row) {
    let earlier = null;
    for (let i = this.rows.length - 1; i >= 0 && !earlier; --i) {
      if (this.rows[i].life !== row.life) break;
      if (row.at - this.rows[i].at >= rateOver) earlier = this.rows[i];
    }
    if (!earlier) return null;
    const seconds = (row.gauges.now_ms - earlier.gauges.now_ms) / 1000;
    const since = name => (row.gauges.counts[name] - earlier.gauges.counts[name]) / seconds;
    const rate = { failed: 0, asked: since('asked'), opened: since('connects'), closed: since('closed'),
      connectsFailed: since('connects_failed') };
    for (const [code, count] of Object.entries(row.gauges.requests)) {
      rate[code] = (count - earlier.gauges.requests[code]) / seconds;
      if (code !== 'ok') rate.failed += rate[code];
    }
    return rate;
  }
}
