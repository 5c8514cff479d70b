/**
 * Gives local development what only production's operator can choose: a `SECRET_KEY`, drawn once,
 * and an address that e-mails are from. They go into `.dev.vars`, which git ignores and wrangler
 * reads. What the file says already stays.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { getRandomString } from '../auth/passwords/random-string.ts';

const FILE = '.dev.vars';

/** `django-admin startproject` draws as many (django/core/management/utils.py). */
const SECRET_KEY_LENGTH = 50;

const VARS = {
  SECRET_KEY: () => getRandomString(SECRET_KEY_LENGTH),
  /** Django's default. */
  DEFAULT_FROM_EMAIL: () => 'webmaster@localhost',
};

const there = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
let missing = there === '' || there.endsWith('\n') ? '' : '\n';
for (const [name, value] of Object.entries(VARS)) {
  const isThere = new RegExp(`^\\s*(export\\s+)?${name}\\s*=`, 'm').test(there);
  if (!isThere) missing += `${name}="${value()}"\n`;
}
if (missing.trim() !== '') appendFileSync(FILE, missing, { mode: 0o600 });
