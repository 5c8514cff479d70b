/**
 * Accounts that recover by links in e-mails, beside a real Django and a real djoser: one database,
 * one SECRET_KEY, both directions.
 */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { experimental_readRawConfig as readRawConfig } from 'wrangler';
import { startServer } from '../helpers/server.ts';
import { withoutRateLimits } from '../helpers/without-limits.ts';
import { compareWithDjoser } from './djoser.ts';
import { checkLinksOfDjango, checkLinksOfWorker, requestLinks, Seeded } from './links.ts';
import { type Project, startDjango } from './project.ts';
import { sentMails } from './sent-mails.ts';

export async function recover(project: Project): Promise<void> {
  const { directory, shell } = project;
  const seeded = v.parse(Seeded, JSON.parse(shell('python manage.py shell < seed_links.py')));
  configure(directory, seeded.vars);
  shell('npm run migrate');
  shell('npm run manage -- import db.sqlite3 --inactive-users waiting');

  const server = startServer({ cwd: directory });
  const django = startDjango(project);
  try {
    const [worker, djoser] = await Promise.all([server.url, django.url]);
    const takeMails = sentMails(worker);
    await checkLinksOfDjango(worker, seeded);
    await compareWithDjoser(project, { djoser, worker }, takeMails, seeded);
    const made = await requestLinks(worker, takeMails, seeded);
    await Promise.all([server.stop(), django.stop()]);

    rmSync(join(directory, 'db.sqlite3'));
    shell('npm run manage -- export db.sqlite3');
    checkLinksOfWorker(project, made, seeded);
  } finally {
    await Promise.all([server.stop(), django.stop()]);
  }
}

/** Gives the project's Worker these vars, an e-mail address and no limits. */
function configure(directory: string, vars: Record<string, string>): void {
  const toml = join(directory, 'wrangler.toml');
  const { rawConfig } = readRawConfig({ config: toml });
  const config = withoutRateLimits(rawConfig);
  assert(config.send_email, 'wrangler.toml binds e-mail');
  rmSync(toml);
  writeFileSync(
    join(directory, 'wrangler.json'),
    JSON.stringify({
      ...config,
      vars: {
        ...vars,
        DEFAULT_FROM_EMAIL: 'us@example.com',
        EMAIL_VERIFICATION: 'required',
        // djoser does not tell by default.
        ACCOUNT_EMAIL_NOTIFICATIONS: 'false',
      },
    }),
  );
}
