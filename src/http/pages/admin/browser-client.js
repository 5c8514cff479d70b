/**
 * The script of the staff page. The token is in sessionStorage: it ends with the tab, and no other site can
 * send it. After some minutes the page forgets it. What users have typed is only ever set as text.
 *
 * @typedef {{token: string, until: number}} Session
 * @typedef {{id: number, username: string, first_name: string, last_name: string, email: string,
 *   is_active: boolean, is_staff: boolean, is_superuser: boolean, date_joined: string,
 *   last_login: string | null, has_usable_password: boolean}} ListedUser
 * @typedef {ListedUser & {token_created: string | null, acts: string[]}} User
 */
import { showErrors } from '../shared/show-errors.js';

const MINUTE_MS = 60_000;
const KEY = 'staff';

/** The path of the page. */
const HOME = '#users';

/** Django's words (django/contrib/admin/forms.py). */
const NOT_STAFF =
  'Please enter the correct username and password for a staff account. Note that both fields may be case-sensitive.';

/** The text after an act. @type {Record<string, string>} */
const DONE = {
  activate: 'The user is active.',
  deactivate: 'The user is no longer active.',
  end_sessions: 'The token is deleted. The user must log in again.',
  reset_password: 'A link for a new password will be sent.',
};

const main = one('main');
const { api = '', keyword = '', minutes = '' } = main.dataset;

/** The user that is shown. @type {User | undefined} */
let shown;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Counts what is asked for, so that a late response is not shown. */
let renders = 0;

render();
addEventListener('hashchange', () => {
  say('');
  render();
});
one('#log-out').addEventListener('click', () => logOut());
for (const button of document.querySelectorAll('[data-act]')) {
  button.addEventListener('click', () => act(button.getAttribute('data-act') ?? ''));
}
onSubmit('#search', search);
onSubmit('#log-in form', logIn);
onSubmit('#edit form', edit);
onSubmit('#rights form', setRights);
onSubmit('#delete form', remove);

/** Shows the view of the fragment, unless another one is requested before the response. */
async function render() {
  const own = ++renders;
  if (!session()) return show('log-in');
  const [name = '', query = ''] = (location.hash || HOME).slice(1).split('?');
  const [, id] = /^user\/(\d+)$/.exec(name) ?? [];
  const path = id ? `/users/${id}` : name === 'checks' ? '/checks' : `/users?${query}`;
  if (path === `/users?${query}`) fillSearch(new URLSearchParams(query));
  const response = await call('GET', path);
  if (own !== renders) return;
  if (!response.ok) refuse(response);
  else if (id) showUser(response.data);
  else if (name === 'checks') showChecks(response.data);
  else showUsers(query, response.data);
}

/** The token, unless it is to be forgotten. @returns {Session | undefined} */
function session() {
  const stored = sessionStorage.getItem(KEY);
  /** @type {Session | undefined} */
  const found = stored ? JSON.parse(stored) : undefined;
  clearTimeout(timer);
  if (!found || found.until <= Date.now()) {
    sessionStorage.removeItem(KEY);
    return undefined;
  }
  timer = setTimeout(() => logOut('Please log in again.'), found.until - Date.now());
  return found;
}

/** Forgets the token. It stays valid for other devices of its user. @param {string} [reason] @param {boolean} [isWrong] */
function logOut(reason = 'Logged out.', isWrong = false) {
  renders++;
  sessionStorage.removeItem(KEY);
  forget();
  show('log-in');
  say(reason, isWrong);
}

/** Removes what the page has shown. */
function forget() {
  shown = undefined;
  for (const id of ['#rows', '#facts', '#findings', '#user-title']) one(id).replaceChildren();
  for (const form of document.forms) form.reset();
}

/** @param {HTMLFormElement} form */
async function logIn(form) {
  const { password, username } = fieldsOf(form);
  const response = await send('POST', form.action, { username, password });
  if (!response.ok)
    return showErrors(form, response.status === 401 ? { detail: NOT_STAFF } : response.data);
  const until = Date.now() + Number(minutes) * MINUTE_MS;
  sessionStorage.setItem(KEY, JSON.stringify({ token: response.data.token, until }));
  form.reset();
  await render();
}

/** Sends a request of the API with the token. @param {string} method @param {string} path @param {object} [body] */
async function call(method, path, body) {
  const { token = '' } = session() ?? {};
  const response = await send(method, api + path, body, { Authorization: `${keyword} ${token}` });
  if (response.status === 401) logOut('Please log in again.');
  return response;
}

/** @param {string} method @param {string} url @param {object} [body] @param {Record<string, string>} [headers] */
async function send(method, url, body, headers = {}) {
  try {
    const response = await fetch(url, {
      method,
      headers: body ? { ...headers, 'Content-Type': 'application/json' } : headers,
      body: body ? JSON.stringify(body) : null,
    });
    const { ok, status } = response;
    const data = await response.json().catch(() => ({}));
    return { ok, status, data };
  } catch {
    return { ok: false, status: 0, data: { detail: 'No response. Please try again.' } };
  }
}

/** Shows why a view cannot be shown. @param {{status: number, data: any}} response */
function refuse({ status, data }) {
  if (status === 401) return;
  if (status === 403) return logOut(NOT_STAFF, true);
  show();
  say(Object.values(data).flat().join(' '), true);
}

/** @param {string} query @param {{users: ListedUser[], next: string | null}} page */
function showUsers(query, { users, next }) {
  show('users');
  one('#rows').replaceChildren(...users.map(row));
  const parameters = new URLSearchParams(query);
  const nextPage = one('#next');
  nextPage.hidden = next === null;
  parameters.set('after', next ?? '');
  nextPage.setAttribute('href', `#users?${parameters}`);
  if (users.length === 0) {
    say(
      next === null ? 'No users.' : 'None of the users looked at so far. The next page has others.',
    );
  }
}

/** Before the response, because staff may already type. @param {URLSearchParams} parameters */
function fillSearch(parameters) {
  for (const [name, unset] of Object.entries({ search: '', by: 'username', filter: '' })) {
    fillField(`#search [name=${name}]`, parameters.get(name) ?? unset);
  }
}

/** @param {ListedUser} user */
function row(user) {
  const link = element('a', user.username || '(blank)');
  link.setAttribute('href', `#user/${user.id}`);
  const item = element('li');
  item.append(link, element('span', user.email || 'no address'), element('span', flags(user)));
  return item;
}

/** @param {ListedUser} user */
function flags({ is_active, is_staff, is_superuser }) {
  const rights = is_superuser ? 'superuser' : is_staff ? 'staff' : '';
  return [is_active ? 'active' : 'inactive', rights].filter(Boolean).join(', ');
}

/** @param {HTMLFormElement} form */
function search(form) {
  const filled = Object.entries(fieldsOf(form)).filter(([, value]) => value !== '');
  const hash = `#users?${new URLSearchParams(Object.fromEntries(filled))}`;
  if (location.hash === hash) return render();
  location.hash = hash;
}

/** @param {User} user */
function showUser(user) {
  fill(user);
  show('user');
  one('#user-title').focus();
}

/** @param {User} user */
function fill(user) {
  shown = user;
  one('#user-title').textContent = user.username || '(blank)';
  const token = user.token_created;
  const facts = {
    Email: user.email || 'none',
    Name: `${user.first_name} ${user.last_name}`.trim() || 'none',
    Status: flags(user),
    Joined: time(user.date_joined),
    'Last login': user.last_login ? time(user.last_login) : 'not stored',
    Token: token ? `created ${time(token)}` : 'none',
    Password: user.has_usable_password ? 'set' : 'none that can be used',
  };
  one('#facts').replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => [
      element('dt', name),
      element('dd', value),
    ]),
  );
  for (const button of document.querySelectorAll('[data-act]')) {
    button.toggleAttribute('hidden', !user.acts.includes(button.getAttribute('data-act') ?? ''));
  }
  one('#powerless').hidden = user.acts.length > 0;
  const forms = { edit: 'edit', rights: 'set_rights', delete: 'delete' };
  for (const [id, name] of Object.entries(forms)) {
    one(`#${id}`).hidden = !user.acts.includes(name);
    const form = one(`#${id} form`);
    if (!(form instanceof HTMLFormElement)) continue;
    form.reset();
    showErrors(form, {});
  }
  for (const name of /** @type {const} */ (['username', 'first_name', 'last_name', 'email'])) {
    fillField(`#edit-${name}`, user[name]);
  }
  const rights = user.is_superuser ? 'superuser' : user.is_staff ? 'staff' : 'none';
  fillField('#rights-rights', rights);
}

/** @param {string} selector @param {string} value */
function fillField(selector, value) {
  const field = one(selector);
  if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
}

/** Django's datetime text is UTC. @param {string} text */
function time(text) {
  return `${text.slice(0, 16)} UTC`;
}

/** @param {string} name */
async function act(name) {
  if (!shown || main.ariaBusy === 'true') return;
  main.ariaBusy = 'true';
  const response = await call('POST', `/users/${shown.id}/${name}`);
  main.ariaBusy = 'false';
  after(response, DONE[name] ?? '');
}

/** @param {{ok: boolean, status: number, data: any}} response @param {string} done */
function after({ ok, status, data }, done) {
  if (status === 401) return;
  if (ok && data.id === shown?.id) fill(data);
  say(ok ? done : Object.values(data).flat().join(' '), !ok);
}

/** @param {HTMLFormElement} form */
async function edit(form) {
  if (!shown) return;
  const { current_password, ...fields } = fieldsOf(form);
  const body = current_password ? { ...fields, current_password } : fields;
  await change(form, 'PATCH', `/users/${shown.id}`, body, 'The user was changed.');
}

/** @param {HTMLFormElement} form */
async function setRights(form) {
  if (!shown) return;
  const { rights, current_password } = fieldsOf(form);
  const is_superuser = rights === 'superuser';
  const is_staff = rights !== 'none';
  const body = { is_staff, is_superuser, current_password };
  await change(form, 'PUT', `/users/${shown.id}/rights`, body, 'The rights were changed.');
}

/**
 * Sends a form and shows the user after the change.
 *
 * @param {HTMLFormElement} form @param {string} method @param {string} path @param {object} body @param {string} done
 */
async function change(form, method, path, body, done) {
  const response = await call(method, path, body);
  if (response.ok) after(response, done);
  else showErrors(form, response.data);
}

/** @param {HTMLFormElement} form */
async function remove(form) {
  if (!shown) return;
  const { id, username } = shown;
  // The first field is the confirmation. It has no name, so it is not sent.
  if (form.querySelector('input')?.value !== username) {
    return showErrors(form, { confirmation: `Enter ${username}, as above.` });
  }
  const response = await call('DELETE', `/users/${id}`, fieldsOf(form));
  if (!response.ok) return showErrors(form, response.data);
  forget();
  // No entry of the history leads back to the user.
  history.replaceState(null, '', HOME);
  await render();
  say(`The user ${username} was deleted.`);
}

/** @param {{checks: {level: string, text: string}[]}} findings */
function showChecks({ checks }) {
  show('checks');
  one('#findings').replaceChildren(
    ...checks.map(({ level, text }) => {
      const item = element('li');
      item.dataset.level = level;
      item.append(element('strong', level), element('span', text));
      return item;
    }),
  );
}

/** Shows these views and hides the others. @param {string[]} ids */
function show(...ids) {
  for (const view of document.querySelectorAll('[data-view]')) {
    view.toggleAttribute('hidden', !ids.includes(view.id));
  }
  one('#menu').hidden = ids.includes('log-in');
  for (const link of document.querySelectorAll('#menu a')) {
    link.ariaCurrent = ids.includes(link.getAttribute('href')?.slice(1) ?? '') ? 'page' : null;
  }
}

/** Shows a message. It gets the focus, because the button that led to it may be gone. @param {string} text @param {boolean} [isWrong] */
function say(text, isWrong = false) {
  const message = one('#message');
  message.textContent = text;
  message.toggleAttribute('data-wrong', isWrong);
  if (text) message.focus();
}

/** One request of a form at a time. @param {string} selector @param {(form: HTMLFormElement) => unknown} handle */
function onSubmit(selector, handle) {
  const form = one(selector);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (!(form instanceof HTMLFormElement) || form.ariaBusy === 'true') return;
    form.ariaBusy = 'true';
    say('');
    showErrors(form, {});
    await handle(form);
    form.ariaBusy = 'false';
  });
}

/** @param {HTMLFormElement} form @returns {Record<string, string>} */
function fieldsOf(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, `${value}`]));
}

/** @param {string} name @param {string} [text] */
function element(name, text = '') {
  const created = document.createElement(name);
  created.textContent = text;
  return created;
}

/** @param {string} selector */
function one(selector) {
  const found = document.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`The page has no ${selector}.`);
  return found;
}
