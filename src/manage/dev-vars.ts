/**
 * Prepares local development. `.dev.vars`, which git ignores and wrangler reads, gets what
 * production's operator has to choose: a `SECRET_KEY`, drawn once, an address that e-mails are from,
 * no password validators, so that the lesson's passwords are accepted, and no old password for a new
 * one or for a new address, so that clients of dj-rest-auth and djoser work. Variables that the file
 * has already stay as they are.
 *
 * The file and wrangler's folder become readable by their owner only.
 */
import './owner-only.ts';
import { appendFileSync, chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { getRandomString } from '../hashing/random-string.ts';

const FILE = '.dev.vars';

/** Local databases, and messages that were not sent. */
const FOLDER = '.wrangler';

/** `django-admin startproject` draws as many (django/core/management/utils.py). */
const SECRET_KEY_LENGTH = 50;

const VARS = {
  SECRET_KEY: () => getRandomString(SECRET_KEY_LENGTH),
  /** Django's default. */
  DEFAULT_FROM_EMAIL: () => 'webmaster@localhost',
  AUTH_PASSWORD_VALIDATORS: () => '',
  OLD_PASSWORD_FIELD_ENABLED: () => 'false',
  EMAIL_CHANGE_REQUIRES_PASSWORD: () => 'false',
};

const present = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
let missing = present === '' || present.endsWith('\n') ? '' : '\n';
for (const [name, value] of Object.entries(VARS)) {
  const isPresent = new RegExp(`^\\s*(export\\s+)?${name}\\s*=`, 'm').test(present);
  if (!isPresent) missing += `${name}="${value()}"\n`;
}
if (missing.trim() !== '') appendFileSync(FILE, missing);
for (const path of [FILE, FOLDER]) keepFromOthers(path);

/** Takes away the rights that an older version or another program gave to others. */
function keepFromOthers(path: string): void {
  if (!existsSync(path)) return;
  const { mode, uid } = statSync(path);
  // Windows has no user ids, and other users' files are not ours to change.
  if (uid === process.getuid?.()) chmodSync(path, mode & ~0o077);
}
