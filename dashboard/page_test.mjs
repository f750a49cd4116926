// The page in a real headless Chromium, before a real lab.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { TestLab } from './test_lab.mjs';

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

// A page that is live. `errors`: all that its console complained of.
async function open({ width = 1280, scheme = 'light', prepare = () => {} } = {}) {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
  page.setDefaultTimeout(15_000);
  const errors = [];
  page.on('console', message => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', error => errors.push(error.message));
  await prepare(page);
  await page.goto(lab.url);
  await page.waitForFunction(() => window.poolLab?.history.rows.length > 5, null, { timeout: 15_000 });
  return { page, errors };
}

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

describe('the page', { timeout: 120_000 }, () => {
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
    assert.equal(await page.locator('#charts figure').count(), 6);
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
    assert.match(await page.textContent('#swap-said'), /fixed_tiny → bounded_timeout, in [\d.]+ ms/);
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
    assert.match(await page.textContent('#live'), /does not answer/);
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

  for (const width of [1280, 400])
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
