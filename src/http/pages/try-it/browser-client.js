/**
 * A client of this API: `fetch`, `localStorage` and an `Authorization` header are all it takes. It reaches
 * the browser as it is written here, to be read. Each form names its request; what went over the wire is
 * shown beside it, with passwords masked.
 *
 * @typedef {{method: string, path: string, headers: Record<string, string>, body?: string}} Call
 * @typedef {{status: number, statusText: string, headers: Headers, text: string, ms: number}} Answer
 */

const MASK = '••••••••';

/** The path of the API, which is the page's, without a final slash. */
const BASE = location.pathname.replace(/\/$/, '');

/**
 * What an answer meant in the database: by request, status and `detail`, by request and status, or where
 * that says enough, by status.
 *
 * @type {Record<string, string>}
 */
const MEANINGS = {
  'POST /register 201': 'A row in auth_user and a row in authtoken_token, both or neither.',
  'POST /register 201 Verification e-mail sent.':
    'A row in auth_user that is not active yet, and none in authtoken_token. The link in the e-mail comes first.',
  'POST /register 400': 'Neither row was written.',
  'POST /login 200':
    'Read: the row in auth_user and its row in authtoken_token, which is made only if there is none.',
  'POST /login 401': 'Nothing written. A password hash was computed even if there is no such user.',
  'GET /me 200': 'One query: the row in authtoken_token, joined with its row in auth_user.',
  'POST /password 200':
    'A new hash in auth_user and a new key in authtoken_token, both or neither.',
  'POST /password 400': 'Nothing written: the old password and the old token still hold.',
  'POST /logout 204': 'The row in authtoken_token is deleted; the row in auth_user stays.',
  400: 'Nothing looked up, nothing written.',
  401: 'Nothing written: no row in authtoken_token let this request in.',
  429: 'Not asked: there were too many requests like this one.',
};

/** Headers that belong to the exchange; the others are said aside. */
const SHOWN = ['allow', 'cache-control', 'content-type', 'retry-after', 'www-authenticate'];

showToken();
for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    // One at a time. The button stays enabled, since a disabled one would lose the focus.
    if (form.ariaBusy !== 'true') act(form);
  });
}
document.getElementById('forget')?.addEventListener('click', ({ currentTarget }) => {
  if (currentTarget instanceof HTMLButtonElement && currentTarget.form) forget(currentTarget.form);
});
addEventListener('storage', showToken);

/** Sends what a form asks for, keeps the token that it brings, and shows the exchange. @param {HTMLFormElement} form */
async function act(form) {
  const call = callOf(form);
  form.ariaBusy = 'true';
  showErrors(form, {});
  const answer = await send(call).catch(() => undefined);
  form.ariaBusy = 'false';
  if (!answer) return showErrors(form, { detail: 'No answer. Is the server running?' });

  const data = parse(answer.text);
  if (data?.token) localStorage.setItem('token', data.token);
  if (answer.status === 204) localStorage.removeItem('token');
  showToken();
  showExchange(form, call, answer);
  if (answer.status >= 400) showErrors(form, data ?? { detail: 'The answer is not JSON.' });
  else for (const input of form.querySelectorAll('input[type=password]')) clear(input);
}

/** @param {HTMLFormElement} form @returns {Call} */
function callOf(form) {
  const token = localStorage.getItem('token');
  const fields = [...new FormData(form)].filter(([, value]) => value !== '');
  /** @type {Record<string, string>} */
  const headers = {};
  if (form.dataset.token && token) headers.Authorization = `Token ${token}`;
  const call = { method: form.method.toUpperCase(), path: new URL(form.action).pathname, headers };
  if (!form.querySelector('input')) return call;
  headers['Content-Type'] = 'application/json';
  return { ...call, body: JSON.stringify(Object.fromEntries(fields)) };
}

/** @param {Call} call @returns {Promise<Answer>} */
async function send({ path, ...init }) {
  const start = performance.now();
  const response = await fetch(path, init);
  const text = await response.text();
  const { status, statusText, headers } = response;
  return { status, statusText, headers, text, ms: Math.round(performance.now() - start) };
}

/** What the lesson's client does instead of logging out. @param {HTMLFormElement} form */
function forget(form) {
  localStorage.removeItem('token');
  showToken();
  showErrors(form, {});
  show(form, 'request', "localStorage.removeItem('token')");
  show(form, 'answer', 'Nothing went over the wire.');
  show(form, 'meaning', 'The row in authtoken_token stays: the next login answers the same token.');
  for (const name of ['more', 'copy', 'command', 'copied']) part(form, name).hidden = true;
}

function showToken() {
  const token = localStorage.getItem('token');
  const output = document.getElementById('token');
  if (output) output.textContent = token ?? 'is not set: register or log in';
}

/** @param {HTMLFormElement} form @param {Call} call @param {Answer} answer */
function showExchange(form, call, answer) {
  const { method, path, headers, body } = call;
  const { status, statusText, text, ms } = answer;
  show(form, 'request', `${method} ${path}`, [...lines(Object.entries(headers)), pretty(body)]);
  const all = [...answer.headers];
  const shown = lines(all.filter(([name]) => SHOWN.includes(name)));
  show(form, 'answer', `${status} ${statusText} · ${ms} ms`, [...shown, pretty(text)]);
  part(form, 'answer').dataset.ok = String(status < 400);
  show(form, 'headers', '', lines(all.filter(([name]) => !SHOWN.includes(name))));
  show(form, 'meaning', meaning(call, answer));
  show(form, 'copied', '');
  part(form, 'command').hidden = true;
  for (const name of ['more', 'copy', 'copied']) part(form, name).hidden = false;
  part(form, 'copy').onclick = () => copy(form, curl(call));
  part(form, 'meaning').scrollIntoView({ block: 'nearest' });
}

/** @param {Call} call @param {Answer} answer */
function meaning({ method, path }, { status, text }) {
  const outcome = `${method} ${path.slice(BASE.length)} ${status}`;
  const known =
    MEANINGS[`${outcome} ${parse(text)?.detail}`] ?? MEANINGS[outcome] ?? MEANINGS[status];
  return known ?? 'Unknown: only the server’s log tells.';
}

/**
 * DRF's sentences: each at its field, whose input is marked and described by it; the rest above the button.
 * The first wrong field gets the focus.
 *
 * @param {HTMLFormElement} form @param {Record<string, unknown>} errors
 */
function showErrors(form, errors) {
  const { valid, ...rest } = errors;
  for (const input of form.querySelectorAll('input')) {
    const sentences = rest[input.name];
    delete rest[input.name];
    input.ariaInvalid = sentences ? 'true' : null;
    const error = document.getElementById(`${input.id}-error`);
    if (error) error.textContent = sentences ? `${[sentences].flat().join(' ')}` : '';
  }
  show(form, 'error', Object.values(rest).flat().join(' '));
  const wrong = form.querySelector('[aria-invalid=true]');
  if (wrong instanceof HTMLElement) wrong.focus();
}

/** @param {HTMLFormElement} form @param {string} command */
async function copy(form, command) {
  try {
    await navigator.clipboard.writeText(command);
    show(form, 'copied', command.includes('password"') ? 'Copied, with the password.' : 'Copied.');
  } catch {
    // Browsers lend the clipboard to https and localhost only: then it is shown, for copying by hand.
    const area = part(form, 'command');
    area.hidden = false;
    area.textContent = command;
    area.focus();
    if (area instanceof HTMLTextAreaElement) area.select();
  }
}

/** The same request for a POSIX shell, with what was really sent. @param {Call} call */
function curl({ method, path, headers, body }) {
  const words = ['curl', '-X', method, quote(location.origin + path)];
  for (const line of lines(Object.entries(headers))) words.push('-H', quote(line));
  if (body) words.push('-d', quote(body));
  return words.join(' ');
}

/** A word that a POSIX shell takes as it is. @param {string} text */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {[string, string][]} headers */
function lines(headers) {
  return headers.map(([name, value]) => `${name}: ${value}`);
}

/** JSON laid out, passwords masked. @param {string} [json] */
function pretty(json) {
  const data = parse(json);
  if (!data) return json;
  const mask = (/** @type {string} */ key, /** @type {unknown} */ value) =>
    key.endsWith('password') && typeof value === 'string' ? MASK : value;
  return `\n${JSON.stringify(data, mask, 2)}`;
}

/** @param {string} [text] @returns {Record<string, any> | undefined} */
function parse(text) {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/**
 * Writes into a part of the step: a first line that stands out where there are others, then those.
 *
 * @param {HTMLFormElement} form @param {string} name @param {string} first @param {(string | undefined)[]} [rest]
 */
function show(form, name, first, rest) {
  const element = part(form, name);
  element.replaceChildren(first);
  if (!rest) return;
  const strong = document.createElement('strong');
  strong.textContent = first;
  element.replaceChildren(strong, ['', ...rest].filter((line) => line !== undefined).join('\n'));
}

/** @param {HTMLFormElement} form @param {string} name */
function part(form, name) {
  const element = form.parentElement?.querySelector(`[data-part=${name}]`);
  if (!(element instanceof HTMLElement)) throw new Error(`There is no ${name} on the page.`);
  return element;
}

/** @param {Element} input */
function clear(input) {
  if (input instanceof HTMLInputElement) input.value = '';
}
