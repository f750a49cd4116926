// Puts the page together: events come in, the history remembers them, the rest shows.
import { makeCharts } from './charts.js';
import { onLoadEnded, onNoLoad, refreshErrands } from './errands.js';
import { save } from './export.js';
import { Ghosts } from './ghosts.js';
import { failureCodes, History } from './history.js';
import { refreshPath } from './path.js';
import { refreshStrategies } from './strategies.js';
import { follow } from './stream.js';
import { Strip } from './strip.js';

const $ = id => document.getElementById(id);
const history = new History();
const ghosts = new Ghosts();
const charts = makeCharts(history, $('charts'), { ghosts, onZoom: window => still.zoomed(window !== null) });
const strip = new Strip(ghosts);

const pair = (name, value, small, alarm) => {
  const box = document.createElement('div');
  if (alarm) box.className = 'alarm';
  const dt = document.createElement('dt'), dd = document.createElement('dd');
  dt.textContent = name;
  dd.textContent = value;
  if (small !== undefined) {
    const note = document.createElement('small');
    note.textContent = small;
    dd.append(note);
  }
  box.append(dt, dd);
  return box;
};
const whole = value => (value === undefined || value === null ? '–' : Math.round(value).toString());
const ms = value => (value === null ? '–' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`);

function showTiles({ gauges, server, rate }) {
  const worst = rate && failureCodes.reduce((a, b) => (rate[b] > rate[a] ? b : a));
  const { diagnosis: { needed }, plan } = gauges;
  const unread = gauges.server ? `has not answered for ${Math.round(gauges.server.age_ms / 1000)} s` : 'not read yet';
  const room = server && server.max_connections - server.reserved;
  $('tiles').replaceChildren(
    pair('In use', `${gauges.in_use} of ${gauges.plan.max_in_use}`, `${gauges.idle} idle, ${gauges.connecting} connecting`),
    pair('Needed', needed === null ? '–' : needed.toFixed(1),
      needed === null ? (gauges.in_use > 0 ? 'nothing has come back yet' : 'nobody asks') : `by Little’s law; the plan gives ${plan.max_in_use}`, needed > plan.max_in_use),
    pair('Waiting', gauges.waiting, gauges.waiting ? `the oldest for ${ms(gauges.oldest_wait_ms)}` : 'nobody', gauges.waiting > 0),
    pair('OK a second', whole(rate?.ok), ''),
    pair('Failed a second', whole(rate?.failed), rate?.failed > 0 ? worst : 'none', rate?.failed > 0),
    pair('Wait p99', ms(gauges.wait_ms.p99), `limit ${ms(gauges.plan.wait_timeout_ms)}`),
    pair('Hold p99', ms(gauges.hold_ms.p99), ''),
    pair('PostgreSQL', server ? `${server.total} of ${server.max_connections}` : '–',
      server ? `connections; ${server.others} of others; ${server.cores === null ? '' : `${server.cores.toFixed(1)} processors busy`}` : unread,
      server && server.total >= room));
}

const planRows = [
  ['may be in use at once', p => p.max_in_use], ['may be open', p => p.max_open], ['kept ready', p => p.min_idle],
  ['connects at once', p => p.max_connecting], ['may wait', p => p.max_waiting],
  ['wait limit', p => ms(p.wait_timeout_ms)], ['served first', p => (p.order === 'fifo' ? 'who came first' : 'who came last')],
  ['idle ones close after', p => ms(p.idle_timeout_ms)], ['looks again within', p => ms(p.next_look_ms)],
];
function showPlan(plan) {
  $('plan').replaceChildren(...planRows.flatMap(([name, of]) => {
    const dt = document.createElement('dt'), dd = document.createElement('dd');
    dt.textContent = name;
    dd.textContent = of(plan);
    return [dt, dd];
  }));
}

function showNow() {
  const row = history.last;
  const { gauges } = row;
  strip.show(row);
  showTiles(row);
  showPlan(gauges.plan);
  $('strategy').textContent = gauges.strategy || 'the plan compiled into the host';
  $('explain').textContent = gauges.explain;
  const problems = [gauges.paused && 'the pool is paused: scripts/lab resume', gauges.strategy_problem, gauges.settings_problem,
    gauges.database_problem && `the database: ${gauges.database_problem}`].filter(Boolean);
  $('problem').hidden = problems.length === 0;
  $('problem').textContent = problems.join(' · ');
  document.body.dataset.strategy = gauges.strategy;
}

function drawNow() {
  showNow();
  charts.draw();
}

function happened(at, kind, text, mark = text) {
  history.mark(at, kind, mark);
  const item = document.createElement('li'), when = document.createElement('time');
  const moment = new Date(at);
  when.dateTime = moment.toISOString();
  when.textContent = moment.toLocaleTimeString();
  item.append(when, ` ${text}`);
  $('happened').prepend(item);
  while ($('happened').children.length > 100) $('happened').lastChild.remove();
}

const settings = params => Object.entries(params).map(([name, value]) => `${name}=${value}`).join(' ');
const tell = {
  swap: e => happened(e.at_ms, 'swap', `${e.from || 'built-in plan'} → ${e.to} ${settings(e.params)}${e.problem ? `; it starts afresh: ${e.problem}` : ''}`, `→ ${e.to}`),
  strategy: e => (e.what === 'contained'
    ? happened(e.at_ms, 'alarm', `! ${e.name} was stopped: ${e.problem}`, `! ${e.name} stopped`)
    : happened(e.at_ms, 'swap', `${e.name}: ${settings(e.params)}`, settings(e.params))),
  fault: e => happened(e.at_ms, 'alarm', `! ${e.what}${e.detail ? `: ${e.detail}` : ''}`, `! ${e.what}`),
  leak: e => (e.what === 'reclaimed'
    ? happened(e.at_ms, 'mark', `${e.count} leaked connections were reclaimed`, 'reclaimed')
    : happened(e.at_ms, 'alarm', `! a leak? ${e.route} has held a connection for ${Math.round(e.held_ms / 1000)} s (backend ${e.backend_pid})`, '! a leak?')),
  pause: e => (e.paused
    ? happened(e.at_ms, 'alarm', '! the pool is paused: scripts/lab resume lets it go on', '! paused')
    : happened(e.at_ms, 'mark', 'the pool goes on', 'resumed')),
  mark: e => {
    strip.mark(e.at_ms, e.text, history.last);
    refreshErrands();
    happened(e.at_ms, e.text.startsWith('check, ') ? 'swap' : 'mark', e.text);
  },
};

// Held still, the page shows one moment, and goes on listening.
const still = {
  holds: false, forZoom: false,
  toggle() {
    const held = this.holds;
    if (charts.window) charts.stretch(1);
    this.set(!held);
  },
  // A stretch of time that is looked at would run away: the page holds still for as long, unless
  // it did before.
  zoomed(is) {
    const begins = is && !this.holds;
    if (begins || (!is && this.forZoom)) this.set(is);
    this.forZoom ||= begins;
  },
  set(holds) {
    if (holds === this.holds) return;
    this.holds = holds;
    this.forZoom = false;
    // The newest moment, which may not be drawn yet.
    history.held = holds && history.last ? history.last.at : null;
    if (history.last) drawNow();
    $('pause').setAttribute('aria-pressed', String(this.holds));
    document.body.toggleAttribute('data-paused', this.holds);
    this.tell();
  },
  tell() {
    const behind = history.held !== null ? Math.round((history.last.at - history.held) / 1000) : 0;
    $('pause').textContent = this.holds ? `Go on (${behind} s behind)` : 'Hold still';
  },
};
$('pause').addEventListener('click', () => still.toggle());
const saveThis = () => save(history, history.shown([...$('happened').children].map(item =>
  ({ at: Date.parse(item.firstChild.dateTime), text: item.textContent }))).map(one => one.text))
  .catch(() => { $('said').textContent = 'The host did not answer: the page is not saved.'; });
$('save').addEventListener('click', saveThis);
function stretch(factor) {
  if (!history.last) return;
  const shown = charts.stretch(factor);
  $('said').textContent = `The last ${Math.round(shown / 1000)} seconds are shown`;
}
$('shorter').addEventListener('click', () => stretch(1 / 2));
$('longer').addEventListener('click', () => stretch(2));

const keys = { ' ': () => still.toggle(), '+': () => stretch(1 / 2), '-': () => stretch(2), e: saveThis };
addEventListener('keydown', event => {
  const key = keys[event.key];
  if (!key || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('button, input, select, summary, a')) return;
  event.preventDefault();
  key();
});

onLoadEnded(refreshPath);
onNoLoad(() => strip.none());

// Who comes back to the page may have built a strategy meanwhile.
addEventListener('focus', () => {
  listWanted = true;
  refreshErrands();
  refreshPath();
  drawSoon();
});

// Many events may come at once (the last minutes, when the page opens): drawn once.
let wanted = false, listWanted = true;
function drawSoon() {
  if (wanted) return;
  wanted = true;
  setTimeout(() => {
    wanted = false;
    if (history.last && !still.holds) drawNow();
    still.tell();
    if (listWanted) {
      listWanted = false;
      refreshStrategies();
    }
  }, 30);
}

const words = { live: 'Live: four times a second', polling: 'Live, by asking once a second (events do not get through)',
  lost: 'The host does not answer; trying again. If it stays so: scripts/lab up' };
follow({
  onEvent(type, data) {
    if (type === 'gauges') {
      const row = history.add(data);
      charts.add(row);
      ghosts.add(row);
      strip.add(row);
    } else {
      tell[type](data);
      listWanted ||= type === 'swap' || type === 'strategy';
    }
    drawSoon();
  },
  onState(state) {
    document.body.dataset.live = state;
    $('live').textContent = words[state];
    if (state === 'lost') return;
    listWanted = true;
    refreshErrands();
    refreshPath();
  },
});

// For tests, and for the curious at the console.
window.poolLab = { history, ghosts, charts };
