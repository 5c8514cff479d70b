/** The options of reading files, and the counts of records that are not read. No I/O. */

import { number } from '../lib/format-number.ts';
import { MANAGE } from './called.ts';
import { CommandError } from './command-error.ts';
import type { Ignored } from './ignored.ts';
import type { StatedEncoding } from './text-encoding.ts';
import { AUTH_USER, type Dropped, type UserModel } from './user-model.ts';

/** Finds users in the database: their ids by username. */
export type FindUserIds = (usernames: string[]) => Promise<ReadonlyMap<string, number>>;

/** Facts about files that only the operator knows. */
export type FileOptions = {
  /** The encoding of fixtures that are not in UTF-8. */
  encoding?: StatedEncoding;
  /** Whether a database in WAL mode is complete without its `-wal` file. */
  withoutWal?: boolean;
};

export type Reading = {
  model: UserModel;
  files: FileOptions;
  /** Records of other models, and rows of other tables. */
  ignored: Ignored;
  /** Fields of the user model that are not imported. */
  dropped: Dropped;
  /** Models with the fields of a user that are not read, or tables without an app's name. */
  otherUserModels: Map<string, number>;
  /** Whether a file has no table of tokens. */
  hasNoTokens: boolean;
  findUserIds: FindUserIds;
  /** Whether a token may name a user of the database by the username. */
  namesKnownUsers: boolean;
  /** The words of the command, to repeat it with another user model. */
  command: string[];
};

export const newReading = (options: Partial<Reading> = {}): Reading => ({
  model: AUTH_USER,
  files: {},
  ignored: new Map(),
  dropped: new Map(),
  otherUserModels: new Map(),
  hasNoTokens: false,
  findUserIds: async () => new Map(),
  namesKnownUsers: false,
  command: [],
  ...options,
});

/**
 * A token has only the number of its user, which a user of each model can have. So the operator must
 * say whose tokens they are if the files have users of two models.
 *
 * @param users how many users the files have of the model that was read
 * @throws CommandError if the files have users of a model that was not asked for
 */
export function refuseOtherUsers(reading: Reading, users: number): void {
  if (reading.otherUserModels.size === 0) return;
  if (!reading.model.isNamed || users === 0) throw otherUserModel(reading, users);
}

/**
 * The error if the files have users of a model that was not asked for, or no users.
 *
 * @param users how many users the files have of the model that was read
 */
export function otherUserModel(reading: Reading, users = 0): CommandError {
  const { model, otherUserModels } = reading;
  const found = [...otherUserModels].map(
    ([label, records]) => `${label} (${number(records)} records)`,
  );
  const [label] = otherUserModels.keys();
  if (label === undefined) return new CommandError(`there is no user of ${model.label}`);
  const others = found.join(' or ');
  return new CommandError(
    users === 0
      ? `there is no user of ${model.label}, but the user model of the project seems to be ${others}. ` +
          `Nothing is written. To read its users: ${commandFor(reading, label)}`
      : `the user model of the project may be ${model.label} (${number(users)} records), or ${others}. ` +
          `Nothing is written. To read the users of ${model.label}: ${commandFor(reading, model.label)}. ` +
          `To read those of ${label}: ${commandFor(reading, label)}`,
  );
}

/** The options that name a model. Each has a value. */
const MODEL_OPTIONS = ['--user-model', '--user-table'];

/** The same command for the users of another model. */
function commandFor({ command }: Reading, label: string): string {
  const words = command.filter(
    (word, i) =>
      !MODEL_OPTIONS.includes(word) &&
      !MODEL_OPTIONS.includes(command[i - 1] ?? '') &&
      !MODEL_OPTIONS.some((option) => word.startsWith(`${option}=`)),
  );
  // A table without the name of its app.
  const option = label.includes('.') ? [label] : ['APP.Model', '--user-table', label];
  return [MANAGE, ...[...words, '--user-model', ...option].map(shellWord)].join(' ');
}

/** A word as a POSIX shell reads it. */
const shellWord = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
