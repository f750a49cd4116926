// The list of strategies, each with a button that swaps to it. What a plugin says
// of itself is text, and only ever shown as text.

const list = document.getElementById('strategies');
const said = document.getElementById('swap-said');

const element = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};

async function use(name, button) {
  // Not disabled: the focus would be lost.
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  said.textContent = `Swapping to ${name}…`;
  try {
    const answer = await fetch('api/v1/strategy', { method: 'PUT',
      headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name }) });
    const body = await answer.json();
    said.textContent = !answer.ok ? `${name} is not used: ${body.detail}`
      : `${body.from || 'the built-in plan'} → ${body.to}, in ${body.took_ms.toFixed(1)} ms`;
  } catch {
    said.textContent = `The host did not answer; ${name} may not be in use.`;
  }
  button.removeAttribute('aria-disabled');
}

// A slider for each setting of the strategy in use: in force when it is let go.
function slider(name, param) {
  const label = element('label'), input = element('input'), shown = element('output');
  const value = param.value ?? param.default, whole = param.type !== 'real';
  label.title = param.help;
  Object.assign(input, { type: 'range', min: param.min, max: param.max, step: whole ? 1 : 'any', value });
  shown.textContent = value;
  input.addEventListener('input', () => { shown.textContent = whole ? input.value : Number(input.value).toPrecision(3); });
  input.addEventListener('change', () => change(name, param.name, Number(input.value)));
  label.append(param.name, input, shown);
  return label;
}

async function change(strategy, name, value) {
  said.textContent = `Setting ${name} to ${value}…`;
  try {
    const answer = await fetch('api/v1/strategy', { method: 'PUT', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: strategy, params: { [name]: value } }) });
    const body = await answer.json();
    said.textContent = answer.ok ? `${strategy}: ${name} = ${body.params[name]}` : `${name} is not changed: ${body.detail}`;
    if (!answer.ok) refreshStrategies({ anew: true });
  } catch {
    said.textContent = `The host did not answer; ${name} may not be changed.`;
  }
}

function settings(params) {
  return params.map(param => `${param.name} = ${param.value ?? param.default}`).join(', ');
}

function row(one) {
  const item = element('li');
  item.dataset.name = one.name;
  const about = element('div');
  about.append(element('strong', one.name), element('p', one.summary));
  item.append(about);
  if (one.in_use) item.append(element('span', '✓ in use', 'in-use'));
  else if (one.usable) {
    const button = element('button', 'use');
    button.type = 'button';
    button.setAttribute('aria-label', `use ${one.name}`);
    button.addEventListener('click', () => use(one.name, button));
    item.append(button);
  }
  if (!one.usable) item.append(element('p', `✗ The verifier refuses it: ${one.problem}`, 'settings refused'));
  else if (one.warnings.length) item.append(element('p', `! Verified, with a warning: ${one.warnings.join(' · ')}`, 'settings'));
  else if (one.source === 'my') item.append(element('p', '✓ Verified', 'settings'));
  if (!one.usable) return item;
  if (one.in_use) {
    const sliders = element('div', undefined, 'sliders');
    sliders.append(...one.params.map(param => slider(one.name, param)));
    item.append(sliders);
  } else if (one.params.length) item.append(element('p', settings(one.params), 'settings'));
  return item;
}

let asked = 0, shown = '';

// Asks the host anew. Where the focus was in the list, it stays on that strategy. What has not
// changed is left alone, since somebody may be pressing it; `anew`: a slider stands where it must not.
export async function refreshStrategies({ anew = false } = {}) {
  const turn = ++asked;
  try {
    const answer = await fetch('api/v1/strategies');
    if (!answer.ok) return;
    const all = await answer.json();
    if (turn !== asked) return; // a later answer is on its way
    const now = JSON.stringify(all);
    if (now === shown && !anew) return;
    shown = now;
    const active = document.activeElement, focused = active?.closest('#strategies li')?.dataset.name;
    const place = [...(active?.closest('.sliders')?.children ?? [])].findIndex(label => label.contains(active));
    list.replaceChildren(...all.map(row));
    if (place >= 0) list.querySelectorAll('.sliders input')[place]?.focus();
    else if (focused) {
      const item = [...list.children].find(one => one.dataset.name === focused);
      (item?.querySelector('button, input') ?? list.querySelector('button'))?.focus();
    }
  } catch {
    // The host is away; the list is asked for again when it is back.
  }
}
