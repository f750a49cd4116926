// The report of a matrix, opened from disc in a real Chromium: no request, no error, its numbers
// are those of the JSON beside it.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { TestLab } from './test_lab.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

let lab, browser, folder;
before(async () => {
  lab = await TestLab.start();
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: quiet });
  writeFileSync(join(lab.environment.LAB_WORK, '.lab', 'calibration.json'), JSON.stringify({ curves: [{
    work: 'hold', sizes: [1, 2, 4, 8, 16].map(size => ({ size, ok_per_second: 20 * size, fitted: 20 * size })),
    usl: { lambda: 20, sigma: 0, kappa: 0, best_size: null, mean_error_percent: 0 } }] }));
  lab.run('matrix', 'fixed_tiny', 'bounded_timeout', '--profile', 'hold', '--profile', 'contended',
    '--blocks', '2', '--seconds', '1', '--warm-up', '0');
  const matrices = join(lab.environment.LAB_WORK, '.lab', 'matrix');
  folder = join(matrices, readdirSync(matrices)[0]);
}, { timeout: 180_000 });
after(async () => {
  await browser?.close();
  lab?.end();
});

async function open({ dark = false, width = 1280, file = 'report.html' } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: dark ? 'dark' : 'light', offline: true });
  const page = await context.newPage();
  const requests = [], errors = [];
  page.on('request', request => { if (!request.url().startsWith('file:') && !request.url().startsWith('data:')) requests.push(request.url()); });
  page.on('console', message => { if (message.type() === 'error') errors.push(message.text()); });
  page.on('pageerror', error => errors.push(String(error)));
  await page.goto(pathToFileURL(join(folder, file)).href);
  await page.waitForSelector('body[data-drawn=yes]');
  return { page, context, requests, errors };
}

test('it opens without a request and without an error, light and dark, wide and narrow', async () => {
  for (const dark of [false, true])
    for (const width of [1280, 400]) {
      const { page, context, requests, errors } = await open({ dark, width });
      assert.deepEqual(requests, []);
      assert.deepEqual(errors, []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `it fits in ${width}`);
      if (process.env.LAB_PICTURES)
        await page.screenshot({ path: join(process.env.LAB_PICTURES, `report-${width}-${dark ? 'dark' : 'light'}.png`), fullPage: true });
      await context.close();
    }
});

test('a strategy has its place on the law, unless the load was another than the one measured', async () => {
  const placed = async file => {
    const { page, context } = await open({ file });
    const items = await page.evaluate(() => [...document.querySelectorAll('#laws li')].map(one => one.textContent));
    await context.close();
    return items.join('\n');
  };
  assert.match(await placed('report.html'), /fixed_tiny: \d+ connections, by the law \d+ a second/);
  const longer = readFileSync(join(folder, 'report.html'), 'utf8').replace(/"hold_ms":\s*50/g, '"hold_ms":200');
  writeFileSync(join(folder, 'longer.html'), longer);
  assert.doesNotMatch(await placed('longer.html'), /by the law \d/);
});

test('what a matrix has no pairs for is said or left out, never an empty table', async () => {
  const whole = readFileSync(join(folder, 'report.html'), 'utf8');
  const without = async name => {
    writeFileSync(join(folder, 'without.html'), whole.replaceAll(new RegExp(`"${name}":\\s*\\[`, 'g'), `"${name}":[],"were":[`));
    const { page, context } = await open({ file: 'without.html' });
    const text = await page.evaluate(() => document.querySelector('main').innerText);
    await context.close();
    return text;
  };
  const handicapped = await without('twins'), twinOnly = await without('pairs');
  assert.match(handicapped, /Not measured: no strategy ran twice/);
  assert.doesNotMatch(handicapped, /by chance/);
  assert.match(twinOnly, /by chance/);
  assert.doesNotMatch(twinOnly, /Pair by pair/);
});

test('what proves nothing is said, and so is on how many blocks a word rests', async () => {
  const edited = readFileSync(join(folder, 'report.html'), 'utf8').replace(/(<script[^>]*id="?data"?[^>]*>)([^]*?)(<\/script>)/, (all, head, text, tail) => {
    const data = JSON.parse(text), { arms, pairs, twins } = data.analysis.profiles[0];
    Object.assign(arms[0], { invalid: 1 });
    Object.assign(arms.find(one => one.arm === twins[0].b), { p99_ms: { median: null, cells: 2, beyond: 2 } });
    Object.assign(pairs[0].measures[0], { blocks: 1, low: 0.4, high: 0.6 });
    return head + JSON.stringify(data).replaceAll('<', '\\u003c') + tail;
  });
  writeFileSync(join(folder, 'edited.html'), edited);
  const { page, context, errors } = await open({ file: 'edited.html' });
  const text = await page.evaluate(() => document.querySelector('main').innerText);
  assert.match(text, /1 of 2 prove nothing/);
  assert.match(text, /×0\.4 to ×0\.6, p [\d.]+, 1 of 2 blocks/);
  assert.match(text, /more than 1 % failed or were cut off in 2 of 2/);
  assert.doesNotMatch(text, /– ms/);
  assert.deepEqual(errors, []);
  await context.close();
});

test('each strategy has a shape of its own among points, and the key shows it', async () => {
  const { page, context } = await open();
  const keys = await page.evaluate(() => [...document.querySelectorAll('#scatter figure, #order figure')].map(figure =>
    [...figure.querySelectorAll('.key path')].map(shape => shape.getAttribute('d'))));
  assert.ok(keys.length > 0);
  for (const shapes of keys) assert.deepEqual([shapes.length, new Set(shapes).size], [3, 3]);
  await context.close();
});

test('its headline numbers are those of analysis.json', async () => {
  const analysis = JSON.parse(readFileSync(join(folder, 'analysis.json'), 'utf8'));
  const { page, context } = await open();
  const text = await page.evaluate(() => document.querySelector('main').innerText);
  for (const profile of analysis.profiles) {
    for (const arm of profile.arms)
      assert.ok(text.includes(`${arm.ok_per_second.median} a second`), `${arm.arm} on ${profile.profile}`);
    for (const pair of [...profile.pairs, ...profile.twins])
      for (const measure of pair.measures)
        if (measure.ratio) assert.ok(text.includes(`×${measure.ratio}`), `${pair.a} against ${pair.b}: ${measure.ratio}`);
  }
  assert.ok(text.indexOf('What chance alone does') < text.indexOf('Strategies and loads'), 'chance first');
  await context.close();
});

test('its timelines and curves hold what was measured', async () => {
  const { page, context } = await open();
  const data = await page.evaluate(() => JSON.parse(document.getElementById('data').textContent));
  assert.equal(data.timelines.length, 6, 'two strategies and a twin on two loads');
  for (const one of data.timelines) {
    assert.ok(one.in_use.some(value => value > 0), `${one.arm} on ${one.profile} used connections`);
    assert.ok(one.limit.every(value => value > 0), `${one.arm} on ${one.profile} had a plan`);
    assert.ok(one.said.length > 0, `${one.arm} on ${one.profile} explained itself`);
  }
  assert.equal(data.curves.length, 6);
  assert.equal(await page.locator('#timelines canvas').count() > 0, true);
  await context.close();
});

test('axe finds nothing', async () => {
  const { page, context } = await open();
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map(one => `${one.id}: ${one.nodes.map(node => node.target).join(' ')}`));
  assert.deepEqual(found, []);
  await context.close();
});
