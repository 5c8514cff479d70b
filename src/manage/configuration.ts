/** The wrangler configuration in this folder: what commands need of it. */
import * as v from 'valibot';
import { loadWrangler } from './called.ts';
import { CommandError } from './command-error.ts';

/** A route is a pattern or an object with one (developers.cloudflare.com/workers/wrangler/configuration). */
const Route = v.union([
  v.string(),
  v.pipe(
    v.object({ pattern: v.string() }),
    v.transform(({ pattern }) => pattern),
  ),
]);

const D1Binding = v.object({
  binding: v.string(),
  database_name: v.optional(v.string()),
  database_id: v.optional(v.string()),
  migrations_dir: v.optional(v.string(), 'migrations'),
});

export type D1Binding = v.InferOutput<typeof D1Binding>;

const Configuration = v.object({
  definedEnvironments: v.optional(v.array(v.string()), []),
  name: v.optional(v.string()),
  account_id: v.optional(v.string()),
  compatibility_date: v.optional(v.string()),
  vars: v.record(v.string(), v.unknown()),
  durable_objects: v.object({
    bindings: v.array(v.object({ name: v.string(), class_name: v.string() })),
  }),
  ratelimits: v.optional(v.array(v.object({ name: v.string(), namespace_id: v.string() })), []),
  send_email: v.optional(v.array(v.looseObject({ name: v.string() })), []),
  observability: v.optional(v.object({ enabled: v.optional(v.boolean()) })),
  routes: v.optional(v.array(Route), []),
  route: v.optional(Route),
  d1_databases: v.array(D1Binding),
});

export type Configuration = v.InferOutput<typeof Configuration> & {
  /** The environment of the configuration; undefined or empty for the top level. */
  env?: string | undefined;
};

/**
 * An environment inherits no variables and no bindings from the top level
 * (developers.cloudflare.com/workers/wrangler/configuration, "Non-inheritable keys").
 *
 * @param env the name of an environment of the configuration (`[env.staging]`), or an empty text for
 *   the top level. The default is that of wrangler
 * @throws CommandError if there is no such environment. wrangler may only warn, and use the top level
 */
export async function readConfiguration(env = process.env.CLOUDFLARE_ENV): Promise<Configuration> {
  const { unstable_readConfig } = await loadWrangler();
  const { definedEnvironments } = read('');
  if (env && !definedEnvironments.includes(env)) {
    const known = definedEnvironments.length > 0 ? definedEnvironments.join(', ') : 'none';
    throw new CommandError(
      `the wrangler configuration here has no environment ${env}: it has ${known}`,
    );
  }
  return { ...read(env ?? ''), env };

  function read(name: string) {
    return v.parse(Configuration, unstable_readConfig({ env: name }, { hideWarnings: true }));
  }
}

/** wrangler's option for an environment of the configuration. */
export const environmentFlags = (env: string | undefined): string[] =>
  env === undefined ? [] : ['--env', env];

/** The same in a command that a message shows, with a space before it. */
export const shownEnvironment = (env: string | undefined): string => (env ? ` --env ${env}` : '');

/** The message about a binding that the configuration, or an environment of it, does not have. */
export const missingFrom = (env: string | undefined, what: string): string =>
  env
    ? `env.${env} of the wrangler configuration has no ${what}. An environment inherits no bindings: ` +
      'write them there again'
    : `the wrangler configuration here has no ${what}`;

/**
 * @param name of the binding
 * @throws CommandError if there is no such database, or if there are several and none is named
 */
export function chooseDatabase(
  { d1_databases: databases, env }: Configuration,
  name?: string,
): D1Binding {
  const [first, ...others] = databases.filter(({ binding }) => (name ?? binding) === binding);
  if (first && others.length === 0) return first;
  const names = databases.map(({ binding }) => binding).join(', ');
  if (databases.length === 0 || name) {
    const what = name ? `D1 database bound as ${name}` : 'D1 database';
    throw new CommandError(missingFrom(env, what));
  }
  throw new CommandError(`there are several databases (${names}): say which with --binding`);
}
