/**
 * A client of this API. It needs only `fetch`, `localStorage` and an `Authorization` header. The browser gets
 * this source unchanged, so that users can read it. Method and path of a request are those of its form. The
 * request and the response are shown next to the form, with passwords masked.
 *
 * @typedef {{method: string, path: string, headers: Record<string, string>, body?: string}} Call
 * @typedef {{id: string, token_key: string, created: string, expiry: string | null, is_current: boolean}} Token
 * @typedef {{status: number, statusText: string, headers: Headers, text: string, ms: number}} CallResponse
 */

const MASK = '••••••••';

/** The path of the API, without a trailing slash. The page has the same path. */
const BASE = location.pathname.replace(/\/$/, '');

/** The table of the tokens, and what happens to a token that is only forgotten. */
const { table: TABLE, forgotten: FORGOTTEN } = document.querySelector('main')?.dataset ?? {};

const REGISTERED = `A new row in auth_user and a new row in ${TABLE}, written in one transaction.`;
const UNVERIFIED = `A new row in auth_user that is not active, and no row in ${TABLE}. The link in the e-mail activates the user.`;
const LOGGED_IN =
  TABLE === 'knox_authtoken'
    ? 'The row in auth_user was read, and a row in knox_authtoken was inserted.'
    : 'The row in auth_user and its row in authtoken_token were read. If there was no token, it was inserted.';

/**
 * The effect of a request in the database. The keys are request, status and `detail`, or request and status,
 * or only the status.
 *
 * @type {Record<string, string>}
 */
const MEANINGS = {
  'POST /register 200': REGISTERED,
  'POST /register 201': REGISTERED,
  'POST /register 201 Verification e-mail sent.': UNVERIFIED,
  'POST /register 200 Verification e-mail sent.': UNVERIFIED,
  'POST /register 400': 'Neither row was written.',
  'POST /login 200': LOGGED_IN,
  'POST /login 401':
    'Nothing was written. A password hash was computed even if the user does not exist.',
  'GET /me 200': `One query: the row in ${TABLE}, joined with its row in auth_user.`,
  'GET /tokens 200': `The rows of the user in ${TABLE} were read.`,
  'DELETE /tokens/{id} 204': `The row in ${TABLE} was deleted. Its token is not valid any more.`,
  'DELETE /tokens/{id} 404': 'Nothing was deleted. The token was deleted before.',
  'POST /logoutall 204': `All rows of the user in ${TABLE} were deleted.`,
  'POST /password 200': `A new hash in auth_user and a new token in ${TABLE}, written in one transaction.`,
  'POST /password 400': 'Nothing was written. The old password and the old token are still valid.',
  'POST /logout 204': `The row in ${TABLE} was deleted. The row in auth_user was not changed.`,
  400: 'Nothing was read or written.',
  401: 'Nothing was written. The request has no valid token.',
  429: 'Nothing was written. There were too many requests of this kind.',
};

/** The headers that are always shown. The others are in a collapsed element. */
const SHOWN = ['allow', 'cache-control', 'content-type', 'retry-after', 'www-authenticate'];

showToken();
for (const form of document.forms) {
  form.addEventListener('input', () => showPreview(form));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    // One request at a time. The button stays enabled, because a disabled button loses the focus.
    if (form.ariaBusy !== 'true') submit(form);
  });
}
document.getElementById('forget')?.addEventListener('click', ({ currentTarget }) => {
  if (currentTarget instanceof HTMLButtonElement && currentTarget.form) forget(currentTarget.form);
});
document.getElementById('everywhere')?.addEventListener('click', ({ currentTarget }) => {
  const form = currentTarget instanceof HTMLButtonElement ? currentTarget.form : undefined;
  if (form && form.ariaBusy !== 'true') {
    submit(form, { ...callOf(form), method: 'POST', path: `${BASE}/logoutall` });
  }
});
addEventListener('storage', showToken);

/**
 * Sends a form, stores the token of the response, and shows request and response.
 *
 * @param {HTMLFormElement} form @param {Call} [call] @param {Token} [ended] the token that the request deletes
 */
async function submit(form, call = callOf(form), ended) {
  const token = localStorage.getItem('token');
  form.ariaBusy = 'true';
  showErrors(form, {});
  const response = await send(call).catch(() => undefined);
  form.ariaBusy = 'false';
  if (!response) return showErrors(form, { detail: 'No response. Is the server running?' });

  const data = parse(response.text);
  if (data?.token) localStorage.setItem('token', data.token);
  const isOfOther = ended && !ended.is_current;
  if (response.status === 204 && !isOfOther) localStorage.removeItem('token');
  showToken();
  const rest = listed.filter((each) => each !== ended);
  if (Array.isArray(data)) showTokens(form, data);
  else if (ended && [204, 404].includes(response.status)) showTokens(form, rest);
  if (localStorage.getItem('token') !== token) forgetTokens();
  showExchange(form, call, response);
  if (response.status >= 400) showErrors(form, data ?? { detail: 'The response is not JSON.' });
  else {
    const username = data?.username ?? new FormData(form).get('username');
    if (username) setUsername(username);
    for (const input of form.querySelectorAll('input[type=password]')) clear(input);
  }
}

/** The tokens in the list. @type {Token[]} */
let listed = [];

/** Lists the tokens, with a button for each. @param {HTMLFormElement} form @param {Token[]} tokens */
function showTokens(form, tokens) {
  listed = tokens;
  const list = part(form, 'tokens');
  const hadFocus = list.contains(document.activeElement);
  list.hidden = tokens.length === 0;
  list.replaceChildren(...tokens.map((token) => lineOf(form, token)));
  // The button that had the focus is gone.
  const next = list.querySelector('button') ?? form.querySelector('[type=submit]');
  if (hadFocus && next instanceof HTMLElement) next.focus();
}

/** @param {HTMLFormElement} form @param {Token} token */
function lineOf(form, token) {
  const { id, token_key, created, is_current } = token;
  const line = document.createElement('li');
  const text = document.createElement('span');
  const key = document.createElement('code');
  key.textContent = `${token_key}…`;
  const since = new Date(created).toLocaleString();
  text.append(key, ` since ${since}${is_current ? ', this browser' : ''}`);
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'quiet';
  button.textContent = 'Log out';
  button.ariaLabel = `Log out ${token_key}`;
  button.addEventListener('click', () => {
    const call = callOf(form);
    if (form.ariaBusy === 'true') return;
    submit(form, { ...call, method: 'DELETE', path: `${call.path}/${id}` }, token);
  });
  line.append(text, button);
  return line;
}

/** Empties the list, which is of another user or of no one now. */
function forgetTokens() {
  const form = document.getElementById('everywhere')?.closest('form');
  if (form) showTokens(form, []);
}

/** @param {HTMLFormElement} form @returns {Call} */
function callOf(form) {
  const token = localStorage.getItem('token');
  const fields = [...new FormData(form)].filter(([, value]) => value !== '');
  /** @type {Record<string, string>} */
  const headers = {};
  const { keyword } = form.dataset;
  if (keyword && token) headers.Authorization = `${keyword} ${token}`;
  const call = { method: form.method.toUpperCase(), path: new URL(form.action).pathname, headers };
  if (!form.querySelector('input')) return call;
  headers['Content-Type'] = 'application/json';
  return { ...call, body: JSON.stringify(Object.fromEntries(fields)) };
}

/** @param {Call} call @returns {Promise<CallResponse>} */
async function send({ path, ...init }) {
  const start = performance.now();
  const response = await fetch(path, init);
  const text = await response.text();
  const { status, statusText, headers } = response;
  return { status, statusText, headers, text, ms: Math.round(performance.now() - start) };
}

/** Removes the token from this browser without a request. Simple clients log out like this. @param {HTMLFormElement} form */
function forget(form) {
  localStorage.removeItem('token');
  showToken();
  forgetTokens();
  showErrors(form, {});
  form.dataset.used = 'true';
  show(form, 'request', "localStorage.removeItem('token')");
  show(form, 'response', 'No request was sent.');
  show(form, 'meaning', `No change. ${FORGOTTEN}`);
  for (const name of ['more', 'copy', 'command', 'copied']) part(form, name).hidden = true;
}

function showToken() {
  const token = localStorage.getItem('token');
  const output = document.getElementById('token');
  if (output) output.textContent = token ?? 'not set: register or log in';
  for (const form of document.forms) showPreview(form);
}

/**
 * Shows the request that the form would send, with three dots for required fields that are empty. After the
 * button is used, its request stays.
 *
 * @param {HTMLFormElement} form
 */
function showPreview(form) {
  if (form.dataset.used) return;
  const call = callOf(form);
  const required = [...form.querySelectorAll('input[aria-required]')];
  const dots = Object.fromEntries(required.map((input) => [input.getAttribute('name'), '…']));
  if (call.body) call.body = JSON.stringify({ ...dots, ...JSON.parse(call.body) });
  showRequest(form, call);
}

/** @param {HTMLFormElement} form @param {Call} call */
function showRequest(form, { method, path, headers, body }) {
  show(form, 'request', `${method} ${path}`, [...lines(Object.entries(headers)), pretty(body)]);
}

/** Password managers store a new password for the username in its form. @param {string} username */
function setUsername(username) {
  for (const input of document.querySelectorAll('[data-part=username]')) {
    if (input instanceof HTMLInputElement) input.value = username;
  }
}

/** @param {HTMLFormElement} form @param {Call} call @param {CallResponse} response */
function showExchange(form, call, response) {
  const { status, statusText, text, ms } = response;
  form.dataset.used = 'true';
  showRequest(form, call);
  const all = [...response.headers];
  const shown = lines(all.filter(([name]) => SHOWN.includes(name)));
  show(form, 'response', `${status} ${statusText} · ${ms} ms`, [...shown, pretty(text)]);
  part(form, 'response').dataset.ok = String(status < 400);
  show(form, 'headers', '', lines(all.filter(([name]) => !SHOWN.includes(name))));
  show(form, 'meaning', meaning(call, response));
  show(form, 'copied', '');
  part(form, 'command').hidden = true;
  for (const name of ['more', 'copy', 'copied']) part(form, name).hidden = false;
  part(form, 'copy').onclick = () => copy(form, curl(call));
  part(form, 'meaning').scrollIntoView({ block: 'nearest' });
}

/** @param {Call} call @param {CallResponse} response */
function meaning({ method, path }, { status, text }) {
  const outcome = `${method} ${path.slice(BASE.length).replace(/^(\/tokens\/).*/, '$1{id}')} ${status}`;
  const known =
    MEANINGS[`${outcome} ${parse(text)?.detail}`] ?? MEANINGS[outcome] ?? MEANINGS[status];
  return known ?? 'Unknown. See the server log.';
}

/**
 * Shows DRF's messages at their inputs, and marks these inputs. Messages without an input are shown above the
 * button. The first invalid input gets the focus.
 *
 * @param {HTMLFormElement} form @param {Record<string, unknown>} errors
 */
function showErrors(form, errors) {
  const { valid, message, ...rest } = errors;
  for (const input of form.querySelectorAll('input')) {
    const messages = rest[input.name];
    delete rest[input.name];
    input.ariaInvalid = messages ? 'true' : null;
    const error = document.getElementById(`${input.id}-error`);
    if (error) error.textContent = messages ? `${[messages].flat().join(' ')}` : '';
  }
  show(form, 'error', Object.values(rest).flat().join(' '));
  const invalid = form.querySelector('[aria-invalid=true]');
  if (invalid instanceof HTMLElement) invalid.focus();
}

/** @param {HTMLFormElement} form @param {string} command */
async function copy(form, command) {
  try {
    await navigator.clipboard.writeText(command);
    const hasPassword = command.includes('password"');
    show(form, 'copied', hasPassword ? 'Copied. The command contains the password.' : 'Copied.');
  } catch {
    // Browsers allow the clipboard on https and localhost only. Otherwise the command is shown as text.
    const area = part(form, 'command');
    area.hidden = false;
    area.textContent = command;
    area.focus();
    if (area instanceof HTMLTextAreaElement) area.select();
  }
}

/** The same request as a command for a POSIX shell, with unmasked passwords. @param {Call} call */
function curl({ method, path, headers, body }) {
  const words = ['curl', '-X', method, quote(location.origin + path)];
  for (const line of lines(Object.entries(headers))) words.push('-H', quote(line));
  if (body) words.push('-d', quote(body));
  return words.join(' ');
}

/** Quotes a word for a POSIX shell. @param {string} text */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {[string, string][]} headers */
function lines(headers) {
  return headers.map(([name, value]) => `${name}: ${value}`);
}

/** Indents JSON and masks passwords. @param {string} [json] */
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
 * Writes text to a part of the step. If more lines follow the first line, it is bold.
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
  if (!(element instanceof HTMLElement)) throw new Error(`The page has no part named ${name}.`);
  return element;
}

/** @param {Element} input */
function clear(input) {
  if (input instanceof HTMLInputElement) input.value = '';
}
