/**
 * The script of the page for links. It reads a link from the fragment, shows the forms for it, and sends
 * them. Opening the page sends no request, because programs that scan e-mails open links too.
 *
 * The script removes the link from the address bar and keeps it in memory only. Otherwise it could end up in
 * the browser's history, in a screenshot or in a chat. After a reload, in a copy of the tab and after a return
 * from another page, the link is lost. The history entry stores the task of the link, so that the page can
 * explain how to get it again.
 *
 * @typedef {{task: string, parts: {uid: string, token: string}}} Link
 */
import { showErrors } from '../shared/show-errors.js';

const LINK = /^#(?<task>reset|username|activate)\/(?<uid>[^/]+)\/(?<token>[^/]+)$/;

/** The forms that request a new link, by the task of the link. @type {Record<string, string[]>} */
const REQUESTS = { reset: ['forgot'], username: ['forgot-username'], activate: ['resend'] };

/** @type {Link | undefined} */
let link;

open();
addEventListener('hashchange', open);
for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    // One request at a time. The button stays enabled, because a disabled button loses the focus.
    if (form.ariaBusy !== 'true') submit(form);
  });
}

for (const button of document.querySelectorAll('[data-part=again]')) {
  button.addEventListener('click', () => startAgain(button));
}

function open() {
  const { task = '', uid = '', token = '' } = LINK.exec(location.hash)?.groups ?? {};
  link = document.getElementById(task) ? { task, parts: { uid, token } } : undefined;
  if (link) {
    clearAddress({ task });
    show(task);
  } else if (location.hash) refuse('link');
  else if (history.state?.task) show('link-forgotten', ...requestsFor(history.state.task));
  else show(...requestsFor());
}

/** @param {string} [task] */
function requestsFor(task = '') {
  return REQUESTS[task] ?? ['forgot', 'resend'];
}

/** @param {HTMLFormElement} form */
async function submit(form) {
  const body = Object.fromEntries(new FormData(form));
  if (body.re_new_password !== body.new_password) {
    return showErrors(form, { re_new_password: 'The two password fields didn’t match.' });
  }
  // For USERNAME_RESET_CONFIRM_RETYPE. A username can be read while it is typed.
  if (body.new_username !== undefined) body.re_new_username = body.new_username;
  form.ariaBusy = 'true';
  showErrors(form, {});
  const response = await send(form.action, { ...link?.parts, ...body }).catch(() => undefined);
  const errors = response?.ok ? {} : await response?.json().catch(() => ({}));
  form.ariaBusy = 'false';
  if (!response) {
    return showErrors(form, { detail: 'No response. Check your connection and try again.' });
  }
  if (response.ok) return finish(form);
  if (link && (errors.uid || errors.token || response.status === 403)) return refuse(link.task);
  showErrors(form, response.status === 400 ? errors : { detail: errorMessage(response) });
}

/** @param {string} url @param {object} body */
function send(url, body) {
  const headers = { 'Content-Type': 'application/json' };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** @param {Response} response */
function errorMessage({ status, headers }) {
  const seconds = headers.get('Retry-After');
  if (status === 429) return `Too many attempts. Please try again in ${seconds} seconds.`;
  if (status === 503) return 'This is temporarily unavailable. Please try again in a moment.';
  return 'Something went wrong on our side. Please try again later.';
}

/** Shows the success message instead of the form. @param {HTMLFormElement} form */
function finish(form) {
  const section = form.closest('section');
  const done = section?.querySelector('.done');
  const message = done?.querySelector('[role=status]');
  if (!section || !(done instanceof HTMLElement && message instanceof HTMLElement)) return;
  show(section.id);
  form.hidden = true;
  forgetLink();
  done.hidden = false;
  message.focus();
}

/** Shows the form instead of the success message. @param {Element} button */
function startAgain(button) {
  const section = button.closest('section');
  if (!section) return;
  show(section.id);
  section.querySelector('input')?.focus();
}

/** Shows why a link cannot be used, above the forms to request a new one. @param {string} task */
function refuse(task) {
  forgetLink();
  const refusal = `${task}-refused`;
  show(refusal, ...requestsFor(task));
  document.getElementById(refusal)?.focus();
}

/** Removes the link and the typed passwords from memory and from the page. */
function forgetLink() {
  link = undefined;
  for (const form of document.forms)
    if (form.querySelector('[autocomplete$=password]')) form.reset();
  clearAddress(null);
}

/** Removes the fragment from the address bar and from the history of this tab. @param {unknown} state */
function clearAddress(state) {
  history.replaceState(state, '', location.pathname + location.search);
}

/** Shows these parts of the page in their initial state and hides all others. @param {string[]} ids */
function show(...ids) {
  for (const part of document.querySelectorAll('[data-view]')) {
    if (part instanceof HTMLElement) part.hidden = !ids.includes(part.id);
  }
  for (const form of document.forms) form.hidden = false;
  for (const done of document.querySelectorAll('.done')) {
    if (done instanceof HTMLElement) done.hidden = true;
  }
}
