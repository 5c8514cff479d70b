/** The setting `TOKEN_MODEL`, for the commands that depend on it. No I/O. */
import * as v from 'valibot';
import { CommandError } from './command-error.ts';

const TOKEN_MODELS = ['authtoken.Token', 'knox.AuthToken'] as const;

export type TokenModel = (typeof TOKEN_MODELS)[number];

const TokenVars = v.object({
  TOKEN_MODEL: v.optional(v.picklist(TOKEN_MODELS), 'authtoken.Token'),
});

/**
 * @param vars the variables of the Worker
 * @throws CommandError if the variable is neither of the models
 */
export function tokenModelOf(vars: object): TokenModel {
  const { success, output, issues } = v.safeParse(TokenVars, vars);
  if (success) return output.TOKEN_MODEL;
  throw new CommandError(
    `TOKEN_MODEL is ${issues[0].received}: expected ${TOKEN_MODELS.join(' or ')}`,
  );
}
