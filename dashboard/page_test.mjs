// The page in a real headless Chromium, before a real lab.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { TestLab } from './test_lab.mjs';
import { ForwardingProxy } from './test_proxy.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures = process.env.LAB_PICTURES; // where screenshots go, if anywhere

// No look at anything outside, and no sandbox where root would need one.
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

let lab, browser;
before(async () => {
  lab = await TestLab.start();
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: quiet });
}, { timeout: 120_000 });
after(async () => {
  await browser?.close();
  lab?.end();
});

// A page that is live, and drawn. `errors`: all that its console complained of.
async function open({ width = 1280, scheme = 'light', url = lab.url, prepare = () => {} } = {}) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
  page.setDefaultTimeout(15_000);
  const errors = [];
  page.on('console', message => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', error => errors.push(error.message));
  await prepare(page);
  await page.goto(url);
  await page.waitForFunction(() => window.poolLab?.history.rows.length > 5 && document.querySelector('#charts canvas'), null, { timeout: 15_000 });
  return { page, errors };
}

// Waits until the first that `selector` finds says so.
const says = (page, selector, pattern) => page.waitForFunction(([where, source]) =>
  new RegExp(source).test(document.querySelector(where)?.textContent), [selector, pattern.source]);

// How long it takes until `shown` holds in the page, in ms, from `change` on.
async function untilShown(page, change, shown, argument) {
  const seen = page.evaluate(([test, given]) => new Promise(found => {
    const holds = new Function('given', `return (${test})(given)`);
    const end = performance.now() + 10_000; // then the answer is: too late
    const look = () => (holds(given) || performance.now() > end
      ? found(performance.timeOrigin + performance.now()) : setTimeout(look, 10));
    look();
  }), [shown.toString(), argument]);
  const begun = performance.timeOrigin + performance.now();
  const changed = change();
  const took = await seen - begun;
  await changed;
  return took;
}

describe('the page', { timeout: 280_000 }, () => {
  test('shows live data within a second of a change', async () => {
    const { page, errors } = await open();
    await lab.use('bounded_timeout');
    const took = await untilShown(page, () => lab.hold(1500),
      () => document.querySelector('#tiles dd').textContent.startsWith('1 of 10'));
    assert.ok(took < 1000, `${took} ms`);
    assert.equal(await page.getAttribute('body', 'data-live'), 'live');
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('marks a swap within a second, on every time axis', async () => {
    const { page, errors } = await open();
    for (const name of ['fixed_tiny', 'adaptive']) {
      const took = await untilShown(page, () => lab.use(name), given => {
        const marker = poolLab.history.markers.at(-1);
        return marker?.text === `→ ${given}` && document.body.dataset.strategy === given &&
          document.querySelector('#happened li').textContent.includes(`→ ${given}`);
      }, name);
      assert.ok(took < 1000, `${name}: ${took} ms`);
    }
    assert.equal(await page.locator('#charts figure').count(), 8);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('swaps by its buttons, with mouse and keyboard alone', async () => {
    const { page, errors } = await open();
    await lab.use('adaptive');
    await page.getByRole('button', { name: 'use fixed_tiny' }).click();
    await page.waitForFunction(() => document.body.dataset.strategy === 'fixed_tiny');
    await page.getByRole('button', { name: 'use bounded_timeout' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.body.dataset.strategy === 'bounded_timeout');
    await page.waitForFunction(() => document.querySelector('[data-name=bounded_timeout]').textContent.includes('in use'));
    assert.equal(await page.evaluate(() => document.activeElement.closest('[data-name]')?.dataset.name), 'bounded_timeout');
    await says(page, '#swap-said', /fixed_tiny → bounded_timeout, in [\d.]+ ms/);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('names the cause of failures, and who waits', async () => {
    const { page, errors } = await open();
    await lab.use('fixed_tiny');
    const requests = Array.from({ length: 40 }, () => lab.hold(300));
    await page.waitForFunction(() => poolLab.history.last.gauges.waiting > 0);
    await page.waitForFunction(() => poolLab.history.last.rate?.pool_timeout > 0);
    await page.getByText('pool_timeout').first().waitFor();
    const statuses = (await Promise.all(requests)).map(answer => answer.status);
    assert.ok(statuses.includes(503));
    // The page counts as the clients do, and nothing twice.
    const failed = statuses.filter(status => status === 503).length;
    await page.waitForFunction(given => {
      const { rows } = poolLab.history;
      return rows.at(-1).gauges.requests.pool_timeout - rows[0].gauges.requests.pool_timeout >= given;
    }, failed);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('is right through a host that is killed and comes back', async () => {
    const { page, errors } = await open();
    lab.run('use', 'fixed_huge'); // what the lab remembers at once
    await page.waitForFunction(() => document.body.dataset.strategy === 'fixed_huge');
    const rows = await page.evaluate(() => poolLab.history.rows.length);
    const old = lab.status().host_pid;
    process.kill(old, 'SIGKILL');
    await page.waitForFunction(() => document.body.dataset.live === 'lost');
    await says(page, '#live', /does not answer/);
    await page.waitForFunction(given => document.body.dataset.live === 'live' &&
      poolLab.history.last.gauges.now_ms < 30_000 && poolLab.history.rows.length > given + 4, rows, { timeout: 20_000 });
    assert.notEqual(lab.status().host_pid, old);
    assert.equal(await page.getAttribute('body', 'data-strategy'), 'fixed_huge');
    const times = await page.evaluate(() => poolLab.history.rows.map(row => row.at));
    assert.deepEqual(times, [...times].sort((a, b) => a - b));
    assert.equal(new Set(times).size, times.length, 'no event came twice');
    const early = await page.evaluate(() => poolLab.history.rows.filter(row => row.life > 0 && row.gauges.now_ms < 900)
      .map(row => row.rate));
    assert.ok(early.length > 0 && early.every(rate => rate === null), 'no rate across two hosts, that count from 0 each');
    // Chromium itself reports a connect that nobody took; nothing else may be there.
    assert.deepEqual(errors.filter(text => !text.includes('net::ERR_CONNECTION_REFUSED')), []);
    await page.close();
  });

  test('a slider changes a setting of the strategy in use, without a swap', async () => {
    const { page, errors } = await open();
    await lab.use('bounded_timeout');
    await page.waitForFunction(() => document.querySelector('[data-name=bounded_timeout]')?.textContent.includes('in use'));
    const { body: { generation } } = await lab.call('GET', 'api/v1/pool');
    await page.getByLabel('max', { exact: false }).first().focus();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => poolLab.history.last.gauges.params.max === 11);
    assert.equal(await page.evaluate(() => poolLab.history.last.gauges.generation), generation);
    await says(page, '#swap-said', /max = 11/);
    await page.waitForFunction(() => document.activeElement?.type === 'range', null, { timeout: 3000 });
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('holds still at the space bar, goes on listening, and says how far behind it is', async () => {
    const { page, errors } = await open();
    await page.keyboard.press('Space');
    const [shown, rows] = await page.evaluate(() => [document.getElementById('tiles').innerText, poolLab.history.rows.length]);
    await lab.use('adaptive');
    const hold = lab.hold(1200);
    await page.waitForFunction(given => poolLab.history.rows.length >= given + 5, rows);
    assert.equal(await page.evaluate(() => document.getElementById('tiles').innerText), shown);
    await says(page, '#pause', /Go on \([2-9] s behind\)/);
    // No picture that is drawn meanwhile runs ahead of the rest of the page.
    const moment = () => page.textContent('#chart-pool .moment');
    const held = await moment();
    await page.keyboard.press('+');
    await says(page, '#said', /The last 60 seconds/);
    assert.equal(await moment(), held);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.evaluate(() => new Promise(requestAnimationFrame));
    assert.equal(await moment(), held);
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.body.dataset.strategy === 'adaptive');
    await hold;
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('starts and ends a load, and a fault that is undone', async () => {
    const { page, errors } = await open();
    await lab.use('bounded_timeout');
    await page.waitForFunction(() => document.querySelectorAll('#profile option').length > 5);
    await page.selectOption('#profile', 'hold');
    await page.fill('#load-seconds', '60');
    await page.focus('#load-start');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => poolLab.history.last.rate?.ok > 60);
    // The button that can't be pressed again keeps the focus, and does nothing.
    assert.equal(await page.evaluate(() => document.activeElement.id + document.activeElement.ariaDisabled), 'load-starttrue');
    await says(page, '#load', /Load hold, for \d+ s/);
    await says(page, '#load', /so far [✓✗] /);
    await page.selectOption('#fault', 'leak');
    await page.fill('#amount', '4');
    await page.fill('#fault-seconds', '30');
    await page.click('#fault-start');
    await page.waitForFunction(() => poolLab.history.last.gauges.diagnosis.cause === 'leak');
    await page.click('#fault-end');
    await page.waitForFunction(() => document.getElementById('fault-said').textContent.includes('undone')
      || document.getElementById('fault-start').ariaDisabled === 'false');
    await page.click('#load-end');
    await page.waitForFunction(() => document.getElementById('load').textContent.includes('No load'));
    await page.waitForFunction(() => document.getElementById('load-start').ariaDisabled === 'false');
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('charts that are held end there, keep little in memory, and keep what is pointed at through each new picture', async () => {
    const { page, errors } = await open();
    const seen = await page.evaluate(async () => {
      const [{ makeCharts }, { History }] = await Promise.all([import('./charts.js'), import('./history.js')]);
      const made = [], Plain = window.Dygraph;
      window.Dygraph = class extends Plain {
        constructor(...given) {
          super(...given);
          made.push(this);
        }
      };
      const history = new History(), parent = document.querySelector('main').appendChild(document.createElement('section'));
      const charts = makeCharts(history, parent);
      let at = 1_000_000_000_000;
      const pass = minutes => {
        for (const end = at + minutes * 60_000; at < end;) {
          at += 250;
          charts.add(history.add({ ...poolLab.history.last.gauges, at_ms: at, now_ms: at, in_use: at / 250 % 1000 }));
        }
      };
      const key = () => Number(parent.querySelector('#chart-pool .key b').textContent);
      const picture = () => ({ rows: made[2].numRows(), from: at - made[2].xAxisRange()[0], to: at - made[2].xAxisRange()[1] });
      const point = x => made[5].getFunctionOption(x === null ? 'unhighlightCallback' : 'highlightCallback')({}, x);
      const all = {};
      pass(4);
      charts.draw();
      all.live = picture();
      history.held = at;
      const held = at, figure = key();
      pass(6);
      charts.stretch(1 / 2);
      all.held = picture();
      all.figure = key() - figure;
      point(held - 10_000);
      const pointed = () => [key() - figure, made[2].getSelection() === made[2].getRowForX(held - 10_000)];
      all.pointed = pointed();
      charts.draw();
      all.drawn = pointed();
      point(null);
      all.left = [key() - figure, made[2].getSelection()];
      history.held = null;
      point(at - 59_900 - 100);
      pass(0.5);
      charts.draw();
      all.runAway = [key() - at / 250 % 1000, made[2].getSelection()];
      all.live2 = picture();
      window.Dygraph = Plain;
      parent.remove();
      return all;
    });
    const { live, held, live2 } = seen;
    assert.deepEqual([live.from, live.to], [120_000, 0]);
    assert.deepEqual([held.from, held.to], [7 * 60_000, 6 * 60_000]);
    assert.ok(live.rows < 540 && held.rows < 1080 && live2.rows < 540, JSON.stringify(seen));
    assert.deepEqual([seen.figure, seen.pointed, seen.drawn, seen.left], [0, [-40, true], [-40, true], [0, -1]]);
    assert.deepEqual(seen.runAway, [0, -1], 'what has left the picture is pointed at no more');
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('no marker’s line is drawn through another’s words', async () => {
    const { page, errors } = await open();
    const drawn = await page.evaluate(async () => {
      const [{ makeCharts }, { History }] = await Promise.all([import('./charts.js'), import('./history.js')]);
      const parent = document.querySelector('main').appendChild(document.createElement('section'));
      const history = new History(), charts = makeCharts(history, parent);
      const begin = 1_000_000_000_000;
      for (let at = begin; at < begin + 60_000; at += 250)
        charts.add(history.add({ ...poolLab.history.last.gauges, at_ms: at, now_ms: at }));
      history.mark(begin + 40_000, 'swap', '→ another');
      history.mark(begin + 41_000, 'alarm', '! something else');
      const mark = getComputedStyle(document.documentElement).getPropertyValue('--mark').trim();
      const orders = new Map(), { stroke, fillText } = CanvasRenderingContext2D.prototype;
      const note = (context, what) => orders.set(context, (orders.get(context) ?? '') + what);
      Object.assign(CanvasRenderingContext2D.prototype, {
        stroke(...given) {
          if (this.strokeStyle === mark) note(this, 'line ');
          return stroke.apply(this, given);
        },
        fillText(...given) {
          note(this, 'words ');
          return fillText.apply(this, given);
        },
      });
      charts.draw();
      Object.assign(CanvasRenderingContext2D.prototype, { stroke, fillText });
      parent.remove();
      return [...orders.values()];
    });
    assert.deepEqual(drawn, Array(8).fill('line line words words '));
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('by keys alone the past is looked at in the charts, live and held, and told', async () => {
    const { page, errors } = await open();
    // With charts of its own, whose moments are known.
    await page.evaluate(async () => {
      const [{ makeCharts }, { History }] = await Promise.all([import('./charts.js'), import('./history.js')]);
      const parent = document.querySelector('main').appendChild(document.createElement('section'));
      parent.id = 'own';
      const history = new History(), charts = makeCharts(history, parent);
      let at = 1_000_000_000_000, looks = 0;
      window.own = {
        history,
        pass(count, after = 250) {
          for (let i = 0; i < count; ++i) {
            at += after;
            charts.add(history.add({ ...poolLab.history.last.gauges, at_ms: at, now_ms: at, in_use: ++looks, waiting: looks }));
          }
          charts.draw();
        },
        hold() { history.held = at; },
      };
      own.pass(800);
      parent.querySelectorAll('.chart')[2].focus();
    });
    // The pool's chart and the next; what a screen reader is told of them.
    const shown = () => page.evaluate(() => ['pool', 'waiting'].map(id => Number(document.querySelector(`#own #chart-${id} .key b`).textContent)));
    const told = () => page.evaluate(() => document.activeElement.getAttribute('aria-valuetext'));
    const after = async key => {
      await page.keyboard.press(key);
      const [pool, waiting] = await shown();
      assert.equal(waiting, pool, 'all charts look at the same moment');
      assert.match(await told(), new RegExp(`^at .*: .*\\b${pool}\\b`));
      return pool;
    };
    assert.match(await told(), /no moment is chosen/);
    const seen = {};
    for (const key of ['ArrowLeft', 'ArrowLeft', 'ArrowRight', 'Shift+ArrowLeft', 'Shift+ArrowRight', 'Home', 'ArrowLeft', 'End', 'ArrowRight'])
      (seen[key] ??= []).push(await after(key));
    assert.deepEqual(seen, { ArrowLeft: [799, 798, 320], ArrowRight: [799, 800], 'Shift+ArrowLeft': [759], 'Shift+ArrowRight': [799],
      Home: [320], End: [800] });
    // Live, the moment stays what it is, and nothing more is told of it.
    await after('ArrowLeft');
    const before = await told();
    await page.evaluate(() => own.pass(10));
    assert.deepEqual([await shown(), await told()], [[799, 799], before]);
    await page.keyboard.press('Escape');
    assert.deepEqual(await shown(), [810, 810]);
    assert.match(await told(), /no moment is chosen/);
    // Held, no key leads past that moment; and none to where the host was away.
    await page.evaluate(() => { own.hold(); own.pass(20); });
    assert.equal(await after('End'), 810);
    assert.equal(await after('ArrowLeft'), 809);
    await page.evaluate(() => { own.history.held = null; own.pass(1, 20_000); });
    assert.equal(await after('End'), 831);
    assert.equal(await after('ArrowLeft'), 830);
    // The next chart goes on at the same moment; whoever leaves the charts leaves it, too.
    await page.keyboard.press('Tab');
    assert.match(await told(), /^at .*: waiting 830$/);
    assert.equal(await after('ArrowLeft'), 829);
    for (let i = 0; i < 5; ++i) await page.keyboard.press('Tab');
    assert.deepEqual(await shown(), [831, 831]);
    await page.evaluate(() => document.getElementById('own').remove());
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('the charts are reached by Tab, and keep nobody out with a moment chosen', async () => {
    const { page, errors } = await open();
    const on = () => page.evaluate(() => document.activeElement.closest('figure')?.id);
    for (let i = 0; i < 20 && await on() !== 'chart-pool'; ++i) await page.keyboard.press('Tab');
    assert.equal(await on(), 'chart-pool');
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.body.hasAttribute('data-paused'));
    await page.keyboard.press('Home');
    const text = await page.evaluate(() => document.activeElement.getAttribute('aria-valuetext'));
    assert.match(text, /^at .+: in use \d+, idle \d+, /);
    assert.equal(await page.textContent('#chart-times .moment'), text.slice(0, text.indexOf(': ')));
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run());
    assert.deepEqual(violations.map(found => `${found.id}: ${found.nodes[0].html}`), []);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('asks once what runs, and once more, however many events come', async () => {
    const { page, errors } = await open();
    await says(page, '#load-said', /./);
    const moment = () => page.evaluate(() => new Promise(requestAnimationFrame));
    let asked = 0, letThrough = () => {};
    const gate = new Promise(done => { letThrough = done; });
    await page.route('**/api/v1/runs', async route => {
      ++asked;
      await gate;
      await route.continue();
    });
    for (const text of ['one', 'two', 'three']) await lab.call('POST', 'api/v1/marks', { text });
    await page.waitForFunction(() => ['one', 'two', 'three'].every(text => poolLab.history.markers.some(mark => mark.text === text)));
    while (asked === 0) await moment();
    await page.evaluate(async () => {
      const { refreshErrands } = await import('./errands.js');
      for (let i = 0; i < 5; ++i) void refreshErrands();
    });
    await moment();
    assert.equal(asked, 1, 'one question is open');
    const answers = [];
    page.on('response', answer => answer.url().endsWith('/api/v1/runs') && answers.push(answer));
    letThrough();
    while (answers.length < 2) await moment();
    await moment();
    assert.equal(asked, 2);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('asks what runs, and how far the path is, until somebody answers', async () => {
    const { page, errors } = await open();
    const all = '**/api/v1/{runs,progress}';
    await page.route(all, route => route.fulfill({ status: 503, json: { detail: 'the agent does not answer' } }));
    await page.evaluate(() => dispatchEvent(new Event('focus')));
    await says(page, '#load-said', /the agent does not answer/);
    await says(page, '#path-said', /the agent does not answer/);
    await page.unroute(all);
    for (const said of ['#load-said', '#path-said'])
      await page.waitForFunction(where => !document.querySelector(where).textContent.includes('does not answer'), said);
    assert.deepEqual(errors.filter(text => !text.includes('status of 503')), []);
    await page.close();
  });

  test('of a server that has not answered for seconds nothing is shown as of now', async () => {
    const { page, errors } = await open();
    const shown = await page.evaluate(async () => {
      const [{ makeCharts }, { History }] = await Promise.all([import('./charts.js'), import('./history.js')]);
      const parent = document.querySelector('main').appendChild(document.createElement('section'));
      const history = new History(), charts = makeCharts(history, parent);
      const { gauges } = poolLab.history.last;
      const total = age => {
        const at_ms = (history.last?.at ?? gauges.at_ms) + 250;
        charts.add(history.add({ ...gauges, at_ms, now_ms: at_ms, server: { ...gauges.server, total: 97, age_ms: age } }));
        charts.draw();
        return parent.querySelector('#chart-server .key b').textContent;
      };
      const seen = [total(250), total(3250), total(250)];
      parent.remove();
      return seen;
    });
    assert.deepEqual(shown, ['97', '–', '97']);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('says of no load that it runs where nobody runs one', async () => {
    const { page, errors } = await open();
    // As a load that was killed leaves it.
    await lab.call('POST', 'api/v1/marks', { text: 'load: hold' });
    await page.waitForFunction(() => {
      const mark = poolLab.history.markers.findLast(one => one.text === 'load: hold');
      return mark && poolLab.history.last.at > mark.at + 500 && document.getElementById('load').textContent.includes('No load is marked');
    });
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('a finger on a chart scrolls the page', async () => {
    const { page, errors } = await open({ width: 400 });
    const taken = await page.evaluate(() => {
      const [canvas] = document.querySelectorAll('#chart-rate canvas:last-of-type'), { x, y } = canvas.getBoundingClientRect();
      return ['touchstart', 'touchmove', 'touchend'].filter((name, i) => {
        const touches = name === 'touchend' ? [] : [new Touch({ identifier: 1, target: canvas, clientX: x + 90, clientY: y + 60 - 20 * i })];
        return !canvas.dispatchEvent(new TouchEvent(name, { touches, bubbles: true, cancelable: true }));
      });
    });
    assert.deepEqual(taken, []);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('says how much failed since the load began, of one host’s life, in figures that one reads', async () => {
    const { page, errors } = await open();
    // With a strip of its own, which is asked before the page can draw the next time.
    const said = await page.evaluate(async () => {
      const { Strip } = await import('./strip.js');
      const row = (ok, failed, life = 0) => ({ at: 1000, life, rate: null, gauges: { ...poolLab.history.last.gauges,
        requests: { ok, pool_timeout: failed, pool_rejected: 0 } } });
      const after = (first, ...rows) => {
        const strip = new Strip({ begin() {}, end() {} });
        strip.mark(1000, 'load: hold', first);
        rows.forEach(one => strip.add(one));
        strip.show(rows.at(-1));
        return /(so far|in the last)[^·]*/.exec(document.getElementById('load').textContent)?.[0].trim();
      };
      return [after(row(10, 0), row(10, 1), row(15, 995)), after(row(0, 0), row(0, 7)), after(row(0, 0), row(1, 2000)),
        after(row(5, 5), row(985, 25)), after(undefined, row(3, 3), row(7, 3)),
        after(row(50, 9), row(60, 9), row(70, 2, 1)) ?? 'nothing', after(row(50, 9), row(3, 9, 1)) ?? 'nothing',
        // A page that was opened a minute later.
        after(undefined, { ...row(3, 3), at: 61_000 }, { ...row(7, 3), at: 91_000 })];
    });
    assert.deepEqual(said, ['so far ✗ 99 % of 1000 failed, mostly pool_timeout', 'so far ✗ 100 % of 7 failed, mostly pool_timeout',
      'so far ✗ 99 % of 2001 failed, mostly pool_timeout', 'so far ✗ 2.0 % of 1000 failed, mostly pool_timeout',
      'so far ✓ none of 4 failed', 'nothing', 'nothing', 'in the last 30 s ✓ none of 4 failed']);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('a stretch of time that is drawn over is looked at on all charts, and left by a double click', async () => {
    const { page, errors } = await open();
    const place = await page.locator('#chart-rate .chart').boundingBox();
    await page.mouse.move(place.x + 200, place.y + 60);
    await page.mouse.down();
    await page.mouse.move(place.x + 300, place.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => poolLab.charts.window && document.body.hasAttribute('data-paused'));
    const [from, to] = await page.evaluate(() => poolLab.charts.window);
    assert.ok(to - from > 5000 && to - from < 60_000, `${to - from} ms`);
    await page.mouse.dblclick(place.x + 250, place.y + 60);
    await page.waitForFunction(() => !poolLab.charts.window && !document.body.hasAttribute('data-paused'));
    // Whoever held the page goes on holding it; otherwise it goes on once nothing is looked at any more.
    const look = async () => {
      await page.mouse.move(place.x + 200, place.y + 60);
      await page.mouse.down();
      await page.mouse.move(place.x + 300, place.y + 60, { steps: 5 });
      await page.mouse.up();
      await page.waitForFunction(() => poolLab.charts.window);
    };
    await page.keyboard.press('Space');
    await look();
    await page.mouse.dblclick(place.x + 250, place.y + 60);
    await page.waitForFunction(() => !poolLab.charts.window);
    assert.ok(await page.evaluate(() => document.body.hasAttribute('data-paused')));
    await page.keyboard.press('Space');
    await look();
    await page.keyboard.press('+');
    await page.waitForFunction(() => document.getElementById('said').textContent.includes('The last 60 seconds'));
    assert.ok(!await page.evaluate(() => document.body.hasAttribute('data-paused')));
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('draws the ghost of the load before, of the same profile', async () => {
    const { page, errors } = await open();
    await lab.use('bounded_timeout');
    for (const name of ['fixed_tiny', 'adaptive']) {
      await lab.use(name);
      lab.load('hold', '--seconds', '4', '--warm-up', '0');
    }
    await page.waitForFunction(() => poolLab.ghosts.shown?.strategy === 'fixed_tiny' && poolLab.ghosts.shown.rows.length > 8);
    await says(page, '#chart-waiting .ghost', /faint: the hold before, on fixed_tiny/);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('marks the stages of a load, and says which one it is', async () => {
    const { page, errors } = await open();
    await lab.use('bounded_timeout');
    lab.load('spike', '--seconds', '4', '--warm-up', '1');
    const texts = await page.evaluate(() => poolLab.history.markers.map(marker => marker.text));
    assert.ok(texts.some(text => /^stage 2 of \d/.test(text)), texts.join(', '));
    assert.ok(texts.includes('stages over: 60 a second'), texts.join(', '));
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('shows the verifier’s verdict on each strategy of one’s own', async () => {
    const { page, errors } = await open();
    const own = join(lab.environment.LAB_WORK, 'my', 'strategies');
    for (const name of ['good', 'no_entry', 'thread_left_running'])
      copyFileSync(join(process.env.LAB_BUILD, name === 'good' ? 'strategies/fixed_tiny.so' : `bad/${name}.so`), join(own, `own_${name}.so`));
    // The agent hands them over within a second; the page asks again when somebody comes back to it.
    await page.evaluate(async () => {
      const missing = () => ['good', 'no_entry', 'thread_left_running'].some(name => !document.querySelector(`[data-name=own_${name}]`));
      for (const end = performance.now() + 30_000; missing() && performance.now() < end;) {
        dispatchEvent(new Event('focus'));
        await new Promise(next => setTimeout(next, 2000));
      }
    });
    await says(page, '[data-name=own_good]', /✓ Verified/);
    await says(page, '[data-name=own_no_entry]', /✗ The verifier refuses it: /);
    await says(page, '[data-name=own_thread_left_running]', /! Verified, with a warning: |✗ The verifier refuses it: /);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('leads through a step of the path: prediction, run, check', async () => {
    const { page, errors } = await open();
    await page.getByRole('button', { name: 'begin the path' }).click();
    await page.getByRole('button', { name: 'lock my prediction' }).waitFor();
    for (const set of await page.locator('#path fieldset').all()) {
      const number = set.locator('input[type=number]');
      if (await number.count()) await number.fill('3');
      else await set.locator('input[type=radio]').first().check();
    }
    await page.getByRole('button', { name: 'lock my prediction' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'check', exact: true }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'path-title', 'what was pressed is no more');
    assert.equal(JSON.parse(lab.run('next', '--json')).step.predicted, true);
    // The commands of the step, as they stand there.
    await page.getByRole('button', { name: 'do it: scripts/lab use fixed_tiny' }).click();
    await page.waitForFunction(() => document.body.dataset.strategy === 'fixed_tiny');
    // On a busy machine a run may prove nothing: the check says so, and the next command asks for less.
    const done = () => JSON.parse(lab.run('next', '--json')).step.runs[0].done;
    for (let tries = 0; tries < 4 && !done(); ++tries) {
      if (tries > 0) {
        await page.getByRole('button', { name: 'check', exact: true }).click();
        await page.waitForFunction(() => document.querySelector('#path .verdict'));
      }
      await page.getByRole('button', { name: /^do it: scripts\/lab load hold/ }).click();
      await says(page, '#load-said', /^load hold .* runs/);
      await page.waitForFunction(() => document.getElementById('load-start').ariaDisabled === 'false', null, { timeout: 60_000 });
    }
    await page.getByText('✓ done:').waitFor();
    const refused = await lab.call('POST', 'api/v1/runs', { command: 'scripts/lab load ceiling' });
    assert.equal(refused.status, 400);
    assert.match(refused.body.detail, /suggests no 'scripts\/lab load ceiling'/);
    await page.getByRole('button', { name: 'check', exact: true }).click();
    await page.waitForFunction(() => document.querySelector('#path .verdict'));
    // A hint in the middle of an answer costs no answer.
    const answer = page.locator('#path fieldset input').first();
    if (await answer.getAttribute('type') === 'radio') await answer.check();
    else await answer.fill('1');
    await page.getByRole('button', { name: 'a hint' }).click();
    await page.getByRole('button', { name: 'another hint' }).waitFor();
    assert.equal(await answer.evaluate(input => input.type === 'radio' ? input.checked : input.value === '1'), true);
    assert.equal(await page.locator('#path h3', { hasText: 'Hints' }).count(), 1);
    // Nor does what else there is to say meanwhile.
    await page.route('**/api/v1/progress', async route => {
      const response = await route.fetch(), json = await response.json();
      json.checked.findings.push({ ok: true, text: 'one more finding' });
      await route.fulfill({ response, json });
    });
    await answer.focus();
    await page.evaluate(async () => (await import('./path.js')).refreshPath());
    await page.getByText('one more finding').waitFor();
    assert.deepEqual(await answer.evaluate(input => [input.type === 'radio' ? input.checked : input.value === '1',
      input === document.activeElement]), [true, true]);
    await page.unroute('**/api/v1/progress');
    await page.waitForFunction(() => poolLab.history.markers.some(marker => marker.text.startsWith('check, step 1: ')));
    await says(page, '#load', /check, step 1: /);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run());
    assert.deepEqual(violations.map(found => `${found.id}: ${found.nodes[0].html}`), []);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('is saved as a file that opens from disk without a request', async () => {
    const { page, errors } = await open();
    await lab.use('fixed_huge');
    await page.waitForFunction(() => document.body.dataset.strategy === 'fixed_huge');
    // What is saved is what is shown: nothing of what comes after the moment that is held.
    await page.keyboard.press('Space');
    await lab.use('fixed_tiny');
    await page.waitForFunction(() => poolLab.history.markers.some(marker => marker.text === '→ fixed_tiny' && marker.at > poolLab.history.held));
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save this page' }).click();
    const file = join(lab.folder, 'saved.html');
    await (await coming).saveAs(file);
    const saved = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const asked = [];
    saved.on('request', request => asked.push(request.url()));
    saved.on('console', message => message.type() === 'error' && errors.push(message.text()));
    saved.on('pageerror', error => errors.push(error.message));
    await saved.goto(`file://${file}`);
    await saved.waitForFunction(() => Number(document.body.dataset.ready) > 5);
    assert.equal(await saved.locator('#charts canvas').count() > 8, true);
    assert.match(await saved.textContent('ol:last-of-type li'), /→ fixed_huge/, 'the latest of what happened');
    assert.equal(Number(await saved.getAttribute('body', 'data-ready')),
      await page.evaluate(() => poolLab.history.rows.filter(row => row.at <= poolLab.history.held).length));
    assert.deepEqual(asked.filter(url => !url.startsWith('data:')), [`file://${file}`]);
    await saved.evaluate(axe);
    const { violations } = await saved.evaluate(() => axe.run());
    assert.deepEqual(violations.map(found => `${found.id}: ${found.nodes[0].html}`), []);
    if (pictures) await saved.screenshot({ path: join(pictures, 'page-saved.png'), fullPage: true });
    assert.deepEqual(errors, []);
    await saved.close();
    await page.close();
  });

  test('asks each second where a proxy holds its events back', async () => {
    const { page, errors } = await open({ prepare: page => page.route('**/api/v1/events?*', route =>
      (route.request().headers().accept === 'text/event-stream' ? undefined : route.continue())) });
    await page.waitForFunction(() => document.body.dataset.live === 'polling');
    const took = await untilShown(page, () => lab.use('adaptive'),
      () => document.body.dataset.strategy === 'adaptive');
    assert.ok(took < 2500, `${took} ms`);
    const times = await page.evaluate(() => poolLab.history.rows.map(row => row.at));
    assert.equal(new Set(times).size, times.length);
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('tells of a swap why the new build starts afresh', async () => {
    const { page, errors } = await open({ prepare: page => page.route('**/api/v1/events?*', async route => {
      if (route.request().headers().accept === 'text/event-stream') return; // it asks each second then
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: (await answer.text()).replaceAll('"problem":null', '"problem":"a page is missing"') });
    }) });
    await page.waitForFunction(() => document.body.dataset.live === 'polling');
    lab.use('bounded_timeout');
    await page.waitForFunction(() => /bounded_timeout .*; it starts afresh: a page is missing/.test(document.getElementById('happened').textContent));
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('comes back to the stream where it was silent once', async () => {
    let streams = 0;
    const { page, errors } = await open({ prepare: page => page.route('**/api/v1/events?*', route =>
      (route.request().headers().accept === 'text/event-stream' && ++streams === 1 ? undefined : route.continue())) });
    await page.waitForFunction(() => document.body.dataset.live === 'polling');
    await page.waitForFunction(() => document.body.dataset.live === 'live', null, { timeout: 40_000 });
    const times = await page.evaluate(() => poolLab.history.rows.map(row => row.at));
    assert.equal(new Set(times).size, times.length, 'no event came twice');
    assert.deepEqual(errors, []);
    await page.close();
  });

  test('works behind an editor that forwards the port, rewrites headers and buffers', async () => {
    const proxy = await ForwardingProxy.before(lab.port);
    const { page, errors } = await open({ url: proxy.url });
    await page.waitForFunction(() => document.body.dataset.live === 'polling');
    assert.equal(proxy.streams, 1, 'found out once');
    await page.getByRole('button', { name: 'use fixed_huge' }).click();
    await page.waitForFunction(() => document.body.dataset.strategy === 'fixed_huge');
    const seen = await page.evaluate(async () => {
      const rows = poolLab.history.rows.length;
      await new Promise(later => setTimeout(later, 4000));
      return { live: document.body.dataset.live, grown: poolLab.history.rows.length - rows };
    });
    assert.equal(seen.live, 'polling', 'and no to and fro');
    assert.ok(seen.grown > 8, `${seen.grown} events in 4 s`);
    const times = await page.evaluate(() => poolLab.history.rows.map(row => row.at));
    assert.equal(new Set(times).size, times.length, 'no event came twice');
    assert.deepEqual(errors, []);
    await page.close();
    proxy.end();
  });

  for (const width of [2560, 1280, 400])
    for (const scheme of ['light', 'dark'])
      test(`fits ${width} pixels in ${scheme}, and keeps nobody out`, async () => {
        const { page, errors } = await open({ width, scheme });
        const over = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${over} pixels too wide`);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => axe.run());
        assert.deepEqual(violations.map(found => `${found.id}: ${found.nodes[0].html}`), []);
        if (pictures) await page.screenshot({ path: join(pictures, `page-${width}-${scheme}.png`), fullPage: true });
        assert.deepEqual(errors, []);
        await page.close();
      });
});
