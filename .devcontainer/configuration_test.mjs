// The dev container's files say what they are meant to: read by the dev container CLI
// itself, which for this needs no engine.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const clone = dirname(here);
const fromPage = createRequire(join(clone, 'dashboard/package.json')); // where what tests need is installed
const { parse } = fromPage('yaml');
const yaml = path => parse(readFileSync(join(clone, path), 'utf8'));

// No engine: a program that is there and finds nothing.
const read = spawnSync(process.execPath, [fromPage.resolve('@devcontainers/cli/devcontainer.js'), 'read-configuration',
  '--workspace-folder', clone, '--docker-path', 'true', '--docker-compose-path', 'true'], { encoding: 'utf8' });
const compose = yaml('.devcontainer/compose.yml');
const { lab, prometheus, grafana } = compose.services;

test('the dev container CLI reads the configuration', () => {
  assert.equal(read.status, 0, read.stderr);
  const { configuration: said } = JSON.parse(read.stdout);
  assert.equal(said.name, 'Pool Strategy Lab');
  assert.equal(said.service, 'lab');
  assert.ok(compose.services[said.service], 'a service of the compose file');
  assert.equal(said.dockerComposeFile, 'compose.yml');
  assert.equal(said.remoteUser, 'learner');
  assert.deepEqual(said.hostRequirements, { cpus: 2 });
  assert.deepEqual(said.forwardPorts, [3000, 3002, 9090]);
  assert.deepEqual(said.forwardPorts.map(port => said.portsAttributes[port].label),
    ['The lab\'s page', 'Grafana', 'Prometheus']);
  assert.deepEqual(said.customizations.codespaces.openFiles, ['docs/path/README.md']);
  assert.ok(said.customizations.codespaces.openFiles.every(file => existsSync(join(clone, file))));
  assert.equal(said.postStartCommand, 'scripts/lab up', 'what a learner types, too');
  assert.ok(lab.volumes.some(volume => volume.split(':')[1] === said.workspaceFolder), 'the clone is there');
});

test('all listens on one loopback, in pinned versions', () => {
  for (const [name, service] of Object.entries(compose.services)) {
    assert.equal(service.ports, undefined, `${name} publishes nothing`);
    if (service === lab) continue;
    assert.equal(service.network_mode, 'service:lab', name);
    assert.match(service.image, /:v?\d+\.\d+\.\d+$/, name);
  }
  assert.ok(prometheus.command.includes('--web.listen-address=127.0.0.1:9090'));
  assert.equal(grafana.environment.GF_SERVER_HTTP_ADDR, '127.0.0.1');
  assert.equal(grafana.environment.GF_SERVER_HTTP_PORT, '3002');
  assert.equal(grafana.environment.GF_AUTH_ANONYMOUS_ORG_ROLE, 'Viewer');
  assert.equal(lab.environment.LAB_MONITORING, 'beside');
});

test('what is mounted is in the repository, or a volume that outlives the container', { skip:
  !existsSync(join(clone, 'dashboard/monitoring')) && 'dashboard/monitoring is not there yet' }, () => {
  for (const [name, service] of Object.entries(compose.services))
    for (const volume of service.volumes) {
      const [source] = volume.split(':');
      assert.ok(source.startsWith('.') ? existsSync(resolve(here, source)) : source in compose.volumes,
        `${name}: ${volume}`);
    }
  const { providers } = yaml('dashboard/monitoring/grafana/provisioning/dashboards/lab.yml');
  for (const { options } of providers)
    assert.ok(grafana.volumes.some(volume => volume.split(':')[1] === options.path), `Grafana finds ${options.path}`);
});

test('Prometheus and Grafana are set as they are without containers', () => {
  assert.ok(prometheus.command.includes('--web.cors.origin=none'), 'other sites may not read it');
  assert.equal(grafana.environment.GF_DASHBOARDS_MIN_REFRESH_INTERVAL, '1s');
  const home = grafana.environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH;
  const [source, folder] = grafana.volumes.map(volume => volume.split(':')).find(([, target]) => dirname(home) === target);
  assert.ok(existsSync(resolve(here, source, home.slice(folder.length + 1))), `${home} is there`);
});

test('the image is built from the one list of packages', () => {
  const { context, dockerfile, target, args } = lab.build;
  const text = readFileSync(resolve(here, context, dockerfile), 'utf8');
  assert.match(text, new RegExp(`^FROM .* AS ${target}$`, 'm'));
  assert.match(text, /^ARG LAB_DEV_IMAGE=debian:12$/m);
  assert.equal(args.LAB_DEV_IMAGE, '${LAB_DEV_IMAGE:-debian:12}');
  assert.match(text, /install_packages "\$build_packages /);
  const home = lab.volumes.find(volume => volume.startsWith('lab-home:')).split(':')[1];
  assert.equal(home, '/home/learner/.local/share/pool-lab');
  assert.match(text, /^USER learner\nWORKDIR \/home\/learner\n(#.*\n)*RUN mkdir -p \.local\/share\/pool-lab$/m,
    'a new volume takes its owner from the folder');
});

test('the workflow may do little, with what is pinned', () => {
  const flow = yaml('.github/workflows/devcontainer.yml');
  assert.deepEqual(flow.permissions, {});
  assert.deepEqual(Object.values(flow.jobs).map(job => job.permissions), [{ contents: 'read', packages: 'write' }]);
  const { steps } = flow.jobs.image;
  for (const { uses } of steps.filter(step => step.uses)) assert.match(uses, /^[\w-]+\/[\w-]+@v\d+\.\d+\.\d+$/);
  const build = steps.find(step => step.uses?.startsWith('docker/build-push-action')).with;
  assert.match(readFileSync(join(clone, build.file), 'utf8'), new RegExp(`^FROM lab AS ${build.target}$`, 'm'));
  for (const path of ['.devcontainer/**', 'scripts/packages']) assert.ok(flow.on.push.paths.includes(path));
  assert.equal(flow.on.schedule.length, 1);
  assert.doesNotMatch(JSON.stringify(flow.jobs.image.steps.filter(step => step.run).map(step => step.run)), /\$\{\{/,
    'nothing from outside is put into a command');
});
