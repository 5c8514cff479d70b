/** What is read from files, and what is found beside it. No I/O. */
import { CommandError } from './command-error.ts';
import type { Ignored } from './ignored.ts';
import { number } from './terminal.ts';
import type { StatedEncoding } from './text-encoding.ts';
import { AUTH_USER, type Dropped, type UserModel } from './user-model.ts';

/** Finds users in the database: their ids by username. */
export type FindUserIds = (usernames: string[]) => Promise<ReadonlyMap<string, number>>;

/** Statements of the operator about files that do not show it. */
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
  /** The command to repeat, without the option `--user-model`. */
  command: string;
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
  command: '',
  ...options,
});

/** The error if the files have users of a model that was not asked for, or no users. */
export function otherUserModel(reading: Reading): CommandError {
  const { model, otherUserModels, command } = reading;
  const found = [...otherUserModels].map(([label, users]) => `${label} (${number(users)} records)`);
  const [label] = otherUserModels.keys();
  if (label === undefined) return new CommandError(`there is no user of ${model.label}`);
  // A table without the name of its app.
  const option = label.includes('.') ? label : `APP.Model --user-table ${label}`;
  return new CommandError(
    `there is no user of ${model.label}, but the user model of the project seems to be ` +
      `${found.join(' or ')}. Nothing is written. To read its users: ${command} --user-model ${option}`,
  );
}
