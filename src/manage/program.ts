/** The commands of `manage`: what Django's `manage.py` does, for this database. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { rootCause } from '../lib/root-cause.ts';
import { unavailableReason } from '../store/unavailable.ts';
import { MANAGE, SERVE } from './called.ts';
import { CommandError } from './command-error.ts';
import { type Where, withDatabase } from './database.ts';
import { doctor } from './doctor.ts';
import { GZIP } from './dumpdata.ts';
import { exportAccounts, type Format, formatOf } from './export.ts';
import { type ImportOptions, importFiles } from './import.ts';
import { sendTestEmailCommand } from './send-test-email.ts';
import { note, STDIO } from './terminal.ts';
import {
  type CreateOptions,
  changePasswordCommand,
  createTokenCommand,
  createUserCommand,
  listUsersCommand,
  setActiveCommand,
} from './users.ts';

const DONE = 0;
const FAILED = 1;
const USAGE = 2;

/** Users that `users` lists unless told otherwise. */
const DEFAULT_LIMIT = 100;

/**
 * Runs one command. Answers go to standard output, all else to standard error.
 *
 * @param args the command's name and its arguments
 * @param openDatabase what gives the command its database
 * @returns the exit code
 */
export async function runManage(args: string[], openDatabase = withDatabase): Promise<number> {
  try {
    await createProgram(openDatabase).parseAsync(args, { from: 'user' });
    return DONE;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : USAGE;
    if (error instanceof CommandError) note(`${error.name}: ${error.message}`);
    else note(String(rootCause(error)).split('\n')[0] ?? '');
    const reason = unavailableReason(error);
    if (reason !== undefined) note(reason);
    return FAILED;
  }
}

function createProgram(openDatabase: typeof withDatabase): Command {
  const program: Command = new Command('manage')
    .description('Users and tokens by command line, as Django people know it.')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`${text.trim().replaceAll('\n', ' ')}\n`),
    });

  /** A command on the database, with the options that all of them have. */
  function command(signature: string, description: string, examples: string[]): Command {
    const [name = '', ...args] = signature.split(' ');
    const created = program.command(name).description(description);
    for (const arg of args) created.argument(arg);
    return created
      .addOption(
        new Option('--local', `the database that \`${SERVE}\` serves (default)`).conflicts(
          'remote',
        ),
      )
      .option('--remote', 'the database in production')
      .option('--binding <name>', 'the database, if the configuration has several')
      .option('--yes', 'write to the remote database without asking')
      .option(
        '--persist-to <dir>',
        "the local database's directory, as wrangler's",
        '.wrangler/state',
      )
      .addHelpText(
        'after',
        ['', 'Example:', ...examples.map((line) => `  $ ${MANAGE} ${line}`)].join('\n'),
      );
  }

  command('import <file...>', 'Import the users and tokens of a Django project.', [
    'import users.json tokens.json --dry-run',
    'import db.sqlite3 --on-conflict skip --remote',
  ])
    .option('--dry-run', 'check and compare everything, write nothing')
    .addOption(
      new Option('--on-conflict <what>', 'what to do with users that exist here with other values')
        .choices(['fail', 'skip', 'update'])
        .default('fail'),
    )
    .addOption(
      new Option(
        '--inactive-users <what>',
        'how to import inactive users without a login and a token',
      )
        .choices(['deactivated', 'waiting'])
        .default('deactivated'),
    )
    .addHelpText(
      'after',
      `
A <file> is a JSON fixture as \`manage.py loaddata\` reads it, by hand or by \`dumpdata\`, or a Django SQLite
file. One in .gz is decompressed, and - is standard input. Several are read one after the other. All of
it is checked before anything is written. A user who is here already with the same values is no
conflict. Of those who differ, \`skip\` leaves the database's and \`update\` takes the file's. Neither ever
gives one user's id, name or token to another.`,
    )
    .action((files: string[], options: Where & ImportOptions) =>
      openDatabase(options, options.dryRun ? 'read' : 'write', (database) =>
        importFiles(database, files, options),
      ),
    );

  command('export <file>', 'Export all users and tokens for a Django project.', [
    'export users.json.gz',
    'export db.sqlite3 --remote',
  ])
    .addOption(
      new Option('--format <format>', 'by default what the name ends in').choices([
        'json',
        'sqlite',
      ]),
    )
    .addHelpText(
      'after',
      `
A name in .json or .json.gz asks for a fixture for \`manage.py loaddata\`; one in .sqlite3, .sqlite or .db
for a database file that Django runs on. With - the fixture goes to standard output. The file holds
password hashes and tokens: keep it as you would keep those.`,
    )
    .action((file: string, options: Where & { format?: Format }) => {
      const format = options.format ?? formatOf(file);
      if (!format) program.error(`error: cannot tell the format of '${file}': give --format`);
      if (format === 'sqlite' && (file === STDIO || file.endsWith(GZIP))) {
        program.error('error: an SQLite file is written to a file of its own, and not compressed');
      }
      return openDatabase(options, 'read', (database) => exportAccounts(database, file, format));
    });

  for (const isSuperuser of [true, false]) {
    const [name, kind] = isSuperuser ? ['createsuperuser', 'superuser'] : ['createuser', 'user'];
    command(name, `Create a ${kind}.`, [
      name,
      `${name} --username ann --email ann@example.com --no-input`,
    ])
      .option('--username <username>', `the login for the ${kind}`)
      .option('--email <email>', `the address of the ${kind}`)
      .option('--no-input', 'ask no questions')
      .addOption(new Option('--noinput').hideHelp())
      .addHelpText(
        'after',
        `
With --no-input DJANGO_SUPERUSER_PASSWORD holds the password, and DJANGO_SUPERUSER_USERNAME and
DJANGO_SUPERUSER_EMAIL what the options don't say. Without a password the ${kind} cannot log in until
\`changepassword\` gives one.`,
      )
      .action((options: Where & CreateOptions & { noinput?: boolean }) =>
        openDatabase(options, 'write', (database) => {
          const input = options.input && !options.noinput;
          return createUserCommand(database, { ...options, input }, { isSuperuser });
        }),
      );
  }

  command('changepassword [username]', "Change a user's password.", ['changepassword ann'])
    .addHelpText(
      'after',
      `
By default the username is your own on this machine. The password is asked for, without an echo; from a
pipe it is read on two lines. The user's token stays: \`drf_create_token -r\` changes that.`,
    )
    .action((username: string | undefined, options: Where) =>
      openDatabase(options, 'write', (database) => changePasswordCommand(database, username)),
    );

  command(
    'drf_create_token <username>',
    "Print a user's token. Creates one if the user has none.",
    ['drf_create_token ann'],
  )
    .option('-r, --reset', 'reset the existing token and create a new one')
    .action((username: string, options: Where & { reset?: boolean }) =>
      openDatabase(options, 'write', (database) => createTokenCommand(database, username, options)),
    );

  command('deactivate <username>', 'Deactivate a user: no login, and the token is refused.', [
    'deactivate ann',
  ]).action((username: string, options: Where) =>
    openDatabase(options, 'write', (database) => setActiveCommand(database, username, false)),
  );

  command('activate <username>', 'Activate a user that was deactivated.', ['activate ann']).action(
    (username: string, options: Where) =>
      openDatabase(options, 'write', (database) => setActiveCommand(database, username, true)),
  );

  command(
    'users',
    'List users: id, username, e-mail address and flags (superuser, staff, inactive, no token).',
    ['users --search example.com'],
  )
    .option('--search <text>', 'only whose username, name or address contains it')
    .option('--limit <number>', 'how many to list', wholeNumber, DEFAULT_LIMIT)
    .action((options: Where & { search?: string; limit: number }) =>
      openDatabase(options, 'read', (database) => listUsersCommand(database, options)),
    );

  command('sendtestemail <email...>', 'Send a message, to see whether e-mail can be sent.', [
    'sendtestemail ann@example.com --remote',
  ])
    .addHelpText(
      'after',
      `
Without --remote nothing leaves this machine.`,
    )
    .action((addresses: string[], options: Where) =>
      openDatabase(options, 'read', (database) => sendTestEmailCommand(database, addresses)),
    );

  command('doctor', 'Say what in the database and the settings would hurt.', [
    'doctor --remote',
  ]).action((options: Where) => openDatabase(options, 'read', doctor));

  return program;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}
