// Saves what the page shows as one file that opens from disk, without a host and without a
// request: the rows, the marks, and the programs that draw them.

const text = async path => (await fetch(path)).text();
// The modules need each other only by what they export: in one script they simply see it.
const joined = source => source.replace(/^import .*$/gm, '').replace(/^export /gm, '');
const escaped = source => source.replace(/<(\/script|!--)/gi, "\\x3c$1"); // no end of the script element in a text

export async function savedPage(history, said) {
  const [style, chartStyle, dygraph, ...modules] = await Promise.all(
    ['page.css', 'dygraph.min.css', 'dygraph.min.js', 'history.js', 'charts.js'].map(text));
  const rows = history.shown(history.rows);
  const data = escaped(JSON.stringify({ rows: rows.map(row => row.gauges), markers: history.shown(history.markers) }));
  const saved = new Date(rows.at(-1)?.at ?? Date.now());
  const page = document.implementation.createHTMLDocument(`Pool Strategy Lab, ${saved.toLocaleString()}`);
  const make = (name, content) => {
    const made = page.createElement(name);
    made.textContent = content;
    return made;
  };
  const meta = page.createElement('meta');
  meta.setAttribute('charset', 'utf-8');
  page.documentElement.lang = 'en';
  const icon = page.createElement('link');
  icon.rel = 'icon';
  icon.href = 'data:,';
  page.head.append(meta, icon, make('style', chartStyle), make('style', style));
  const main = page.createElement('main'), charts = page.createElement('section'), list = page.createElement('ol');
  charts.id = 'charts';
  charts.setAttribute('aria-label', 'What was seen');
  list.append(...said.map(one => make('li', one)));
  main.append(make('h1', 'Pool Strategy Lab'), make('p', `As it was at ${saved.toLocaleString()}: ${rows.length} looks, four a second.`),
    make('p', document.getElementById('diagnosis').innerText), charts, make('h2', 'What happened'), list);
  page.body.append(main, make('script', escaped(dygraph)), make('script', `(() => {
${escaped(modules.map(joined).join('\n'))}
const { rows, markers } = ${data};
const history = new History();
const shown = makeCharts(history, document.getElementById("charts"), { whole: true });
for (const gauges of rows) shown.add(history.add(gauges, true));
for (const { at, kind, text } of markers) history.mark(at, kind, text);
if (rows.length) shown.draw();
document.body.dataset.ready = rows.length;
})();`));
  return `<!doctype html>\n${page.documentElement.outerHTML}`;
}

export async function save(history, said) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([await savedPage(history, said)], { type: 'text/html' }));
  link.download = 'pool-lab.html';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
