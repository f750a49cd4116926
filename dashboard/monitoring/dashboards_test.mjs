// The dashboards are what Grafana's own published schema says: @grafana/schema has it as types
// of TypeScript, so each file is compiled as a literal of these. Besides: what no schema can
// say, but a reader would stumble over.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, 'grafana', 'dashboards');
const read = name => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const names = readdirSync(folder);

// A JSON file has an enum's value where a program has its name. Of a panel the kind says what
// its options are. A query, and what an annotation has of one, is the data source's affair: of
// Prometheus these fields.
const types = `
import type { AnnotationQuery, Dashboard, DataSourceRef, FieldConfigSource, Panel, RowPanel } from '@grafana/schema';
import type { FieldConfig as LineConfig, Options as Lines } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';

type Plain<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
interface Query { refId: string; datasource: DataSourceRef; expr: string; legendFormat: string; range: true }
interface Of<Kind, Options, Config> extends Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: Kind;
  title: string;
  description: string;
  datasource: DataSourceRef;
  targets: Query[];
  options: Partial<Options>;
  fieldConfig: Omit<FieldConfigSource, 'defaults'> & { defaults: Omit<FieldConfigSource['defaults'], 'custom'> & { custom?: Config } };
}
interface Row extends Omit<RowPanel, 'type' | 'panels'> { type: 'row'; panels: [] }
interface Mark extends AnnotationQuery {
  expr: string; step: string; useValueForTime: boolean; titleFormat: string; textFormat: string; tagKeys: string;
}
interface Ours extends Omit<Dashboard, 'panels' | 'annotations'> {
  uid: string;
  panels: Array<Row | Of<'timeseries', Lines, LineConfig> | Of<'stat', Stat, never>>;
  annotations: { list: Mark[] };
}
export const dashboard: Plain<Ours> = `;

const parsed = new Map(); // the libraries, once for all tests

// What the compiler says against it, one line each.
function complaints(dashboard) {
  const file = join(here, 'dashboard.ts'); // in memory alone
  const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = name => name === file || fileExists(name);
  host.getSourceFile = (name, ...rest) => name === file
    ? ts.createSourceFile(name, `${types}${JSON.stringify(dashboard, null, 1)};`, ts.ScriptTarget.ES2022)
    : parsed.get(name) ?? parsed.set(name, getSourceFile(name, ...rest)).get(name);
  return ts.getPreEmitDiagnostics(ts.createProgram([file], options, host))
    .map(one => ts.flattenDiagnosticMessageText(one.messageText, ' '));
}

const panelsOf = dashboard => dashboard.panels.filter(panel => panel.type !== 'row');

for (const name of names) {
  test(`${name} is what Grafana's schema says`, () => {
    assert.deepEqual(complaints(read(name)), []);
  });

  test(`${name}: each panel has a title of its own, says what it shows, and covers no other`, () => {
    const { panels } = read(name);
    assert.equal(new Set(panels.map(panel => panel.id)).size, panels.length);
    assert.equal(new Set(panels.map(panel => panel.title)).size, panels.length);
    for (const panel of panelsOf(read(name))) assert.ok(panel.description.length > 8, panel.title);
    const taken = new Map();
    for (const { title, gridPos: { x, y, w, h } } of panels) {
      assert.ok(x + w <= 24, title);
      for (let column = x; column < x + w; ++column)
        for (let line = y; line < y + h; ++line) {
          const at = `${column} ${line}`;
          assert.equal(taken.get(at), undefined, `${title} covers ${taken.get(at)}`);
          taken.set(at, title);
        }
    }
  });
}

test('the original’s four panels are there', () => {
  const titles = names.flatMap(name => panelsOf(read(name)).map(panel => panel.title));
  for (const title of ['Request rate', 'p99 per route', 'Error rate', 'Success rate']) assert.ok(titles.includes(title), title);
});

// Each of these a slip that Grafana itself would swallow, and show nothing or something else.
const slips = {
  'a query without its expression': d => { delete panelsOf(d)[0].targets[0].expr; },
  'a field that Grafana does not know': d => { panelsOf(d)[4].fieldConfig.defaults.units = 'reqps'; },
  'a kind of panel that there is not': d => { panelsOf(d)[0].type = 'stats'; },
  'an option of another kind of panel': d => { panelsOf(d)[4].options.textMode = 'name'; },
  'a word that is none of the choices': d => { panelsOf(d)[4].options.legend.placement = 'below'; },
  'a style that lines do not have': d => { panelsOf(d)[4].fieldConfig.defaults.custom.drawStyle = 'lines'; },
  'a number where a word belongs': d => { d.refresh = 1; },
  'an annotation without a name': d => { delete d.annotations.list[0].name; },
  'a panel without a place': d => { panelsOf(d)[4].gridPos = { x: 0, y: 0, w: '12', h: 8 }; },
};
for (const [slip, make] of Object.entries(slips))
  test(`it is seen: ${slip}`, () => {
    const dashboard = read('pool.json');
    make(dashboard);
    assert.notDeepEqual(complaints(dashboard), []);
  });
