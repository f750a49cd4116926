// Each of six causes, made on a whole lab: the page names it within three seconds, and no other.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { chromium } from 'playwright-core';
import { TestLab } from './test_lab.mjs';

const quiet = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const harmless = ['idle', 'well', 'unclear']; // they name no cause
const within = 3000; // ms

let lab, browser, page;
before(async () => {
  lab = await TestLab.start();
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: quiet });
  page = await browser.newPage();
  await page.goto(lab.url);
  await page.waitForFunction(() => window.poolLab?.history.rows.length > 5);
}, { timeout: 120_000 });
after(async () => {
  await browser?.close();
  lab?.end();
});

// `lab WORDS...` beside the test, which ends when all of them have. What they say is told where
// the test fails.
const running = [];
let heard = '';
function run(...words) {
  const child = spawn(join(lab.environment.LAB_HOME, 'app/bin/lab'), words, { env: lab.environment, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => { heard += `[${words[0]}] ${text}`; });
  running.push(new Promise(done => child.on('exit', done)));
}

// What the page shows from the row on at which `begun` holds: [ms since then, cause].
async function causesFrom(begun, ms) {
  return page.evaluate(async ([test, length]) => {
    const holds = new Function('row', `return (${test})(row)`);
    const { history } = poolLab;
    let from = null, shown = [];
    const end = performance.now() + 20_000 + length;
    while (performance.now() < end && (from === null || performance.now() - from < length)) {
      if (from === null && holds(history.last)) from = performance.now();
      if (from !== null) shown.push([Math.round(performance.now() - from), document.getElementById('diagnosis').dataset.cause]);
      await new Promise(next => setTimeout(next, 50));
    }
    return shown;
  }, [begun.toString(), ms]);
}

async function names(cause, begun) {
  const shown = await causesFrom(begun, within + 1000);
  assert.ok(shown.length > 0, `it never began; ${heard}`);
  const first = shown.find(([, name]) => name === cause);
  const others = [...new Set(shown.map(([, name]) => name))].filter(name => name !== cause && !harmless.includes(name));
  assert.ok(first, `never named; shown: ${[...new Set(shown.map(([, name]) => name))]}; ${heard}`);
  assert.ok(first[0] <= within, `after ${first[0]} ms`);
  assert.deepEqual(others, [], 'no other is named');
  console.log(`# ${cause}: named after ${first[0]} ms`);
}

// Nothing is left of the one before.
beforeEach(async () => {
  await Promise.all(running.splice(0));
  heard = '';
  lab.run('fault', 'clear');
  await page.waitForFunction(() => poolLab.history.last.gauges.diagnosis.cause === 'idle'
    && poolLab.history.last.rate?.ok === 0, null, { timeout: 60_000 });
});

const loaded = row => row.rate?.asked > 20;

test('a small pool', { timeout: 60_000 }, async () => {
  lab.run('use', 'fixed_tiny');
  run('load', 'hold', '--seconds', '6', '--warm-up', '0');
  await names('small_pool', loaded);
});

test('the ceiling', { timeout: 60_000 }, async () => {
  lab.run('use', 'fixed_huge');
  run('load', 'ceiling', '--seconds', '10', '--warm-up', '0');
  // How soon the pool has grown so far depends on how quickly this machine connects.
  await names('ceiling', ({ gauges: { server } }) => server.total >= server.max_connections - server.reserved - 1);
});

test('contention', { timeout: 60_000 }, async () => {
  lab.run('use', 'fixed_huge');
  run('load', 'contended', '--seconds', '6', '--warm-up', '0');
  await names('contention', loaded);
});

test('a frozen database', { timeout: 60_000 }, async () => {
  lab.run('use', 'bounded_timeout');
  run('load', 'hold', '--seconds', '14', '--warm-up', '0');
  await page.waitForFunction(() => poolLab.history.last.rate?.ok > 60);
  run('fault', 'freeze', '--seconds', '5');
  await names('frozen', row => row.rate !== null && row.rate.ok === 0 && row.gauges.in_use > 0);
  await page.waitForFunction(() => poolLab.history.rows.some(({ server, gauges }) => gauges.server && !server),
    null, { timeout: 10_000 }); // what was read of it before is not told for ever
});

test('a leak', { timeout: 60_000 }, async () => {
  lab.run('use', 'bounded_timeout');
  run('load', 'hold', '--rate', '60', '--seconds', '14', '--warm-up', '0');
  await page.waitForFunction(() => poolLab.history.last.rate?.ok > 40);
  run('fault', 'leak', '8', '--seconds', '6');
  await names('leak', row => row.gauges.in_use >= 8);
});

test('a spike', { timeout: 90_000 }, async () => {
  lab.run('use', 'bounded_timeout');
  run('load', 'spike', '--seconds', '20', '--warm-up', '6'); // 6 s of it, then ten times as many
  await names('spike', row => row.rate?.asked > 250);
});
