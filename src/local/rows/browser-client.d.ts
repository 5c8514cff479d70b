/** The source of the script. The rules in wrangler.toml import it as text. */
declare const source: string;
export default source;
