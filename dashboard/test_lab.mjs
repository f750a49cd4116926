// A whole lab for the tests of the page: the build installed into a home of its
// own, with its own port, taken down and removed at the end.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Below those that outgoing connections take: a host that is away for a moment finds its port free.
const isFree = port => new Promise(found => {
  const server = createServer();
  server.once('error', () => found(false));
  server.listen(port, '127.0.0.1', () => server.close(() => found(true)));
});
async function freePort() {
  let port = 23_000 + process.pid % 4000;
  while (!await isFree(port)) ++port;
  return port;
}

export class TestLab {
  static async start() {
    const lab = new TestLab();
    lab.folder = mkdtempSync(join(tmpdir(), 'page-test-'));
    chmodSync(lab.folder, 0o755); // the lab's user has to pass
    lab.environment = { ...process.env, LAB_HOME: join(lab.folder, 'home'), LAB_WORK: join(lab.folder, 'work') };
    mkdirSync(lab.environment.LAB_WORK);
    const installed = spawnSync(process.env.LAB_CMAKE ?? 'cmake',
      ['--install', process.env.LAB_BUILD, '--prefix', join(lab.environment.LAB_HOME, 'app')], { encoding: 'utf8' });
    if (installed.status !== 0) throw new Error(installed.stderr);
    lab.port = await freePort();
    lab.url = `http://127.0.0.1:${lab.port}/`;
    lab.run('up', '--port', String(lab.port));
    return lab;
  }

  // `lab ARGUMENTS...`, to its end; answers what it printed.
  run(...words) {
    const said = spawnSync(join(this.environment.LAB_HOME, 'app/bin/lab'), words,
      { env: this.environment, encoding: 'utf8', timeout: 120_000 });
    if (said.status !== 0) throw new Error(`lab ${words.join(' ')}: ${said.status} ${said.stderr}`);
    return said.stdout;
  }

  // A load to its end, whatever its verdict: that is not what a test of the page is about.
  load(...words) {
    spawnSync(join(this.environment.LAB_HOME, 'app/bin/lab'), ['load', ...words],
      { env: this.environment, encoding: 'utf8', timeout: 120_000 });
  }

  status() { return JSON.parse(this.run('status', '--json')); }

  async call(method, path, body) {
    const answer = await fetch(new URL(path, this.url), { method,
      headers: body ? { 'Content-Type': 'application/json' } : {}, body: body && JSON.stringify(body) });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  }

  use(name) { return this.call('PUT', 'api/v1/strategy', { name }); }
  hold(ms) { return this.call('POST', 'lab/hold', { kind: 'submit', hold_ms: ms }); }

  end() {
    try {
      this.run('down');
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
