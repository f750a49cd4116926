// Loads and faults, started and ended here; the agent runs the commands that one would type. What
// they say is text.

const $ = id => document.getElementById(id);
const lookAgain = 2000; // ms, while something runs, or nobody answers
const patience = 10_000; // ms: a question that nobody answers must not keep the next one waiting

let timer = null, loaded = false, ended = () => {}, none = () => {};

// `callback`: once a load has ended, wherever it was begun. Then its run is recorded.
export function onLoadEnded(callback) { ended = callback; }
// `callback`: whenever an answer says that no load runs, wherever.
export function onNoLoad(callback) { none = callback; }

async function ask(method, path, body) {
  const answer = await fetch(path, { method, headers: body ? { 'Content-Type': 'application/json' } : {},
    body: body && JSON.stringify(body), signal: method === 'GET' ? AbortSignal.timeout(patience) : undefined });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

function fill(select, all, text) {
  if ([...select.options].map(one => one.value).join() === all.map(one => one.name).join()) return;
  const chosen = select.value;
  select.replaceChildren(...all.map(one => {
    const option = new Option(text(one), one.name);
    option.title = one.what ?? one.help;
    return option;
  }));
  if (all.some(one => one.name === chosen)) select.value = chosen;
}

let faults = [];
function fitAmount() {
  const amount = faults.find(one => one.name === $('fault').value)?.amount;
  $('amount-row').hidden = !amount;
  if (!amount) return;
  Object.assign($('amount'), { min: amount.low, max: amount.high, value: amount.default });
  $('amount-help').textContent = amount.help;
}

const tell = (errand, none) => (errand === null ? none
  : errand.runs ? `${errand.what} runs${errand.said ? `: ${errand.said}` : ''}`
    : `${errand.what}: ${errand.said || (errand.status === 0 ? 'ended' : `ended with ${errand.status}`)}`);

// A button that can't be pressed now keeps the focus, which it would lose if it were disabled.
const off = (id, is) => $(id).setAttribute('aria-disabled', String(is));
const isOff = id => $(id).getAttribute('aria-disabled') === 'true';

function show(state) {
  fill($('profile'), state.profiles, one => one.name);
  if (faults.length !== state.faults.length) {
    faults = state.faults;
    fill($('fault'), faults, one => one.name);
    fitAmount();
  }
  const loads = Boolean(state.load?.runs), harms = Boolean(state.fault?.runs);
  off('load-start', loads || Boolean(state.elsewhere));
  off('load-end', !loads);
  off('fault-start', harms);
  off('fault-end', !harms);
  $('load-said').textContent = state.elsewhere ? `${state.elsewhere} runs, from a terminal` : tell(state.load, 'None was started here.');
  $('fault-said').textContent = tell(state.fault, 'None was started here.');
  clearTimeout(timer);
  if (loads || harms || state.elsewhere) timer = setTimeout(refreshErrands, lookAgain);
  const before = loaded;
  loaded = loads || Boolean(state.elsewhere);
  if (before && !loaded) ended();
}

async function act(button, said, method, path, body) {
  if (isOff(button)) return;
  try {
    show(await ask(method, path, body));
  } catch (problem) {
    said.textContent = problem.message;
  }
}

// Runs a load that the path's step suggests, as it stands there. Answers what there is to say.
export async function carryOut(command) {
  try {
    show(await ask('POST', 'api/v1/runs', { command }));
    return `${command}: begun`;
  } catch (problem) {
    return problem.message;
  }
}

let asking = false, again = false;

// Asks anew what runs. Events come many at once: while one question is open, all that come
// meanwhile are answered by one more.
export async function refreshErrands() {
  again = true;
  if (asking) return;
  asking = true;
  while (again) {
    again = false;
    try {
      show(await ask('GET', 'api/v1/runs'));
      // An answer to a question from before a load began tells nothing of it.
      if (!loaded && !again) none();
    } catch (problem) {
      $('load-said').textContent = problem.message;
      clearTimeout(timer);
      timer = setTimeout(refreshErrands, lookAgain);
    }
  }
  asking = false;
}

const number = id => Number($(id).value);
$('load-form').addEventListener('submit', event => {
  event.preventDefault();
  act('load-start', $('load-said'), 'POST', 'api/v1/runs', { profile: $('profile').value, seconds: number('load-seconds') });
});
$('load-end').addEventListener('click', () => act('load-end', $('load-said'), 'DELETE', 'api/v1/runs'));
$('fault-form').addEventListener('submit', event => {
  event.preventDefault();
  const body = { fault: $('fault').value, seconds: number('fault-seconds') };
  if (!$('amount-row').hidden) body.amount = number('amount');
  act('fault-start', $('fault-said'), 'POST', 'api/v1/faults', body);
});
$('fault-end').addEventListener('click', () => act('fault-end', $('fault-said'), 'DELETE', 'api/v1/faults'));
$('fault').addEventListener('change', fitAmount);
