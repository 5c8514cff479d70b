/**
 * Prints the text of the newest message to `$REPLAY_MAIL_TO`, or nothing: the `--mail-cmd` of
 * replay.mjs for a server that `wrangler dev` runs. `node test/conformance/newest-mail.ts <URL>`
 */
import * as v from 'valibot';

/** The messages that a Worker has sent, in the Local Explorer of `wrangler dev`. */
const SENT = '/cdn-cgi/explorer/api/local/email/sending';

const Listed = v.object({
  result: v.array(v.object({ messageId: v.string(), to: v.array(v.string()), sentAt: v.string() })),
});
const Detail = v.object({ result: v.object({ text: v.string() }) });

const [origin] = process.argv.slice(2);
const { REPLAY_MAIL_TO: recipient = '' } = process.env;

const json = async (query: string): Promise<unknown> =>
  (await fetch(`${origin}${SENT}?${query}`)).json();

const { result } = v.parse(Listed, await json('per_page=100'));
const [newest] = result
  .filter(({ to }) => to.includes(recipient))
  .sort((a, b) => b.sentAt.localeCompare(a.sentAt));
if (newest) {
  const detail = await json(`email_id=${encodeURIComponent(newest.messageId)}`);
  process.stdout.write(v.parse(Detail, detail).result.text);
}
