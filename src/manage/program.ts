/** The commands of `manage`: what Django's `manage.py` does, for this database. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { rootCause } from '../lib/root-cause.ts';
import { unavailableReason } from '../store/d1-errors.ts';
import { MANAGE, SERVE } from './called.ts';
import { CommandError } from './command-error.ts';
import { type Where, withDatabase } from './database.ts';
import { type DeployOptions, deploy } from './deploy.ts';
import { doctor } from './doctor.ts';
import { GZIP } from './dumpdata.ts';
import { type ExportOptions, exportAccounts, type Format, formatOf } from './export.ts';
import { type HashOptions, hashTokensCommand } from './hash-tokens.ts';
import { type ImportOptions, importFiles } from './import.ts';
import { init } from './init.ts';
import { sendTestEmailCommand } from './send-test-email.ts';
import { isClosedPipe, note, STDIO } from './terminal.ts';
import { STATED_ENCODINGS } from './text-encoding.ts';
import {
  type CreateOptions,
  changeEmailCommand,
  changePasswordCommand,
  createTokenCommand,
  createUserCommand,
  deleteTokenCommand,
  deleteUserCommand,
  listUsersCommand,
  setActiveCommand,
  setRightCommand,
} from './users.ts';

const DONE = 0;
const FAILED = 1;
const USAGE = 2;

/** Users that `users` lists by default. */
const DEFAULT_LIMIT = 100;

/** The health check of an app that is not mounted below a path. */
const DEFAULT_HEALTH = '/health';

/**
 * Runs one command. Results go to standard output, everything else to standard error.
 *
 * @param args the command's name and its arguments
 * @param openDatabase opens the database for the command
 * @returns the exit code
 */
export async function runManage(args: string[], openDatabase = withDatabase): Promise<number> {
  try {
    await createProgram(openDatabase, args).parseAsync(args, { from: 'user' });
    return DONE;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : USAGE;
    if (isClosedPipe(error)) return DONE;
    if (error instanceof CommandError) {
      for (const line of [`${error.name}: ${error.message}`, ...error.details]) note(line);
    } else note(String(rootCause(error)).split('\n')[0] ?? '');
    const reason = unavailableReason(error);
    if (reason !== undefined) note(reason);
    return FAILED;
  }
}

function createProgram(openDatabase: typeof withDatabase, words: string[]): Command {
  const program: Command = new Command('manage')
    .description('Manages users and tokens, as manage.py does in Django.')
    .exitOverride()
    .configureOutput({
      outputError: (text) => note(text.trim().replaceAll('\n', ' ')),
    });

  /** A command that writes. Before it writes to the remote database, it asks. */
  const writing = (signature: string, description: string, examples: string[]): Command =>
    reading(signature, description, examples).option(
      '--yes',
      'answer yes to the question before a write',
    );

  /** A command with its arguments. */
  function command(signature: string, description: string, examples: string[]): Command {
    const [name = '', ...args] = signature.split(' ');
    const created = program.command(name).description(description);
    for (const arg of args) created.argument(arg);
    return created.addHelpText(
      'after',
      ['', 'Example:', ...examples.map((line) => `  $ ${MANAGE} ${line}`)].join('\n'),
    );
  }

  /** A command on the database, with the options of every such command. */
  const reading = (signature: string, description: string, examples: string[]): Command =>
    fromConfiguration(command(signature, description, examples))
      .addOption(
        new Option('--local', `the database that \`${SERVE}\` serves (default)`).conflicts(
          'remote',
        ),
      )
      .option('--remote', 'the database in production')
      .option(
        '--persist-to <dir>',
        'the folder of the local database, as in wrangler',
        '.wrangler/state',
      );

  const encoding = new Option(
    '--encoding <name>',
    'the encoding of fixtures that are not in UTF-8',
  ).choices(STATED_ENCODINGS);
  const withoutWal = new Option(
    '--without-wal',
    'an SQLite file in WAL mode is complete without its -wal file',
  );

  withUserModel(
    writing('import <file...>', 'Import the users and tokens of a Django project.', [
      'import users.json tokens.json --dry-run',
      'import db.sqlite3 --on-conflict skip --remote',
    ]),
  )
    .option('--dry-run', 'check and compare, and write nothing')
    .addOption(
      new Option('--on-conflict <what>', 'what to do with users who exist with other values')
        .choices(['fail', 'skip', 'update'])
        .default('fail'),
    )
    .addOption(
      new Option(
        '--inactive-users <what>',
        'how to import inactive users without a login or a token',
      )
        .choices(['deactivated', 'waiting'])
        .default('deactivated'),
    )
    .option('--user <username>', 'only this user; may be repeated', collect)
    .option('--new-ids', 'give another id to users whose id belongs to another user here')
    .addOption(
      new Option(
        '--match-users-by <what>',
        'what finds the user of a token if the files do not have the user',
      ).choices(['id', 'username']),
    )
    .addOption(encoding)
    .addOption(withoutWal)
    .addHelpText(
      'after',
      `
A <file> is a JSON fixture, as \`manage.py dumpdata\` writes it, or a Django SQLite file; - is standard input.
A fixture may be JSON Lines, and compressed with gzip, zip or zstd: the content decides, not the name.
Several files are read one after the other. All of them are checked before anything is written. A user who
exists with the same values is no conflict. If a user differs, \`skip\` keeps the database's values and
\`update\` takes the file's. No user gets the id, name or token of another.

Django does not say whether an inactive user was deactivated or waits for djoser's activation. Those without
a login or a token are imported as \`deactivated\`: an activation link does not let them in. \`waiting\` keeps
them as they are.`,
    )
    .action((files: string[], options: Where & ImportOptions) =>
      openDatabase(options, options.dryRun ? 'read' : 'write', (database) =>
        importFiles(database, files, options, words),
      ),
    );

  withUserModel(
    reading('export <file>', 'Export users and tokens for a Django project.', [
      'export users.json.gz',
      'export db.sqlite3 --remote',
      'export changes.py --against django.json',
    ]),
  )
    .addOption(
      new Option('--format <format>', 'by default, the ending of the name decides').choices([
        'json',
        'sqlite',
        'script',
      ]),
    )
    .option('--user <username>', 'only this user; may be repeated', collect)
    .option(
      '--against <file>',
      'the users and tokens that Django has now; for a script; may be repeated',
      collect,
    )
    .option(
      '--imported <file>',
      'with --against: a file that was imported here before; may be repeated',
      collect,
    )
    .addOption(
      new Option('--deleted-users <what>', 'what to do in Django with users who were deleted here')
        .choices(['keep', 'deactivate', 'delete'])
        .default('keep'),
    )
    .addOption(
      new Option(
        '--match-users-by <what>',
        'what says that a user here and one in Django are the same',
      )
        .choices(['identity', 'id', 'username'])
        .default('identity'),
    )
    .addOption(encoding)
    .addOption(withoutWal)
    .addHelpText(
      'after',
      `
A name in .json or .json.gz is a fixture for \`manage.py loaddata\`, which replaces users of the same id. A
name in .sqlite3, .sqlite or .db is a database file that Django runs on. With - the fixture goes to standard
output. The file contains password hashes and tokens: keep it secret.

A name in .py is a script for a Django project with users of its own: \`python manage.py shell < changes.py\`.
--against is a fixture or an SQLite file of the project. The script changes what differs, replaces tokens, and
creates users. It does not give one user's values to another. Users are the same if they registered at the
same moment or have the same token, and the id or the username is the same.`,
    )
    .action((file: string, options: Where & ExportOptions & { format?: Format }) => {
      const format = options.format ?? formatOf(file);
      if (!format) program.error(`error: cannot tell the format of '${file}': give --format`);
      if (format !== 'json' && (file === STDIO || file.endsWith(GZIP))) {
        const what = format === 'sqlite' ? 'an SQLite export' : 'a script';
        program.error(`error: ${what} needs a file name, and cannot be compressed`);
      }
      if ((format === 'script') !== (options.against !== undefined)) {
        program.error('error: --against needs a name in .py, and a name in .py needs --against');
      }
      if (options.deletedUsers !== 'keep' && options.imported === undefined) {
        program.error('error: --deleted-users needs --imported, the file that was imported');
      }
      if (options.imported && !options.against) program.error('error: --imported needs --against');
      if (options.userModel !== undefined && !options.against) {
        program.error(
          'error: --user-model needs --against and a name in .py: `loaddata` would set the fields that ' +
            'only Django has to their defaults',
        );
      }
      const unused = Object.entries({
        '--user-table': options.userTable !== undefined,
        '--map': options.map !== undefined,
        '--match-users-by': options.matchUsersBy !== 'identity',
        '--encoding': options.encoding !== undefined,
        '--without-wal': options.withoutWal === true,
      }).find(([, isGiven]) => isGiven && !options.against);
      if (unused) program.error(`error: ${unused[0]} needs --against`);
      return openDatabase(options, 'read', (database) =>
        exportAccounts(database, file, format, options, words),
      );
    });

  for (const isSuperuser of [true, false]) {
    const [name, kind] = isSuperuser ? ['createsuperuser', 'superuser'] : ['createuser', 'user'];
    writing(name, `Create a ${kind}.`, [
      name,
      `${name} --username ann --email ann@example.com --no-input`,
    ])
      .option('--username <username>', `the login for the ${kind}`)
      .option('--email <email>', `the address of the ${kind}`)
      .option('--no-input', 'read the environment instead of asking')
      .addOption(new Option('--noinput').hideHelp())
      .addHelpText(
        'after',
        `
With --no-input the password comes from DJANGO_SUPERUSER_PASSWORD, and what the options do not say from
DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_EMAIL. Without a password the ${kind} cannot log in until
\`changepassword\` sets one.`,
      )
      .action((options: Where & CreateOptions & { noinput?: boolean }) =>
        openDatabase(options, 'write', (database) => {
          const input = options.input && !options.noinput;
          return createUserCommand(database, { ...options, input }, { isSuperuser });
        }),
      );
  }

  writing('changepassword [username]', "Change a user's password.", ['changepassword ann'])
    .addHelpText(
      'after',
      `
The default username is your own on this machine. The command asks for the password twice and does not show
it. From a pipe it reads two lines. The user's tokens stay valid: \`drf_delete_token\` ends the sessions.`,
    )
    .action((username: string | undefined, options: Where) =>
      openDatabase(options, 'write', (database) => changePasswordCommand(database, username)),
    );

  writing(
    'drf_create_token <username>',
    "Print a user's token. Creates one if the user has none.",
    ['drf_create_token ann'],
  )
    .option('-r, --reset', 'replace the existing token')
    .addHelpText(
      'after',
      `
With TOKEN_MODEL knox.AuthToken it always creates a token, which cannot be read again. -r deletes all others.`,
    )
    .action((username: string, options: Where & { reset?: boolean }) =>
      openDatabase(options, 'write', (database) => createTokenCommand(database, username, options)),
    );

  writing('drf_delete_token <username>', "End a user's session: delete the token.", [
    'drf_delete_token ann',
  ]).action((username: string, options: Where) =>
    openDatabase(options, 'write', (database) => deleteTokenCommand(database, username)),
  );

  writing('hash_tokens', "Turn the tokens of authtoken into knox's, which are stored as hashes.", [
    'hash_tokens',
    'hash_tokens --expiry 2030-12-31 --remote',
  ])
    .option('--expiry <datetime>', 'when these tokens expire; by default they do not')
    .option('--reverse', 'is refused: a hash has no key')
    .addHelpText(
      'after',
      `
Clients keep their tokens. The setting TOKEN_MODEL must be knox.AuthToken. With TOKEN_MAX_AGE_DAYS a token
expires so many days after its creation. If the command is interrupted, start it again.`,
    )
    .action((options: Where & HashOptions) =>
      openDatabase(options, 'write', (database) => hashTokensCommand(database, options)),
    );

  writing('changeemail <username> <email>', "Change a user's e-mail address.", [
    'changeemail ann ann@example.com',
  ]).action((username: string, email: string, options: Where) =>
    openDatabase(options, 'write', (database) => changeEmailCommand(database, username, email)),
  );

  for (const right of ['staff', 'superuser'] as const) {
    for (const isGranted of [true, false]) {
      const name = `${isGranted ? 'set' : 'unset'}${right}`;
      const description = isGranted
        ? `Make a user ${right === 'staff' ? 'staff' : 'a superuser, who is staff too'}.`
        : `Take away the ${right} status of a user.`;
      writing(`${name} <username>`, description, [`${name} ann`]).action(
        (username: string, options: Where) =>
          openDatabase(options, 'write', (database) =>
            setRightCommand(database, username, right, isGranted),
          ),
      );
    }
  }

  writing('deleteuser <username>', 'Delete a user and the tokens.', ['deleteuser ann'])
    .addHelpText(
      'after',
      `
It asks first. A user to whom rows of other tables refer is not deleted.`,
    )
    .option('--no-input', 'the same as --yes')
    .addOption(new Option('--noinput').hideHelp())
    .action((username: string, options: Where & { input: boolean; noinput?: boolean }) => {
      const yes = Boolean(options.yes || !options.input || options.noinput);
      return openDatabase({ ...options, yes }, 'write', (database) =>
        deleteUserCommand(database, username, { yes }),
      );
    });

  writing('deactivate <username>', 'Deactivate a user: no login, and the token is refused.', [
    'deactivate ann',
  ]).action((username: string, options: Where) =>
    openDatabase(options, 'write', (database) => setActiveCommand(database, username, false)),
  );

  writing('activate <username>', 'Let a deactivated user log in again.', ['activate ann']).action(
    (username: string, options: Where) =>
      openDatabase(options, 'write', (database) => setActiveCommand(database, username, true)),
  );

  reading(
    'users [username]',
    'List users, or one: id, username, e-mail address, flags (staff, inactive, no token …).',
    ['users --search example.com', 'users ann'],
  )
    .option('--search <text>', 'only users whose username, name or address contains it')
    .option('--limit <number>', 'how many to list', wholeNumber, DEFAULT_LIMIT)
    .addHelpText(
      'after',
      `
Tokens of knox are counted, with the moment at which the last one expires. No token is printed.`,
    )
    .action((username: string | undefined, options: Where & { search?: string; limit: number }) =>
      openDatabase(options, 'read', (database) => listUsersCommand(database, options, username)),
    );

  reading('sendtestemail <email...>', 'Send a message, to find out whether e-mail can be sent.', [
    'sendtestemail ann@example.com --remote',
  ])
    .addHelpText(
      'after',
      `
Without --remote no message leaves this machine.`,
    )
    .action((addresses: string[], options: Where) =>
      openDatabase(options, 'read', (database) => sendTestEmailCommand(database, addresses)),
    );

  reading('doctor', 'Check the database and the settings for problems.', ['doctor --remote'])
    .addHelpText(
      'after',
      `
It prints OK or WARNING for each check, and TO DO for what it cannot read. It reads the settings of the
wrangler configuration, for the list "Before production" of SECURITY.md.`,
    )
    .action((options: Where) => openDatabase(options, 'read', doctor));

  fromConfiguration(
    command('deploy', 'Deploy the Worker, its database and its migrations to Cloudflare.', [
      'deploy',
      'deploy --env staging',
    ]),
  )
    .option('--health <path>', 'the path of the health check', DEFAULT_HEALTH)
    .option('--temporary', 'deploy to a temporary account, which is deleted after an hour')
    .addHelpText(
      'after',
      `
It ends with what SECURITY.md asks for before production. If the app is mounted below a path, --health is that
path and ${DEFAULT_HEALTH}.`,
    )
    .action((options: DeployOptions) => deploy(options));

  // manage.ts runs it, without this program. The list of commands needs this entry.
  command('init [folder]', 'Write a new project with logins and one resource.', [
    'init my-api',
  ]).action((folder?: string) => init(folder));

  return program;
}

/** The options of commands that read the wrangler configuration. */
const fromConfiguration = (command: Command): Command =>
  command
    .option('--binding <name>', 'the D1 binding, if the configuration has several')
    .option('--env <name>', 'an environment of the configuration, such as [env.staging]');

/** The options for a user model of the project's own. */
const withUserModel = (command: Command): Command =>
  command
    .option('--user-model <app.Model>', "the project's user model, if it is not auth.User")
    .option('--user-table <table>', "the model's table in an SQLite file, if it is not app_model")
    .option(
      '--map <field=theirs>',
      'the name of a field in the user model, such as is_staff=is_admin; may be repeated',
      collect,
    );

/** The values of an option that may be repeated. */
const collect = (value: string, values: string[] = []): string[] => [...values, value];

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}
