// The learner's path on the page: what the step asks, the prediction that is locked before the
// run, the runs, the check. The agent runs the commands that one would type; what they say is text.
import { carryOut } from './errands.js';

const $ = id => document.getElementById(id);
const make = (name, text) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
};
const lookAgain = 400; // ms, while a command runs
const askAgain = 2000; // ms, while nobody answers

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

// What is asked again, as it was before, is the same form: answers that are being given stay.
const forms = new Map();
function form(step, questions, button, what) {
  const same = JSON.stringify([what, step, questions]), made = forms.get(same) ?? newForm(questions, button, what);
  forms.set(same, made);
  return made;
}

function newForm(questions, button, what) {
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

// A command gets a button, unless only a terminal can do it: the agent runs it as it stands.
const forTerminal = /^scripts\/lab up /;
function commandItem(command) {
  const item = make('li');
  item.append(make('code', command), ' ');
  if (!forTerminal.test(command)) {
    const button = make('button', 'do it');
    button.type = 'button';
    button.setAttribute('aria-label', `do it: ${command}`);
    button.addEventListener('click', async () => {
      if (command.startsWith('scripts/lab use ')) act({ what: 'use', command });
      else $('path-said').textContent = await carryOut(command);
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
      form(step.number, step.predictions, 'lock my prediction', 'predict'));
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

// The focus stays where it was, else on what is named so; where there is no such thing any more,
// on the title, not at the top of the page.
function keepFocus(rebuild) {
  const path = $('path'), active = document.activeElement, inside = path.contains(active);
  const named = one => one.getAttribute('aria-label') ?? one.textContent;
  rebuild();
  if (!inside) return;
  if (path.contains(active)) return void active.focus();
  const same = [...path.querySelectorAll('button')].find(one => named(one) === named(active));
  (same ?? $('path-title')).focus();
}

// Apart from the rest: a hint is asked for in the middle of an answer, which must stay.
const hints = make('div');
function showHints(step) {
  const now = JSON.stringify([step?.number, step?.hints]);
  if (hints.dataset.now === now) return;
  hints.dataset.now = now;
  const focused = hints.contains(document.activeElement);
  const given = make('ol'), left = step ? step.hint_levels - step.hints.length : 0, parts = [];
  given.append(...(step?.hints ?? []).map(text => make('li', text)));
  if (given.children.length) parts.push(make('h3', 'Hints'), given);
  if (left > 0) {
    const button = make('button', given.children.length ? 'another hint' : 'a hint');
    button.type = 'button';
    button.addEventListener('click', () => act({ what: 'hint' }));
    parts.push(button);
  }
  hints.replaceChildren(...parts);
  if (focused) (hints.querySelector('button') ?? $('path').querySelector('button'))?.focus();
}

function checkedParts(checked) {
  const signs = { pass: '✓ pass', 'not yet': '· not yet', invalid: '? invalid', unproven: '? unproven' };
  const verdict = make('p', `${checked.step ?? 'the path'}: ${signs[checked.verdict] ?? checked.verdict}`);
  verdict.className = 'verdict';
  const findings = make('ul');
  findings.append(...checked.findings.map(one => make('li', `${one.ok ? '✓' : '✗'} ${one.text}`)));
  const parts = [make('h3', 'The check says'), verdict, findings];
  if (checked.answered.length) {
    const list = make('ul');
    list.className = 'answered';
    list.append(...checked.answered.map(one => make('li', `${one.right ? '✓ right' : '✗ no'} (${one.id}): ${one.because}`)));
    parts.push(list);
  }
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
  if (checked.questions.length) parts.push(form(checked.step, checked.questions, 'answer', 'check'));
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
    shownQuestions = '';
    keepFocus(() => $('path').replaceChildren(make('p', 'Predict, break, see, fix, prove: steps of a few minutes, each checked.'), button));
    return;
  }
  if (!next) return;
  showHints(next.step);
  const now = JSON.stringify([{ ...next.step, hints: null }, checked]);
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
  keepFocus(() => $('path').replaceChildren(steps, ...(checked ? checkedParts(checked) : []), ...(next.step ? stepParts(next) : []), hints));
  for (const [same, one] of forms) if (!one.isConnected) forms.delete(same);
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
      clearTimeout(timer);
      timer = setTimeout(refreshPath, askAgain);
    }
  }, 50);
}
