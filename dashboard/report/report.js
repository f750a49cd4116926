// Draws what the file holds. Whatever text stands in it is put in as text, never as HTML.
/* global Dygraph */
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = id => document.getElementById(id);
  const { analysis, design } = data;
  const arms = design.arms.map(one => one.arm);
  const dashes = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 4], [5, 5], [1, 4], [12, 3, 3, 3]];
  const look = arm => { const i = Math.max(0, arms.indexOf(arm)); return { colour: `--c${1 + i % 8}`, dash: dashes[i % 8] }; };
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const signs = { better: '✓', worse: '✗', same: '=', inconclusive: '?', 'not judged': '?' };
  const units = { ok_per_second: ' a second', p99_ms: ' ms', failed_percent: ' %' };
  const titles = { ok_per_second: 'ok/s', p99_ms: 'p99', failed_percent: 'failed' };
  const shown = value => value === null || value === undefined ? '–' : String(value);

  const make = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  const svg = (name, attributes) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  // rows: arrays of elements or texts; the first cell of each heads it.
  function table(parent, caption, heads, rows) {
    const wide = make('div', undefined, { class: 'wide', tabindex: '0', role: 'group', 'aria-label': caption });
    const made = make('table'), head = make('tr'), body = make('tbody'), thead = make('thead');
    made.append(make('caption', caption));
    for (const one of heads) head.append(make('th', one, { scope: 'col' }));
    thead.append(head);
    for (const row of rows) {
      const line = make('tr');
      row.forEach((cell, i) => line.append(cell instanceof Node ? cell
        : i === 0 ? make('th', cell, { scope: 'row' }) : make('td', cell)));
      body.append(line);
    }
    made.append(thead, body);
    wide.append(made);
    parent.append(wide);
  }

  const tooMany = 'more than 1 % failed or were cut off';
  const effect = measure => {
    const ratio = 'ratio' in measure;
    const number = value => ratio ? `×${value}` : `${value > 0 ? '+' : ''}${value}`;
    const cell = make('td', undefined, { class: measure.word.replace(' ', '-') });
    if (measure.beyond > 0) {
      cell.append(make('b', '? not judged'), make('small', `${tooMany} in ${measure.beyond} block${measure.beyond === 1 ? '' : 's'}`));
      return cell;
    }
    const value = ratio ? measure.ratio : measure.points;
    if (value === null) return make('td', '–');
    cell.append(make('b', number(value) + (ratio ? '' : ' points')), ` ${signs[measure.word]} ${measure.word}`);
    const fewer = measure.blocks < design.blocks ? `, ${measure.blocks} of ${design.blocks} blocks` : '';
    if (measure.low !== null) cell.append(make('small', `${number(measure.low)} to ${number(measure.high)}, p ${measure.p_adjusted}${fewer}`));
    return cell;
  };

  const pairRow = pair => [`${pair.a} against ${pair.b}`, ...pair.measures.map(effect)];
  const measureHeads = data.measures.map(one => titles[one.name]);

  function about() {
    const many = (n, what, more) => `${n} ${n === 1 ? what : more}`;
    const twins = arms.filter(arm => arm.endsWith('.twin')).length;
    $('about').textContent = `${many(arms.length - twins, 'strategy', 'strategies')}${twins ? ' and a twin' : ''}, ${many(design.profiles.length, 'load', 'loads')}, `
      + `${many(design.blocks, 'block', 'blocks')}, seed ${design.seed}: `
      + `${data.cells.length} runs${data.left ? `, ${data.left} left` : ''}. Matrix ${data.matrix}.`;
  }

  function chance() {
    const measured = analysis.profiles.filter(profile => profile.twins.length > 0);
    if (measured.length === 0)
      $('chance-about').textContent = 'Not measured: no strategy ran twice as it is, since the copy holds its connections longer on purpose.';
    for (const profile of measured)
      table($('chance'), profile.profile, ['by chance', ...measureHeads], profile.twins.map(pairRow));
  }

  // Each strategy against the one that has a twin, the best known.
  function heat() {
    const reference = analysis.profiles[0]?.twins[0]?.b ?? arms[0];
    $('heat-about').textContent = `The median of each strategy, and its effect against ${reference}. Words and signs say what the colours do.`;
    for (const name of data.measures.map(one => one.name)) {
      const rows = arms.map(arm => [arm, ...analysis.profiles.map(profile => {
        const { [name]: own, invalid, cells } = profile.arms.find(one => one.arm === arm);
        const pair = [...profile.pairs, ...profile.twins].find(one => one.a === arm && one.b === reference)
          ?? profile.pairs.find(one => one.b === arm && one.a === reference);
        const cell = pair && pair.a === arm ? effect(pair.measures.find(one => one.measure === name))
          : pair ? turned(pair.measures.find(one => one.measure === name)) : make('td');
        cell.prepend(make('span', `${shown(own?.median)}${own && own.median !== null ? units[name] : ''} `));
        if (own?.beyond > 0 && !pair) cell.append(make('small', `${tooMany} in ${own.beyond} of ${own.cells}`));
        if (invalid > 0) cell.append(make('small', `${invalid} of ${cells} prove nothing`));
        return cell;
      })]);
      table($('heat'), titles[name], ['strategy', ...analysis.profiles.map(one => one.profile)], rows);
    }
  }

  // The same comparison from the other side.
  function turned(measure) {
    const other = { ...measure, word: { better: 'worse', worse: 'better' }[measure.word] ?? measure.word };
    const inverse = value => value === null ? null : Math.round(1000 / value) / 1000;
    if ('ratio' in measure) Object.assign(other, { ratio: inverse(measure.ratio), low: inverse(measure.high), high: inverse(measure.low) });
    else Object.assign(other, { points: measure.points === null ? null : -measure.points,
      low: measure.high === null ? null : -measure.high, high: measure.low === null ? null : -measure.low });
    return effect(other);
  }

  function pairs() {
    $('pairs-part').hidden = analysis.profiles.every(profile => profile.pairs.length === 0);
    for (const profile of analysis.profiles)
      table($('pairs'), profile.profile, ['pair', ...measureHeads], profile.pairs.map(pairRow));
  }

  function cost() {
    const rows = arms.map(arm => [arm, ...analysis.profiles.map(profile => {
      const own = profile.arms.find(one => one.arm === arm);
      const cell = make('td', shown(own.connection_seconds?.median));
      cell.append(make('small', `at most ${shown(own.max_open?.max)} open`));
      return cell;
    })]);
    table($('cost'), 'connection-seconds of a run, median', ['strategy', ...analysis.profiles.map(one => one.profile)], rows);
  }

  // Where the load changes, as lines from top to bottom.
  const changes = of => {
    const profile = design.profiles.find(one => one.profile === of);
    let at = profile.warm_up_ms / 1000;
    const all = [at];
    for (const stage of profile.stages) all.push(at += stage.for_ms / 1000);
    const { trouble, warm_up_ms: warm } = profile;
    if (trouble.fault) all.push((warm + trouble.from_ms) / 1000, (warm + (trouble.for_ms ? trouble.from_ms + trouble.for_ms : profile.measure_ms)) / 1000);
    return all;
  };
  const lines = of => (canvas, area, graph) => {
    canvas.save();
    canvas.strokeStyle = colour('--line');
    canvas.setLineDash([3, 3]);
    for (const at of changes(of)) {
      const x = Math.round(graph.toDomXCoord(at)) + 0.5;
      canvas.beginPath();
      canvas.moveTo(x, area.y);
      canvas.lineTo(x, area.y + area.h);
      canvas.stroke();
    }
    canvas.restore();
  };

  // A shape for each strategy: colour is never the only sign. Lines through points about a middle.
  const box = [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]];
  const ring = [...Array(17).keys()].map(i => [Math.cos(i * Math.PI / 8), Math.sin(i * Math.PI / 8)]);
  const shapes = [[ring], [box], [[[0, -1.2], [1.2, 1], [-1.2, 1], [0, -1.2]]], [[[-1, -1], [1, 1]], [[1, -1], [-1, 1]]],
    [[[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0], [0, -1.4]]], [[[0, -1.2], [0, 1.2]], [[-1.2, 0], [1.2, 0]]],
    [[[0, 1.2], [1.2, -1], [-1.2, -1], [0, 1.2]]], [[[-1.3, 0], [1.3, 0]]]];
  const shapeOf = arm => shapes[Math.max(0, arms.indexOf(arm)) % shapes.length];
  const path = (shape, x, y, size) => shape.map(line => `M${line.map(([dx, dy]) => `${x + dx * size} ${y + dy * size}`).join('L')}`).join('');
  const point = shape => (graph, name, canvas, x, y, colourOf, size) => {
    canvas.strokeStyle = colourOf;
    canvas.lineWidth = 2;
    canvas.setLineDash([]); // of the line between the points
    canvas.stroke(new Path2D(path(shape ?? shapeOf(name), x, y, size)));
  };
  const drawings = [];
  function draw(parent, title, describe, labels, rows, options, named = labels.slice(1)) {
    const figure = make('figure');
    const plot = make('div', undefined, { class: 'chart', role: 'img', 'aria-label': `${title}: ${describe}` });
    const key = make('ul', undefined, { class: 'key' });
    for (const name of named) {
      const { colour: of, dash } = options.looks?.[name] ?? look(name);
      const item = make('li');
      const sample = svg('svg', { width: 26, height: 12, 'aria-hidden': true });
      sample.append(options.shaped ? svg('path', { d: path(shapeOf(name), 13, 6, 5), fill: 'none', stroke: `var(${of})`, 'stroke-width': 2 })
        : svg('line', { x1: 0, y1: 6, x2: 26, y2: 6, stroke: `var(${of})`, 'stroke-width': 2.5, 'stroke-dasharray': dash.join(' ') }));
      item.append(sample, name);
      key.append(item);
    }
    figure.append(make('h3', title), plot, key);
    parent.append(figure);
    const create = () => {
      const looks = labels.slice(1).map(name => options.looks?.[name] ?? look(name));
      return new Dygraph(plot, rows, {
        labels, colors: looks.map(one => colour(one.colour)),
        series: Object.fromEntries(labels.slice(1).map((name, i) => [name, { strokePattern: looks[i].dash.length ? looks[i].dash : null, ...(options.series?.[name] ?? {}) }])),
        strokeWidth: 2, legend: 'never', axisLineColor: colour('--line'), gridLineColor: colour('--grid'), interactionModel: {},
        connectSeparatedPoints: true, xRangePad: 6, yRangePad: 6, ...options.dygraph,
        axes: { y: { axisLabelWidth: 52 }, ...(options.axes ?? {}) },
      });
    };
    drawings.push({ create, graph: create() });
    return figure;
  }

  // 1 / (1 - p): each tick is ten times as rare.
  const rare = p => Math.log10(1 / (1 - p));
  const percentileTicks = () => [0, 0.5, 0.9, 0.99, 0.999].map(p => ({ v: rare(p), label: `p${Math.round(p * 1000) / 10}` }));

  function curves() {
    for (const profile of design.profiles.map(one => one.profile)) {
      const of = data.curves.filter(one => one.profile === profile);
      if (!of.length) continue;
      const rows = of[0].points.map(([p], i) => [rare(p), ...of.map(one => Math.max(one.points[i][1], 0.01))]);
      draw($('curves'), `${profile}: milliseconds`, `latency by percentile of ${of.map(one => one.arm).join(', ')}`, ['p', ...of.map(one => one.arm)], rows,
        { dygraph: { logscale: true }, axes: { x: { ticker: percentileTicks } } });
    }
  }

  // Points alone: one column for each arm, a row for each run.
  function points(of, x, y) {
    return data.cells.filter(cell => cell.profile === of && cell.verdict !== 'invalid' && cell[x] !== null && cell[y] !== null)
      .map(cell => [cell[x], ...arms.map(arm => arm === cell.arm ? cell[y] : null)])
      .sort((a, b) => a[0] - b[0]);
  }

  function scatter() {
    for (const profile of design.profiles.map(one => one.profile)) {
      const rows = points(profile, 'ok_per_second', 'p99_of_ok_ms');
      if (rows.length)
        draw($('scatter'), `${profile}: p99 of what went well (ms) by ok/s`, 'a point for each run', ['ok/s', ...arms], rows,
          { shaped: true, dygraph: { strokeWidth: 0, drawPoints: true, pointSize: 4, connectSeparatedPoints: false, drawPointCallback: point() } });
    }
  }

  function order() {
    for (const profile of design.profiles.map(one => one.profile)) {
      const rows = points(profile, 'place', 'ok_per_second');
      if (rows.length)
        draw($('order'), `${profile}: ok/s by the order of the runs`, 'a point for each run', ['run', ...arms], rows,
          { shaped: true, dygraph: { strokeWidth: 0, drawPoints: true, pointSize: 4, connectSeparatedPoints: false, drawPointCallback: point(), includeZero: true } });
    }
  }

  function timelines() {
    const looks = { 'in use': { colour: '--c1', dash: [] }, waiting: { colour: '--c2', dash: [8, 4] }, 'may be in use': { colour: '--c7', dash: [2, 3] } };
    for (const one of data.timelines) {
      const rows = one.t_ms.map((t, i) => [t / 1000, one.in_use[i], one.waiting[i], one.limit[i]]);
      if (!rows.length) continue;
      const peak = Math.max(1, ...one.in_use, ...one.waiting), most = Math.max(...one.limit);
      const range = 1.1 * (most > 3 * peak ? peak : Math.max(peak, most));
      const figure = draw($('timelines'), `${one.arm} on ${one.profile}`, 'connections in use and requests that wait, by seconds',
        ['s', ...Object.keys(looks)], rows, { looks, dygraph: { valueRange: [0, range], underlayCallback: lines(one.profile) } });
      const said = [...one.events, ...one.said].sort((a, b) => a[0] - b[0]);
      if (!said.length) continue;
      const more = make('details'), list = make('ol');
      more.append(make('summary', `what it said (${said.length})`), list);
      for (const [t, text] of said) list.append(make('li', `${(t / 1000).toFixed(1)} s: ${text}`));
      figure.append(more);
    }
  }

  // Whether this matrix's load of that name does the work as it was measured: the law says nothing of another.
  function as_measured(work, name) {
    const load = design.profiles.find(one => one.profile === name);
    return work === 'hold' ? name === 'hold' && load.hold_ms === 50
      : work === 'contend' ? name === 'contended' && load.rows === 5
      : work === 'insert' && name === 'original';
  }
  const longer = name => design.arms.find(one => one.arm === name)?.longer_hold_percent > 0;

  function law() {
    const curves = data.calibration?.curves ?? [];
    $('law').hidden = !curves.some(curve => curve.usl); // before it is drawn: what is hidden has no width
    const looks = { measured: { colour: '--c1', dash: [] }, 'the law': { colour: '--c7', dash: [8, 4] }, strategies: { colour: '--c2', dash: [] } };
    for (const curve of curves) {
      if (!curve.usl) continue;
      const { lambda, sigma, kappa } = curve.usl;
      const at = n => lambda * n / (1 + sigma * (n - 1) + kappa * n * (n - 1));
      const places = new Map();
      for (const profile of analysis.profiles.filter(one => as_measured(curve.work, one.profile)))
        for (const arm of profile.arms) if (arm.max_open && !longer(arm.arm)) places.set(arm.max_open.median, [...(places.get(arm.max_open.median) ?? []), arm.arm]);
      const sizes = new Set([...curve.sizes.map(one => one.size), ...places.keys()]);
      for (let n = 1; n <= 64; n *= 1.25) sizes.add(Math.round(n * 10) / 10);
      const rows = [...sizes].sort((a, b) => a - b).map(n => [n, curve.sizes.find(one => one.size === n)?.ok_per_second ?? null, at(n), places.has(n) ? at(n) : null]);
      const figure = draw($('laws'), `${curve.work}: ok/s by connections`, 'measured points and the fitted law', ['connections', ...Object.keys(looks)], rows,
        { looks, series: { measured: { strokeWidth: 0, drawPoints: true, pointSize: 4 },
          strategies: { strokeWidth: 0, drawPoints: true, pointSize: 5, drawPointCallback: point([box]) } }, dygraph: { logscale: false, includeZero: true } });
      const list = make('ol');
      for (const [n, who] of [...places].sort((a, b) => a[0] - b[0])) list.append(make('li', `${who.join(', ')}: ${n} connections, by the law ${Math.round(at(n))} a second`));
      figure.append(list);
    }
  }

  function settings() {
    const add = (name, value) => $('with').append(make('dt', name), make('dd', typeof value === 'string' ? value : JSON.stringify(value)));
    for (const arm of design.arms) add(arm.arm, `${arm.strategy} ${JSON.stringify(arm.params)}`);
    for (const profile of design.profiles) add(profile.profile, profile);
    for (const [name, value] of Object.entries(data.machine ?? {})) add(name, value);
    for (const [name, value] of Object.entries(data.facts?.postgres ?? {})) add(`PostgreSQL ${name}`, value);
    add('order of the runs', data.cells.map(cell => cell.cell).join(', '));
  }

  for (const part of [about, chance, heat, pairs, cost, curves, scatter, law, timelines, order, settings]) part();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const one of drawings) { one.graph.destroy(); one.graph = one.create(); }
  });
  document.body.dataset.drawn = 'yes';
})();
