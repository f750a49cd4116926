// The charts, in the order in which one finds a cause: what users get, why they
// are turned away, what the pool does, who waits, where the time goes, how near
// PostgreSQL is to its ceiling, what it is at, and how connections come and go.
// Lines differ by dash as well as by colour.
/* global Dygraph */
import { failureCodes } from './history.js';

const longest = 2 * 60 * 1000, shortest = 10 * 1000, young = 30 * 1000; // ms that are shown
const remembered = 1.1 * longest;

const solid = [], dashed = [7, 4], dotted = [2, 3], mixed = [9, 3, 2, 3];
const round = value => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)).replace(/\.0+$/, '');

// `bound`: a limit, which must not flatten the other lines: it is drawn where it fits.
// `ghost`: of this line the previous load's is drawn too.
const charts = [
  { id: 'rate', title: 'Requests a second', series: [
    { name: 'asked for', of: r => r.rate?.asked, colour: 7, dash: mixed },
    { name: 'ok', of: r => r.rate?.ok, colour: 3, dash: solid, ghost: true },
    { name: 'failed', of: r => r.rate?.failed, colour: 2, dash: dashed },
  ] },
  { id: 'failures', title: 'Failures a second, by cause', quiet: 'none', series:
    failureCodes.map((code, i) => ({ name: code, of: r => r.rate?.[code],
      colour: [2, 4, 1, 8, 5, 7, 6, 3][i], dash: [solid, dashed, dotted, mixed][i % 4], onlyWhenSeen: true })) },
  { id: 'pool', title: 'Connections of the pool', series: [
    { name: 'in use', of: r => r.gauges.in_use, colour: 1, dash: solid, ghost: true },
    { name: 'idle', of: r => r.gauges.idle, colour: 3, dash: dotted },
    { name: 'connecting', of: r => r.gauges.connecting, colour: 5, dash: mixed },
    { name: 'may be in use', of: r => r.gauges.plan.max_in_use, colour: 7, dash: dashed, bound: true },
  ] },
  { id: 'waiting', title: 'Requests that wait for a connection', series: [
    { name: 'waiting', of: r => r.gauges.waiting, colour: 2, dash: solid, ghost: true },
  ] },
  { id: 'times', title: 'Where the time goes, in milliseconds', series: [
    { name: 'wait p50', of: r => r.gauges.wait_ms.p50, colour: 2, dash: dotted },
    { name: 'wait p99', of: r => r.gauges.wait_ms.p99, colour: 2, dash: solid, ghost: true },
    { name: 'hold p50', of: r => r.gauges.hold_ms.p50, colour: 1, dash: dotted },
    { name: 'hold p99', of: r => r.gauges.hold_ms.p99, colour: 1, dash: mixed },
    { name: 'wait limit', of: r => r.gauges.plan.wait_timeout_ms, colour: 7, dash: dashed, bound: true },
  ] },
  { id: 'server', title: 'PostgreSQL’s connections', series: [
    { name: 'all', of: r => r.server?.total, colour: 1, dash: solid, ghost: true },
    { name: 'of others', of: r => r.server?.others, colour: 4, dash: dotted },
    { name: 'for ordinary users', of: r => r.server && r.server.max_connections - r.server.reserved,
      colour: 5, dash: dashed },
    { name: 'max_connections', of: r => r.server?.max_connections, colour: 7, dash: mixed },
  ] },
  { id: 'work', title: 'What PostgreSQL’s connections do', series: [
    { name: 'at work', of: r => r.server?.active, colour: 1, dash: solid, ghost: true },
    { name: 'waiting for a lock', of: r => r.server?.waiting_for_locks, colour: 2, dash: dashed },
    { name: 'processors in use', of: r => r.server?.cores, colour: 5, dash: dotted },
  ] },
  { id: 'churn', title: 'Connections that come and go, a second', series: [
    { name: 'opened', of: r => r.rate?.opened, colour: 3, dash: solid },
    { name: 'closed', of: r => r.rate?.closed, colour: 4, dash: dotted },
    { name: 'failed to open', of: r => r.rate?.connectsFailed, colour: 2, dash: dashed },
  ] },
];

// On a chart that has the focus, the moment that is looked at moves by samples or by time.
const far = 10_000; // ms
const steps = {
  ArrowLeft: (moments, now) => moments.findLast(at => at < now),
  ArrowRight: (moments, now) => moments.find(at => at > now),
  'Shift+ArrowLeft': (moments, now) => moments.findLast(at => at <= now - far) ?? moments[0],
  'Shift+ArrowRight': (moments, now) => moments.find(at => at >= now + far) ?? moments.at(-1),
  Home: moments => moments[0],
  End: moments => moments.at(-1),
};

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const svg = (name, attributes) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};

class Chart {
  #what; #plot; #graph; #values; #points = []; #hovered = null; #seen; #moment;
  onHover = () => {};
  onZoom = () => {}; // from, to; nothing: all of it again

  constructor(what, history, view, parent) {
    this.#what = what;
    this.history = history;
    this.view = view;
    const figure = document.createElement('figure');
    figure.id = `chart-${what.id}`;
    const title = document.createElement('h2');
    title.textContent = what.title;
    this.#plot = document.createElement('div');
    this.#plot.className = 'chart';
    // Time is what slides: a screen reader is told the figures of the moment that is chosen.
    this.#plot.tabIndex = 0;
    this.#plot.setAttribute('role', 'slider');
    this.#plot.setAttribute('aria-label', `${what.title}, over time`);
    this.#set('valuemin', 0);
    this.#set('valuemax', 0);
    this.#tellMoment();
    this.#plot.addEventListener('keydown', event => this.#pressed(event));
    // The next chart shows, and tells, the same moment.
    this.#plot.addEventListener('blur', ({ relatedTarget: to }) => to?.classList.contains('chart') || this.onHover(null));
    const key = document.createElement('ul');
    key.className = 'key';
    this.#values = what.series.map(series => this.#keyFor(series, key));
    figure.append(title, this.#plot, key);
    this.#moment = document.createElement('li');
    this.#moment.className = 'moment';
    key.prepend(this.#moment);
    if (what.quiet) {
      this.none = document.createElement('li');
      this.none.textContent = what.quiet;
      key.append(this.none);
    }
    this.ghost = document.createElement('li');
    this.ghost.className = 'ghost';
    this.ghost.hidden = true;
    key.append(this.ghost);
    parent.append(figure);
    this.#seen = what.series.map(series => !series.onlyWhenSeen);
  }

  #keyFor(series, key) {
    const item = document.createElement('li');
    const sample = svg('svg', { width: 26, height: 8, 'aria-hidden': true });
    sample.append(svg('line', { x1: 0, y1: 4, x2: 26, y2: 4, stroke: `var(--c${series.colour})`,
      'stroke-width': 2.5, 'stroke-dasharray': series.dash.join(' ') }));
    const value = document.createElement('b');
    item.append(sample, `${series.name} `, value);
    item.hidden = Boolean(series.onlyWhenSeen);
    key.append(item);
    return { item, value };
  }

  add(row) {
    if (row.gap) this.#points.push(Object.assign([new Date(row.at - 1), ...this.#what.series.map(() => null)], { gap: true }));
    this.#points.push([new Date(row.at), ...this.#what.series.map(series => series.of(row) ?? null)]);
    if (!this.view.whole) this.#forget(row.at);
  }

  // Held still, what led to that moment can be looked at as long as one likes, and what led to
  // now once the page goes on. What lies between is not needed.
  #forget(now) {
    const { held } = this.history;
    const count = at => {
      const place = this.#points.findIndex(one => one[0] >= at);
      return place < 0 ? this.#points.length : place;
    };
    if (held === null) return void this.#points.splice(0, count(now - remembered));
    const after = count(held + 1), old = count(now - remembered);
    if (old > after) this.#points.splice(after, old - after);
  }

  draw() {
    const end = this.history.held ?? this.history.last.at;
    const [from, to] = this.#span();
    const options = { file: this.#points, dateWindow: [from, to], valueRange: this.#range(from, to) };
    const ghost = this.view.ghosts?.shown;
    this.ghost.hidden = !ghost || !this.#what.series.some(one => one.ghost);
    if (ghost) this.ghost.textContent = `faint: the ${ghost.name} before, on ${ghost.strategy || 'the built-in plan'}`;
    this.#set('valuemin', Math.round((from - to) / 1000));
    this.#showSeen(end);
    if (this.#hovered !== null && (this.#hovered < from || this.#hovered > to)) {
      this.#hovered = null; // it has left the picture
      this.#tellMoment();
    }
    this.#showKey();
    if (this.#graph) this.#graph.updateOptions(options);
    else this.#create(options);
    this.#select();
  }

  // The times between which it shows what was.
  #span() {
    const end = this.history.held ?? this.history.last.at, first = this.#points[0][0].getTime();
    // A page that has just been opened has not seen the last two minutes.
    const begin = this.view.whole ? first : Math.max(end - this.view.length, Math.min(first, end - young));
    return this.view.window ?? [begin, end];
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.#graph) return;
    const leaves = event.key === 'Escape' && this.#hovered !== null;
    const step = steps[(event.shiftKey ? 'Shift+' : '') + event.key];
    if (!leaves && !step) return;
    event.preventDefault(); // End would scroll the page
    const [from, to] = this.#span();
    const moments = this.#points.filter(one => !one.gap && one[0] >= from && one[0] <= to).map(one => one[0].getTime());
    this.onHover(leaves ? null : step(moments, this.#hovered ?? moments.at(-1)) ?? this.#hovered ?? moments.at(-1));
  }

  // In another colour scheme, say.
  recreate() {
    this.#graph?.destroy();
    this.#graph = null;
    if (this.#points.length) this.draw();
  }

  resize() {
    this.#graph?.resize();
    this.#select();
  }

  // Each new picture comes without it.
  #select() {
    const place = this.#hovered === null ? null : this.#graph?.getRowForX(this.#hovered) ?? null;
    if (place !== null) this.#graph.setSelection(place);
  }

  #create(options) {
    const { series } = this.#what;
    this.#graph = new Dygraph(this.#plot, options.file, {
      ...options,
      labels: ['time', ...series.map(one => one.name)],
      colors: series.map(one => colour(`--c${one.colour}`)),
      series: Object.fromEntries(series.map(one => [one.name, { strokePattern: one.dash.length ? one.dash : null }])),
      visibility: this.#seen,
      strokeWidth: 2, legend: 'never', axisLabelFontSize: 12, highlightCircleSize: 4, xRangePad: 0,
      axisLineColor: colour('--line'), gridLineColor: colour('--grid'),
      axes: { x: { pixelsPerLabel: 70 }, y: { axisLabelWidth: 44, pixelsPerLabel: 28 } },
      interactionModel: this.#interaction(),
      animatedZooms: false,
      zoomCallback: (from, to) => this.onZoom(from, to),
      underlayCallback: (canvas, area, graph) => {
        this.#drawGhost(canvas, graph);
        this.#drawMarkers(canvas, area, graph);
      },
      highlightCallback: (event, x) => this.onHover(x),
      unhighlightCallback: () => this.onHover(null),
    });
  }

  // Drawn over with the mouse, a stretch of time is looked at on all charts. Nothing else: a
  // finger scrolls the page, and no key makes it a move of one chart alone.
  #interaction() {
    const { mousedown } = Dygraph.defaultInteractionModel;
    return {
      willDestroyContextMyself: true, // mousedown follows the mouse to its end, outside the chart too
      mousedown: (event, graph, context) => {
        if (!event.altKey && !event.shiftKey) mousedown(event, graph, context);
      },
      dblclick: () => this.onZoom(),
    };
  }

  // The figures of that moment, here and on all others.
  hover(x) {
    if (x === this.#hovered || !this.#graph) return;
    this.#hovered = x;
    this.#graph.clearSelection();
    this.#select();
    this.#showKey();
    this.#tellMoment();
  }

  // Once, as it is chosen: of what changes four times a second one would hear nothing else.
  #tellMoment() {
    const point = this.#hovered === null ? null : this.#pointAt(this.#hovered);
    if (!point) {
      this.#set('valuenow', 0);
      this.#set('valuetext', 'no moment is chosen; arrow keys choose one');
      return;
    }
    const told = this.#what.series.flatMap((series, i) =>
      (this.#seen[i] ? `${series.name} ${point[i + 1] === null ? 'unknown' : round(point[i + 1])}` : [])).join(', ');
    this.#set('valuenow', Math.round((this.#hovered - this.#span()[1]) / 1000));
    this.#set('valuetext', `at ${point[0].toLocaleTimeString()}: ${told || this.#what.quiet}`);
  }

  #set(name, value) { this.#plot.setAttribute(`aria-${name}`, value); }

  #pointAt(x) { return this.#points.find(one => one[0].getTime() === x); }

  // From 0 to a little above the highest line; a bound is taken in where it is near.
  #range(from, to) {
    const shown = this.#points.filter(([at]) => at >= from && at <= to);
    const highest = bound => Math.max(0, ...this.#what.series.flatMap((series, i) =>
      Boolean(series.bound) === bound ? shown.map(point => point[i + 1] ?? 0) : []));
    const top = Math.max(highest(false), 1);
    const bound = highest(true);
    return [0, 1.12 * (bound <= 3 * top ? Math.max(top, bound) : top)];
  }

  // The figures of the moment that is pointed at, else of the one that is held, else the newest.
  #showKey() {
    const { held } = this.history;
    const point = this.#pointAt(this.#hovered)
      ?? (held === null ? null : this.#points.findLast(one => one[0] <= held)) ?? this.#points.at(-1);
    // Always there: what came and went with the mouse would move the chart from under it.
    this.#moment.textContent = `at ${point[0].toLocaleTimeString()}`;
    this.#values.forEach(({ value }, i) => { value.textContent = point[i + 1] === null ? '–' : round(point[i + 1]); });
  }

  // Of some series a line is shown only where there is one, up to the end of the picture.
  #showSeen(end) {
    let anySeen = false;
    this.#what.series.forEach((series, i) => {
      if (!series.onlyWhenSeen) return;
      const { item } = this.#values[i];
      const seen = this.#points.some(one => one[i + 1] > 0 && one[0] <= end);
      anySeen ||= seen;
      if (seen === this.#seen[i]) return;
      item.hidden = !seen;
      this.#seen[i] = seen;
      this.#graph?.setVisibility(i, seen);
    });
    if (this.none) this.none.hidden = anySeen;
  }

  // What the load before this one looked like, from the same moment on.
  #drawGhost(canvas, graph) {
    const ghost = this.view.ghosts?.shown;
    if (!ghost) return;
    canvas.save();
    canvas.globalAlpha = 0.35;
    canvas.lineWidth = 4;
    for (const series of this.#what.series.filter(one => one.ghost)) {
      canvas.strokeStyle = colour(`--c${series.colour}`);
      canvas.beginPath();
      let drawn = false;
      for (const { after, row } of ghost.rows) {
        const value = series.of(row);
        if (value === null || value === undefined) {
          drawn = false;
          continue;
        }
        const x = graph.toDomXCoord(ghost.since + after), y = graph.toDomYCoord(value);
        if (drawn) canvas.lineTo(x, y);
        else canvas.moveTo(x, y);
        drawn = true;
      }
      canvas.stroke();
    }
    canvas.restore();
  }

  // A line for each moment, its words along it. Swaps are named before marks, where
  // there is room for one of them only. No line is drawn through words.
  #drawMarkers(canvas, area, graph) {
    const [from, to] = graph.xAxisRange();
    const shown = this.history.markers.filter(({ at }) => at >= from && at <= to);
    const named = [];
    canvas.save();
    canvas.font = '11px system-ui, sans-serif';
    canvas.strokeStyle = canvas.fillStyle = colour('--mark');
    canvas.textAlign = 'right';
    for (const wanted of ['swap', 'alarm', 'mark']) {
      for (const { at, kind, text } of shown.filter(marker => marker.kind === wanted)) {
        const x = Math.round(graph.toDomXCoord(at)) + 0.5;
        canvas.lineWidth = kind === 'alarm' ? 3 : 1;
        canvas.setLineDash(kind === 'mark' ? [2, 3] : []);
        canvas.beginPath();
        canvas.moveTo(x, area.y);
        canvas.lineTo(x, area.y + area.h);
        canvas.stroke();
        if (!named.some(other => Math.abs(other.x - x) < 13)) named.push({ x, text });
      }
    }
    canvas.setLineDash([]);
    canvas.strokeStyle = colour('--card');
    canvas.lineWidth = 4;
    canvas.lineJoin = 'round';
    for (const { x, text } of named) {
      canvas.save();
      canvas.translate(x, area.y + 2);
      canvas.rotate(-Math.PI / 2);
      const beside = x + 13 > area.x + area.w ? -4 : 11;
      canvas.strokeText(text, 0, beside, area.h - 4);
      canvas.fillText(text, 0, beside, area.h - 4);
      canvas.restore();
    }
    canvas.restore();
  }
}

// All charts, kept up to date from `history`. `ghosts`: of earlier loads, if there are any.
// `whole`: nothing is ever forgotten, and all is shown. `onZoom`: told of the stretch of time that
// is looked at, and of its end (null).
export function makeCharts(history, parent, { ghosts = null, onZoom = () => {}, whole = false } = {}) {
  const view = { length: longest, window: null, ghosts, whole };
  const all = charts.map(what => new Chart(what, history, view, parent));
  const each = what => all.forEach(what);
  const draw = () => each(chart => chart.draw());
  for (const chart of all) {
    chart.onHover = x => each(one => one.hover(x));
    chart.onZoom = (from, to) => {
      view.window = from === undefined ? null : [from, to];
      onZoom(view.window);
      draw();
    };
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => each(chart => chart.recreate()));
  addEventListener('resize', () => each(chart => chart.resize()));
  return {
    draw,
    add: row => each(chart => chart.add(row)),
    get window() { return view.window; },
    // A shorter time, or a longer one, that ends now, or where the page is held. Answers its length in ms.
    stretch(factor) {
      const zoomed = view.window !== null;
      view.window = null;
      if (zoomed) onZoom(null);
      view.length = Math.min(longest, Math.max(shortest, view.length * factor));
      draw();
      return view.length;
    },
  };
}
