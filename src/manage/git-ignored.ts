/** Files with credentials do not belong into a git repository. */
import { spawnSync } from 'node:child_process';
import { basename, dirname } from 'node:path';
import { CommandError } from './command-error.ts';

/** The exit code of `git check-ignore` for a file that git would add. Elsewhere than in a work tree it is 128. */
const NOT_IGNORED = 1;

/**
 * @throws CommandError if the file lies in a git work tree and is not ignored there. Without git
 *   nothing adds it by mistake
 */
export function refuseUnlessIgnored(path: string): void {
  const name = basename(path);
  const { status } = spawnSync('git', ['check-ignore', '--quiet', '--', name], {
    cwd: dirname(path),
    stdio: 'ignore',
  });
  if (status !== NOT_IGNORED) return;
  throw new CommandError(
    `git would add ${path}, which gets password hashes and tokens: write it outside of the git work ` +
      `tree, or add ${name} to .gitignore`,
  );
}
