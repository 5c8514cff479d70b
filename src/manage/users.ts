/**
 * The commands for one user. If Django or DRF has the command, its prompts, options and messages are
 * used (django/contrib/auth/management/commands, rest_framework/authtoken/management/commands).
 */
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import * as v from 'valibot';
import { createKnoxToken } from '../auth/operator/knox-tokens.ts';
import {
  createUser,
  createUserToken,
  type FoundUser,
  findUser,
  isLastSuperuser,
  type Right,
  setUserActive,
  setUserEmail,
  setUserPassword,
  setUserRight,
} from '../auth/operator/users.ts';
import { validatePassword } from '../auth/password-validators.ts';
import { createLocalHasher } from '../hashing/password-hashing.ts';
import { djangoDatetime } from '../lib/django-datetime.ts';
import { count, number } from '../lib/format-number.ts';
import { pythonStrip } from '../lib/python-strip.ts';
import { parseSettings, type Settings } from '../settings.ts';
import { knoxTokenQueries } from '../store/operator/knox-tokens.ts';
import { type OperatorStore, operatorQueries } from '../store/operator/users.ts';
import * as fields from '../validation/fields.ts';
import { isCheckout } from './called.ts';
import { CommandError } from './command-error.ts';
import type { Database } from './database.ts';
import { ask, askPassword, confirm, isInteractive, note, print, warn } from './terminal.ts';

/** `changepassword` stops after this many attempts (`MAX_TRIES`). */
const MAX_TRIES = 3;

/** Users that `users` reads at a time: one page is in memory. */
const PAGE_LENGTH = 1000;

/** Users that a message suggests. */
const SUGGESTED = 3;

const TAKEN = 'Error: That username is already taken.';
const BLANK_PASSWORD = "Error: Blank passwords aren't allowed.";

export type CreateOptions = {
  username?: string;
  email?: string;
  /** False with `--no-input`: values come from the environment. */
  input: boolean;
};

/** `createsuperuser` and, for a user without privileges, `createuser`. */
export async function createUserCommand(
  { d1, vars }: Database,
  options: CreateOptions,
  { isSuperuser }: { isSuperuser: boolean },
): Promise<void> {
  const store = operatorQueries(d1);
  const settings = parseSettings(vars);
  const kind = isSuperuser ? 'Superuser' : 'User';
  if (options.input && !isInteractive()) {
    throw new CommandError(
      `${kind} creation skipped due to not running in a TTY. Use --no-input and the environment.`,
    );
  }
  const answers = options.input
    ? await askForUser(store, settings, options)
    : await readEnvironment(store, settings, options);
  const created = await createUser(store, hashing(settings), { ...answers, isSuperuser });
  if (!created.ok) throw new CommandError(TAKEN);
  print(`${kind} created successfully.`);
}

const hashing = ({ iterations }: Settings) => createLocalHasher(iterations);

/** Node imports no text. In the package the list is a module. */
const readCommonPasswords = () =>
  readFile(join(import.meta.dirname, '../auth/common-passwords.txt'), 'utf8');

type UserAttributes = Parameters<typeof validatePassword>[1];

const refusals = (password: string, user: UserAttributes, { passwordValidators }: Settings) =>
  validatePassword(
    password,
    user,
    passwordValidators,
    isCheckout ? readCommonPasswords : undefined,
  );

type Answers = { username: string; email: string; password: string | undefined };

async function askForUser(
  store: OperatorStore,
  settings: Settings,
  options: CreateOptions,
): Promise<Answers> {
  let username = options.username;
  if (username !== undefined) {
    const reason = await whyNotUsername(store, username);
    if (reason) note(reason);
    if (reason) username = undefined;
  }
  const offered = await defaultUsername(store);
  const question = `Username${offered ? ` (leave blank to use '${offered}')` : ''}:`;
  while (username === undefined) {
    const answer = await ask(question, offered);
    const reason = await whyNotUsername(store, answer);
    if (reason) note(reason);
    else username = answer;
  }
  let email = options.email;
  while (email === undefined) {
    const answer = await ask('Email address:');
    const reason = whyNotAsTyped(fields.email, answer);
    if (reason) note(`Error: ${reason}`);
    else email = answer;
  }
  const user = { username, email, first_name: '', last_name: '' };
  let password: string | undefined;
  while (password === undefined) password = await askForNewPassword(user, settings);
  return { username, email, password };
}

/** @returns undefined if the password is not one that the operator wants to set */
async function askForNewPassword(
  user: UserAttributes,
  settings: Settings,
): Promise<string | undefined> {
  const password = await askPassword('Password:');
  if (password !== (await askPassword('Password (again):'))) {
    note("Error: Your passwords didn't match.");
    return undefined;
  }
  const reason = whyNotPassword(password);
  if (reason) note(reason);
  if (reason) return undefined;
  const sentences = await refusals(password, user, settings);
  for (const sentence of sentences) note(sentence);
  const isWanted =
    sentences.length === 0 || (await confirm('Bypass password validation and create user anyway?'));
  return isWanted ? password : undefined;
}

/**
 * Django's variables of `createsuperuser --noinput`; `createuser` reads the same. As in Django the
 * validators refuse nothing here.
 */
async function readEnvironment(
  store: OperatorStore,
  settings: Settings,
  options: CreateOptions,
): Promise<Answers> {
  const { env } = process;
  const username = options.username ?? env.DJANGO_SUPERUSER_USERNAME;
  const email = options.email || env.DJANGO_SUPERUSER_EMAIL;
  const password = env.DJANGO_SUPERUSER_PASSWORD;
  if (username === undefined) throw new CommandError('You must use --username with --noinput.');
  if (!email) throw new CommandError('You must use --email with --noinput.');
  const reason =
    (await whyNotUsername(store, username)) ??
    whyNotAsTyped(fields.email, email) ??
    (password === undefined ? undefined : whyNotPassword(password));
  if (reason) throw new CommandError(reason);
  if (password !== undefined) {
    const user = { username, email, first_name: '', last_name: '' };
    for (const sentence of await refusals(password, user, settings)) warn(sentence);
  }
  return { username, email, password };
}

/** Why a user cannot have this name; undefined if one can. */
async function whyNotUsername(store: OperatorStore, username: string): Promise<string | undefined> {
  const reason = whyNotAsTyped(fields.username, username);
  if (reason) return `Error: ${reason}`;
  return (await findUser(store, username)) && TAKEN;
}

function whyNotPassword(password: string): string | undefined {
  if (password.trim() === '') return BLANK_PASSWORD;
  const reason = whyNot(fields.password, password);
  return reason && `Error: ${reason}`;
}

/** Django's commands do not strip values, as forms and serializers do. They refuse them. */
const whyNotAsTyped = (field: v.GenericSchema<string, string>, value: string) =>
  pythonStrip(value) === value ? whyNot(field, value) : 'It begins or ends with white space.';

function whyNot(field: v.GenericSchema<string, string>, value: string): string | undefined {
  const { success, issues } = v.safeParse(field, value);
  return success ? undefined : issues.map((issue) => issue.message).join('; ');
}

/**
 * The operator's own name, unless a user has it (django/contrib/auth/management,
 * `get_default_username`).
 */
async function defaultUsername(store: OperatorStore): Promise<string> {
  const name = userInfo().username.replace(/\s/g, '').toLowerCase();
  return (await whyNotUsername(store, name)) === undefined ? name : '';
}

/** `changepassword`: the password comes from the terminal, or on two lines from a pipe. */
export async function changePasswordCommand(
  { d1, vars }: Database,
  username?: string,
): Promise<void> {
  const store = operatorQueries(d1);
  const settings = parseSettings(vars);
  const name = username ?? userInfo().username;
  const user = await existingUser(store, name);
  note(`Changing password for user '${user.username}'`);

  const password = await (isInteractive() ? askTwice : readTwice)(user, settings);
  await setUserPassword(store, hashing(settings), user, password);
  print(`Password changed successfully for user '${user.username}'`);
}

async function askTwice(user: FoundUser, settings: Settings): Promise<string> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const password = await askPassword('Password:');
    if (password === '') throw new CommandError('aborted');
    if (password !== (await askPassword('Password (again):'))) {
      note('Passwords do not match. Please try again.');
      continue;
    }
    const reasons = await whyNotNewPassword(password, user, settings);
    if (reasons.length === 0) return password;
    for (const reason of reasons) note(reason);
  }
  throw new CommandError(
    `Aborting password change for user '${user.username}' after ${MAX_TRIES} attempts`,
  );
}

async function readTwice(user: FoundUser, settings: Settings): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: process.stdin })) lines.push(line);
  const [password = '', again] = lines;
  if (password === '') throw new CommandError('aborted');
  if (password !== again) throw new CommandError('Passwords do not match.');
  const reasons = await whyNotNewPassword(password, user, settings);
  if (reasons.length > 0) throw new CommandError(reasons.join(' '));
  return password;
}

async function whyNotNewPassword(
  password: string,
  user: FoundUser,
  settings: Settings,
): Promise<string[]> {
  const reason = whyNotPassword(password);
  return reason === undefined ? refusals(password, user, settings) : [reason];
}

/** `drf_create_token`: prints the token, which is what it is for. */
export async function createTokenCommand(
  { d1, vars }: Database,
  username: string,
  { reset = false }: { reset?: boolean },
): Promise<void> {
  const store = operatorQueries(d1);
  const user = await existingUser(
    store,
    username,
    `Cannot create the Token: user ${username} does not exist`,
  );
  const settings = parseSettings(vars);
  if (settings.tokenModel === 'knox.AuthToken') {
    const token = await createKnoxToken(knoxTokenQueries(d1), user, settings, { reset });
    const expires = token.expiry === null ? '' : `, expires ${token.expiry}`;
    print(`Generated token ${token.key} for user ${user.username}${expires}`);
    return;
  }
  const key = await createUserToken(store, user, { reset });
  print(`Generated token ${key} for user ${user.username}`);
}

/** `activate`, `deactivate`. An inactive user can neither log in nor use a token. */
export async function setActiveCommand(
  { d1 }: Database,
  username: string,
  isActive: boolean,
): Promise<void> {
  const store = operatorQueries(d1);
  const user = await existingUser(store, username);
  if (!isActive) await warnOfLastSuperuser(store, user);
  await setUserActive(store, user, isActive);
  print(`User '${user.username}' is ${isActive ? 'active' : 'inactive'}`);
}

/** `setstaff`, `unsetstaff`, `setsuperuser`, `unsetsuperuser`. */
export async function setRightCommand(
  { d1 }: Database,
  username: string,
  right: Right,
  isGranted: boolean,
): Promise<void> {
  const store = operatorQueries(d1);
  const user = await existingUser(store, username);
  if (right === 'staff' && !isGranted && user.is_superuser) {
    throw new CommandError(
      `user '${user.username}' is a superuser: run \`unsetsuperuser ${user.username}\` first`,
    );
  }
  if (right === 'superuser' && !isGranted) await warnOfLastSuperuser(store, user);
  await setUserRight(store, user, right, isGranted);
  print(`User '${user.username}' is ${isGranted ? '' : 'not '}${right}`);
}

/** `changeemail`: the address is checked as at a registration, and may be blank. */
export async function changeEmailCommand(
  { d1 }: Database,
  username: string,
  email: string,
): Promise<void> {
  const store = operatorQueries(d1);
  const user = await existingUser(store, username);
  const reason = whyNotAsTyped(fields.email, email);
  if (reason) throw new CommandError(`Error: ${reason}`);
  const stored = await setUserEmail(store, user, email);
  print(`Address of user '${user.username}' changed from '${user.email}' to '${stored}'`);
}

/** `drf_delete_token`: the user has to log in again. */
export async function deleteTokenCommand({ d1 }: Database, username: string): Promise<void> {
  const store = operatorQueries(d1);
  const user = await existingUser(store, username);
  const deleted = await store.deleteTokens(user.id);
  if (deleted === 0) print(`User '${user.username}' has no token`);
  else print(`Deleted ${theTokens(deleted)} of user '${user.username}'`);
}

const theTokens = (tokens: number): string => (tokens === 1 ? 'the token' : count(tokens, 'token'));

/** `deleteuser`: asks first, because this cannot be undone. */
export async function deleteUserCommand(
  { d1 }: Database,
  username: string,
  { yes = false }: { yes?: boolean },
): Promise<void> {
  const store = operatorQueries(d1);
  const user = await existingUser(store, username);
  if (!yes && !isInteractive()) {
    throw new CommandError('this deletes a user: use --yes to confirm');
  }
  await warnOfLastSuperuser(store, user);
  const who = `user '${user.username}' (id ${user.id}, ${user.email || 'no address'})`;
  const tokens = await store.countTokens(user.id);
  const what = tokens === 0 ? who : `${who} and ${theTokens(tokens)}`;
  if (!yes && !(await confirm(`Delete ${what}? This cannot be undone.`))) {
    throw new CommandError('Operation cancelled.');
  }
  const references = await store.deleteUser(user.id);
  if (references) {
    const rows = references.map(
      ({ table, column, rows }) => `${count(rows, 'row')} of ${table} (${column})`,
    );
    const why =
      rows.length > 0
        ? `rows of other tables refer to ${who}: ${rows.join(', ')}. Delete or change them first`
        : `the database refuses to delete ${who}, because of a trigger, or of a row that refers to a row of the user`;
    throw new CommandError(`${why}, or run \`deactivate ${user.username}\``);
  }
  print(`Deleted ${what}`);
}

/**
 * @throws CommandError if there is no such user. It suggests users with this name in another case, or
 *   with this address
 */
async function existingUser(
  store: OperatorStore,
  username: string,
  missing = `user '${username}' does not exist`,
): Promise<FoundUser> {
  const user = await findUser(store, username);
  if (user) return user;
  const names = (await store.namesLike(username, SUGGESTED)).map((name) => `'${name}'`);
  throw new CommandError(
    names.length === 0 ? missing : `${missing}. Did you mean ${names.join(' or ')}?`,
  );
}

/** This service needs no superuser. In Django's admin, only a superuser can create another one. */
async function warnOfLastSuperuser(store: OperatorStore, user: FoundUser): Promise<void> {
  if (!(await isLastSuperuser(store, user))) return;
  warn(`'${user.username}' is the last active superuser. \`createsuperuser\` makes another one.`);
}

/**
 * `users`: one line a user, tabs between the columns.
 *
 * @param username only this user
 */
export async function listUsersCommand(
  { d1 }: Database,
  { search = '', limit }: { search?: string; limit: number },
  username?: string,
): Promise<void> {
  const store = operatorQueries(d1);
  const now = djangoDatetime(new Date());
  if (username !== undefined) {
    const { id } = await existingUser(store, username);
    const user = await store.listedUser(id, now);
    if (user) print(lineOf(user));
    return;
  }
  const total = await store.countFound(search);
  let shown = 0;
  let lastId: number | undefined;
  do {
    const users = await store.searchUsers(
      search,
      Math.min(limit - shown, PAGE_LENGTH),
      now,
      lastId,
    );
    for (const user of users) print(lineOf(user));
    shown += users.length;
    lastId = users.at(-1)?.id;
  } while (lastId !== undefined && shown < Math.min(limit, total));
  note(
    shown < total
      ? `Showing ${number(shown)} of ${count(total, 'user')}. Use --search to filter or --limit to show more.`
      : count(total, 'user'),
  );
}

type ListedUser = Awaited<ReturnType<OperatorStore['searchUsers']>>[number];

function lineOf(user: ListedUser): string {
  const marks = [
    user.is_superuser ? 'superuser' : user.is_staff && 'staff',
    !user.is_active && 'inactive',
    tokensOf(user),
  ].filter(Boolean);
  return `${user.id}\t${user.username}\t${user.email || '-'}\t${marks.join(', ') || '-'}`;
}

/** How many tokens there are, and until when; '' for the one token of DRF. */
function tokensOf({ plain_tokens, endless_tokens, expiring_tokens, last_expiry }: ListedUser) {
  const ofKnox = endless_tokens + expiring_tokens;
  if (plain_tokens + ofKnox === 0) return 'no token';
  if (ofKnox === 0) return '';
  const isEndless = endless_tokens + plain_tokens > 0;
  const tokens = count(plain_tokens + ofKnox, 'token');
  return `${tokens} ${isEndless ? 'without expiry' : `until ${last_expiry}`}`;
}
