// The learner's path on the page: what the step asks, the prediction that is locked before the
// run, the runs, the check. The agent runs the commands that one would type; what they say is text.

const $ = id => document.getElementById(id);
const make = (name, text) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
};
const lookAgain = 400; // ms, while a command runs

let timer = null, wanted = false;
// Answers that are being given: asked anew, they would be lost.
let shownQuestions = '';

async function ask(method, body) {
  const answer = await fetch('api/v1/progress', { method, headers: body ? { 'Content-Type': 'application/json' } : {},
    body: body && JSON.stringify(body) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

// A question with its options, or a number.
function field(question) {
  const box = make('fieldset');
  box.append(make('legend', question.ask));
  box.dataset.question = question.id;
  if (question.options.length === 0) {
    const label = make('label', `${question.unit || 'number'} `), input = make('input');
    Object.assign(input, { type: 'number', step: 'any', name: question.id, required: true });
    label.append(input);
    box.append(label);
  }
  for (const option of question.options) {
    const label = make('label'), input = make('input');
    Object.assign(input, { type: 'radio', name: question.id, value: option, required: true });
    label.append(input, ` ${option}`);
    box.append(label);
  }
  return box;
}

function form(questions, button, what) {
  const made = make('form');
  made.append(...questions.map(field));
  const send = make('button', button);
  made.append(send);
  made.addEventListener('submit', event => {
    event.preventDefault();
    act({ what, answers: Object.fromEntries(new FormData(made)) });
  });
  return made;
}

// A command that the page can carry out gets a button: it fills in what one would choose above.
function commandItem(command) {
  const item = make('li'), words = command.split(' ').slice(1);
  item.append(make('code', command), ' ');
  const after = name => words[words.indexOf(name) + 1];
  const known = words[0] === 'load' && words.slice(2).every((word, i) => i % 2 === 1 || ['--rate', '--seconds'].includes(word));
  if (known || (words[0] === 'use' && words.length === 2)) {
    const button = make('button', 'do it');
    button.type = 'button';
    button.setAttribute('aria-label', `do it: ${command}`);
    button.addEventListener('click', () => {
      const body = words[0] === 'use' ? { name: words[1] } : { profile: words[1] };
      for (const name of ['rate', 'seconds']) if (words.includes(`--${name}`)) body[name] = Number(after(`--${name}`));
      const request = words[0] === 'use' ? ['PUT', 'api/v1/strategy'] : ['POST', 'api/v1/runs'];
      fetch(request[1], { method: request[0], headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
        .then(async answer => { $('path-said').textContent = answer.ok ? `${command}: begun` : (await answer.json()).detail; })
        .catch(() => { $('path-said').textContent = 'The host did not answer.'; });
    });
    item.append(button);
  }
  return item;
}

function stepParts(next, checked) {
  const { step } = next, parts = [];
  parts.push(make('p', `${step.now} (Step ${step.number}, about ${step.minutes} minutes)`));
  if (!step.predicted) {
    parts.push(make('p', 'What do you expect? Nobody marks it; it stands beside the outcome afterwards.'),
      form(step.predictions, 'lock my prediction', 'predict'));
    return parts;
  }
  const said = make('ul');
  said.append(...step.predictions.map(one => make('li', `${one.ask} You said: ${one.said ?? '–'} ${one.options.length ? '' : one.unit}`)));
  const runs = make('ul');
  for (const run of step.runs) {
    const item = make('li', `${run.done ? '✓ done:' : '· to do:'} ${run.what || run.name}`), list = make('ul');
    if (run.edit) list.append(make('li', `edit: ${run.edit}`));
    list.append(...run.commands.map(commandItem));
    item.append(list);
    runs.append(item);
  }
  const check = make('button', 'check');
  check.type = 'button';
  check.addEventListener('click', () => act({ what: 'check' }));
  parts.push(make('h3', 'Your prediction'), said, make('h3', 'Runs'), runs, check);
  return parts;
}

function checkedParts(checked) {
  const signs = { pass: '✓ pass', 'not yet': '· not yet', invalid: '? invalid', unproven: '? unproven' };
  const verdict = make('p', `${checked.step ?? 'the path'}: ${signs[checked.verdict] ?? checked.verdict}`);
  verdict.className = 'verdict';
  const findings = make('ul');
  findings.append(...checked.findings.map(one => make('li', `${one.ok ? '✓' : '✗'} ${one.text}`)));
  const parts = [make('h3', 'The check says'), verdict, findings];
  if (checked.table) {
    const table = make('pre', checked.table);
    table.tabIndex = 0;
    table.setAttribute('aria-label', 'Before and after');
    parts.push(table);
  }
  if (checked.outcomes.length) {
    const list = make('ul');
    list.append(...checked.outcomes.map(one => make('li', `${one.ask} You said: ${one.said} ${one.unit}; it was: ${one.was} ${one.unit}`)));
    parts.push(list);
  }
  if (checked.questions.length) parts.push(form(checked.questions, 'answer', 'check'));
  return parts;
}

function show({ begun, busy, next, checked, said }) {
  $('path-said').textContent = busy && busy !== 'next' ? `lab ${busy} runs…` : said;
  clearTimeout(timer);
  if (busy || (begun && !next)) timer = setTimeout(refreshPath, lookAgain);
  if (!begun) {
    const button = make('button', 'begin the path');
    button.type = 'button';
    button.addEventListener('click', () => act({ what: 'next' }));
    $('path').replaceChildren(make('p', 'Predict, break, see, fix, prove: steps of a few minutes, each checked.'), button);
    return;
  }
  if (!next) return;
  const now = JSON.stringify([next.step, checked]);
  if (now === shownQuestions) return;
  shownQuestions = now;
  $('path-title').textContent = next.step ? `The path: ${next.step.title}` : 'The path: you are through';
  const steps = make('ol');
  steps.className = 'steps';
  steps.append(...next.steps.map(one => {
    const item = make('li', `${one.number} ${one.name}: ${one.standing}`);
    if (next.step?.number === one.number) item.setAttribute('aria-current', 'step');
    return item;
  }));
  $('path').replaceChildren(steps, ...(checked ? checkedParts(checked) : []), ...(next.step ? stepParts(next) : []));
}

async function act(body) {
  try {
    show(await ask('POST', body));
  } catch (problem) {
    $('path-said').textContent = problem.message;
  }
}

// Asks anew; several wishes at once are one.
export function refreshPath() {
  if (wanted) return;
  wanted = true;
  setTimeout(async () => {
    wanted = false;
    try {
      show(await ask('GET'));
    } catch (problem) {
      $('path-said').textContent = problem.message;
    }
  }, 50);
}
