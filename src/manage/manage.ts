/** `npm run manage -- <command>`: what Django's `manage.py` does, for this database. */
import { Command, CommanderError, Option } from 'commander';
import { CommandError } from './command-error.ts';
import { type Where, withDatabase } from './database.ts';
import { exportFile, formatOf } from './export.ts';
import { type ImportOptions, importFile } from './import.ts';

const FAILED = 1;
const USAGE = 2;

const program = new Command('manage')
  .description('Users and tokens by command line, as Django people know it.')
  .exitOverride()
  .showHelpAfterError('(add --help for the options)');

/** A command on the database, with the options that all of them have. */
function command(signature: string, description: string, examples: string[]): Command {
  const [name = '', ...args] = signature.split(' ');
  const created = program.command(name).description(description);
  for (const arg of args) created.argument(arg);
  return created
    .addOption(
      new Option('--local', 'the database that `npm start` serves (default)').conflicts('remote'),
    )
    .option('--remote', 'the database in production')
    .option('--yes', 'write to the remote database without asking')
    .option(
      '--persist-to <dir>',
      "the local database's directory, as wrangler's",
      '.wrangler/state',
    )
    .addHelpText(
      'after',
      ['', 'Example:', ...examples.map((line) => `  $ npm run manage -- ${line}`)].join('\n'),
    );
}

command('import <file>', 'Imports the users and tokens of a Django project.', [
  'import users.json --dry-run',
])
  .option('--dry-run', 'check and compare everything, write nothing')
  .addOption(
    new Option('--on-conflict <what>', 'what to do with users who are here with other values')
      .choices(['fail', 'skip', 'update'])
      .default('fail'),
  )
  .action((file: string, options: Where & ImportOptions) =>
    withDatabase(options, options.dryRun ? 'read' : 'write', (database) =>
      importFile(database, file, options),
    ),
  );

command('export <file>', 'Exports all users and tokens for Django.', ['export users.json']).action(
  (file: string, options: Where) => {
    const format = formatOf(file);
    return withDatabase(options, 'read', (database) =>
      exportFile(database, file, format ?? 'json'),
    );
  },
);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  } else if (error instanceof CommandError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = FAILED;
  } else {
    process.stderr.write(`${error instanceof Error ? error.message.split('\n')[0] : error}\n`);
    process.exitCode = FAILED;
  }
}
