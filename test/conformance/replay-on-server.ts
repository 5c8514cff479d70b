/**
 * Replays the recorded cases on a server that `npm start` starts, with its mail and its database,
 * once for each variant: `node test/conformance/replay-on-server.ts <directory of the recorded cases>
 * [<text in the name of a variant>]`. Each step that fails must be known to differ.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { NPM_START, startServer } from '../helpers/server.ts';
import { withoutLimits } from '../helpers/without-limits.ts';
import { VARIANTS as DJ_REST_AUTH } from './dj-rest-auth.ts';
import { VARIANTS as DJOSER } from './djoser.ts';
import { VARIANTS as KNOX, withKnoxTokens } from './knox.ts';

const [directory = 'test/conformance', only = ''] = process.argv.slice(2);
const { PORT: port = '8000' } = process.env;

const SQL = 'npm run --silent wrangler -- d1 execute DB --local --command "$REPLAY_SQL"';

const copies = mkdtempSync(join(tmpdir(), 'edge-authtoken-cases-'));

type Run = {
  name: string;
  cases: string;
  variant: string | undefined;
  vars: Record<string, string>;
  /** As `category/id: step`. */
  differences: string[];
};

const RUNS: Run[] = [
  { name: 'DRF', cases: 'http-cases.json', variant: undefined, vars: {}, differences: [] },
  ...DJOSER.map((variant) => ({ ...variant, cases: 'djoser-cases.json' })),
  ...DJ_REST_AUTH.map((variant) => ({ ...variant, cases: 'dj-rest-auth-cases.json' })),
  ...KNOX.map((variant) => ({ ...variant, cases: 'knox-cases.json' })),
];

for (const run of RUNS.filter(({ name }) => name.includes(only))) {
  console.log(`\n${run.name}`);
  if (!(await replay(run))) process.exitCode = 1;
}
rmSync(copies, { recursive: true });

/** @returns whether only the known steps failed */
async function replay({ cases, variant, vars, differences }: Run): Promise<boolean> {
  const mail = { SECRET_KEY: 'of the recorded cases', DEFAULT_FROM_EMAIL: 'us@example.com' };
  const all = Object.entries({ ...mail, ...vars });
  // The cases register more users than a classroom.
  const server = startServer({ config: withoutLimits(), persistTo: '.wrangler/state', port }, [
    ...NPM_START,
    ...all.flatMap(([name, value]) => ['--var', `${name}:${value}`]),
  ]);
  try {
    const url = await server.url;
    const options = [
      ...['--sql-cmd', SQL, '--mail-cmd', `node test/conformance/newest-mail.ts ${url}`],
      ...(variant === undefined ? [] : ['--variant', variant]),
    ];
    const tool = [join(directory, 'replay.mjs'), url, expectKnox(join(directory, cases), vars)];
    const child = spawn(process.execPath, [...tool, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    await once(child, 'close');
    console.log(output);
    const failed = [...output.matchAll(/^FAIL (?<step>.+)$/gm)];
    const known = differences.map((step) => step.replace(/: \d+\. /, ': '));
    return failed.every(({ groups: { step = '' } = {} }) => known.includes(step));
  } finally {
    await server.stop();
  }
}

/** With knox's model, the path of a copy of the cases in which each token is one of knox. */
function expectKnox(path: string, vars: Record<string, string>): string {
  if (vars.TOKEN_MODEL === undefined) return path;
  const copy = join(copies, basename(path));
  writeFileSync(copy, withKnoxTokens(readFileSync(path, 'utf8'), vars));
  return copy;
}
