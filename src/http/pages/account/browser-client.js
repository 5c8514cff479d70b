/**
 * The script of the page for links: it takes a link from the fragment, shows the forms for it, and sends
 * them. Opening the page sends nothing, because programs that scan e-mails open links, too.
 *
 * The link is removed from the address bar at once and kept in memory only: an address may end up in the
 * browser's history, on a screenshot or in a chat. So a reload, a duplicate of the tab and a return from
 * another page have no link any more. The history entry remembers that there was one, and the page then says
 * how to get it again.
 *
 * @typedef {{task: string, parts: {uid: string, token: string}}} Link
 */

const LINK = /^#(?<task>reset|activate)\/(?<uid>[^/]+)\/(?<token>[^/]+)$/;

/** @type {Link | undefined} */
let link;

open();
addEventListener('hashchange', open);
for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    // One at a time. The button stays enabled, since a disabled one would lose the focus.
    if (form.ariaBusy !== 'true') act(form);
  });
}

function open() {
  const { task = '', uid = '', token = '' } = LINK.exec(location.hash)?.groups ?? {};
  link = document.getElementById(task) ? { task, parts: { uid, token } } : undefined;
  if (link) {
    clearAddress({ hadLink: true });
    view(task);
  } else if (location.hash) refuse('link');
  else if (history.state?.hadLink) view('link-forgotten', 'forgot', 'resend');
  else view('forgot', 'resend');
}

/** @param {HTMLFormElement} form */
async function act(form) {
  const { re_new_password, ...body } = Object.fromEntries(new FormData(form));
  if (re_new_password !== body.new_password) {
    return showErrors(form, { re_new_password: 'The two password fields didn’t match.' });
  }
  form.ariaBusy = 'true';
  showErrors(form, {});
  const answer = await send(form.action, { ...link?.parts, ...body }).catch(() => undefined);
  form.ariaBusy = 'false';
  if (!answer) return showErrors(form, { detail: 'No answer. Is there a connection?' });
  if (answer.ok) return finish(form);
  const errors = await answer.json().catch(() => ({}));
  if (link && (errors.uid || errors.token || answer.status === 403)) return refuse(link.task);
  showErrors(form, answer.status === 400 ? errors : { detail: inPlainWords(answer) });
}

/** @param {string} url @param {object} body */
function send(url, body) {
  const headers = { 'Content-Type': 'application/json' };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** @param {Response} answer */
function inPlainWords({ status, headers }) {
  const seconds = headers.get('Retry-After');
  if (status === 429) return `That was too often. Please try again in ${seconds} seconds.`;
  if (status === 503) return 'This does not work at the moment. Please try again in a moment.';
  return 'Something went wrong on our side. Please try again later.';
}

/** Shows that it is done, and hides a form whose link is used. @param {HTMLFormElement} form */
function finish(form) {
  const section = form.closest('section');
  const done = section?.querySelector('.done');
  if (!section || !(done instanceof HTMLElement)) return;
  view(section.id);
  form.hidden = link !== undefined;
  forgetLink();
  done.hidden = false;
  done.focus();
}

/** Shows why a link was not usable, above the forms for a new one. @param {string} task */
function refuse(task) {
  forgetLink();
  const refusal = `${task}-refused`;
  if (task === 'activate') view(refusal, 'resend');
  else if (task === 'reset') view(refusal, 'forgot');
  else view(refusal, 'forgot', 'resend');
  document.getElementById(refusal)?.focus();
}

/** Forgets the link, and with it typed passwords. */
function forgetLink() {
  link = undefined;
  for (const form of document.forms) if (form.querySelector('[type=password]')) form.reset();
  clearAddress(null);
}

/** Takes the fragment out of the address bar and the history of this tab. @param {unknown} state */
function clearAddress(state) {
  history.replaceState(state, '', location.pathname + location.search);
}

/** Shows these parts of the page, as they are at first, and no others. @param {string[]} ids */
function view(...ids) {
  for (const part of document.querySelectorAll('[data-view]')) {
    if (part instanceof HTMLElement) part.hidden = !ids.includes(part.id);
  }
  for (const form of document.forms) form.hidden = false;
  for (const done of document.querySelectorAll('.done')) {
    if (done instanceof HTMLElement) done.hidden = true;
  }
}

/**
 * DRF's sentences: each at its field, whose input is marked and described by it; the rest above the button.
 * The first wrong field gets the focus.
 *
 * @param {HTMLFormElement} form @param {Record<string, unknown>} errors
 */
function showErrors(form, errors) {
  const { ...rest } = errors;
  for (const input of form.querySelectorAll('input')) {
    const sentences = rest[input.name];
    delete rest[input.name];
    input.ariaInvalid = sentences ? 'true' : null;
    const error = document.getElementById(`${input.id}-error`);
    if (error) error.textContent = sentences ? [sentences].flat().join(' ') : '';
  }
  const error = form.querySelector('[data-part=error]');
  if (error) error.textContent = Object.values(rest).flat().join(' ');
  const wrong = form.querySelector('[aria-invalid=true]');
  if (wrong instanceof HTMLElement) wrong.focus();
}
