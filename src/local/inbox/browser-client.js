/**
 * Shows the messages, and each new one as it is sent: a request waits on the server until there is one.
 *
 * @typedef {{id: string, sentAt: number, to: string, subject: string, text: string}} Message
 */

/** After a failed request, while the server restarts. */
const PAUSE_MS = 2000;

/** The id of the newest message that is shown; without one, the server responds at once. */
let seen = '?';

for (;;) {
  const messages = await load().catch(() => undefined);
  if (messages) show(messages);
  else await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** @returns {Promise<Message[]>} */
async function load() {
  const response = await fetch(`/local/messages?${new URLSearchParams({ seen })}`);
  return response.json();
}

/** Leaves the messages that are shown already in their places, so that a focused link keeps the focus. @param {Message[]} messages */
function show(messages) {
  const newest = messages[0]?.id ?? '';
  if (newest === seen) return;
  seen = newest;
  const list = document.getElementById('messages');
  const count = document.getElementById('count');
  if (!list || !count) return;
  const ids = messages.map(({ id }) => id);
  for (const item of [...list.children]) if (!ids.includes(item.id)) item.remove();
  for (const message of messages.toReversed()) {
    if (!document.getElementById(message.id)) list.prepend(articleOf(message));
  }
  count.textContent =
    { 0: 'No messages yet. A new one appears here.', 1: '1 message' }[ids.length] ??
    `${ids.length} messages, the newest first`;
}

/** @param {Message} message */
function articleOf({ id, sentAt, to, subject, text }) {
  const paragraphs = text
    .trim()
    .split(/^(https?:\S+)$/m)
    .map(toLink);
  const time = new Date(sentAt).toLocaleTimeString();
  const article = element('article', '', [
    element('h2', '', [subject]),
    element('p', 'to', [`To ${to} at ${time}`]),
    element('p', 'text', paragraphs),
  ]);
  article.id = id;
  return article;
}

/** @param {string} name @param {string} className @param {(Node | string)[]} children */
function element(name, className, children) {
  const created = document.createElement(name);
  created.className = className;
  created.append(...children);
  return created;
}

/** @param {string} text @param {number} index each second one is a link */
function toLink(text, index) {
  if (index % 2 === 0) return text;
  const link = document.createElement('a');
  link.href = text;
  link.textContent = text;
  return link;
}
