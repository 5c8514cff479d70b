/**
 * Shows the rows of the user next to the exchange that was sent last, and what has changed in them. It
 * watches the responses that the script of the lesson shows.
 *
 * @typedef {Record<string, string | number | null>} Row
 * @typedef {Record<string, Row | undefined>} Rows
 */

/** That of the users, and that of the tokens, which depends on the token model. */
const TABLES = ['auth_user', document.querySelector('main')?.dataset.table ?? ''];

/** The rows that are shown. @type {Rows} */
let shown = {};

/** Counts the requests, so that a late response does not replace a newer one. */
let newest = 0;

for (const response of document.querySelectorAll('[data-part=response]')) {
  new MutationObserver(() => update(response)).observe(response, { childList: true });
}
const whoAmI = document.querySelector('#me [data-part=response]');
if (whoAmI && localStorage.getItem('token')) update(whoAmI);

/** @param {Element} response */
async function update(response) {
  newest += 1;
  const request = newest;
  const rows = await fetchRows().catch(() => undefined);
  const hasRows = [rows, shown].some((some) => some?.auth_user);
  if (!rows || !hasRows || request !== newest) return;
  const panel = document.getElementById('rows');
  const section = response.closest('section');
  if (!panel || !section) return;

  const isKnown = rows.auth_user?.id === shown.auth_user?.id;
  const isNew = section.id === 'register';
  const outcomes = TABLES.map((table) => {
    const outcome =
      isKnown || isNew ? difference(isKnown ? shown[table] : undefined, rows[table]) : undefined;
    show(table, rows[table], outcome);
    return outcome;
  });
  shown = rows;
  response.parentElement?.append(panel);
  panel.hidden = false;
  const spoken = document.getElementById('rows-outcome');
  if (spoken) {
    spoken.textContent = outcomes
      .flatMap((outcome, index) => (outcome ? `${TABLES[index]}: ${outcome.words}.` : []))
      .join(' ');
  }
  // The second line has priority in a low window. A message at an input keeps its place.
  if (!outcomes.some((outcome) => outcome?.isChange)) return;
  panel.scrollIntoView({ block: 'nearest' });
  section.querySelector('[data-part=meaning]')?.scrollIntoView({ block: 'nearest' });
}

/** By the name, because without a token the rows are still of interest. @returns {Promise<Rows>} */
async function fetchRows() {
  const input = document.querySelector('[data-part=username]');
  // As it was typed: the API ignores spaces around it.
  const known = input instanceof HTMLInputElement ? input.value.trim() : '';
  const username = known || shown.auth_user?.username;
  if (username) {
    const query = new URLSearchParams({ username: String(username) });
    return (await fetch(`/local/rows?${query}`)).json();
  }
  const keyword = document.querySelector('[data-keyword]')?.getAttribute('data-keyword');
  const Authorization = `${keyword} ${localStorage.getItem('token')}`;
  return (await fetch('/local/rows', { headers: { Authorization } })).json();
}

/**
 * Compares a row with the row before: the change in words, and the changed columns.
 *
 * @param {Row | undefined} before @param {Row | undefined} now
 */
function difference(before, now) {
  if (!now) {
    return { words: before ? 'row deleted' : 'no row', columns: [], isChange: Boolean(before) };
  }
  const columns = Object.keys(now).filter((column) => now[column] !== before?.[column]);
  const isChange = columns.length > 0;
  if (!before) return { words: 'new row', columns, isChange };
  return { words: isChange ? `${columns.join(', ')} changed` : 'no change', columns, isChange };
}

/** @param {string} id @param {Row | undefined} row @param {ReturnType<typeof difference>} [outcome] */
function show(id, row, outcome) {
  const table = document.getElementById(id);
  if (!(table instanceof HTMLTableElement)) return;
  const words = document.createElement('strong');
  words.textContent = outcome?.words ?? '';
  table.hidden = false;
  table.caption?.replaceChildren(id, ' ', words);
  const lines = Object.entries(row ?? {}).map(([column, value]) =>
    lineOf(column, value, outcome?.columns.includes(column)),
  );
  table.tBodies[0]?.replaceChildren(...lines);
}

/** @param {string} column @param {string | number | null} value @param {boolean} [isChanged] */
function lineOf(column, value, isChanged) {
  const line = document.createElement('tr');
  const name = document.createElement('th');
  name.scope = 'row';
  name.textContent = column;
  const text = document.createElement(isChanged ? 'mark' : 'span');
  text.textContent = value === null ? 'NULL' : value === '' ? "''" : String(value);
  const cell = document.createElement('td');
  cell.append(text);
  line.append(name, cell);
  return line;
}
