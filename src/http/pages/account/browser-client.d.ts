/** The script as a text: what wrangler.toml's rules make of importing it. */
declare const source: string;
export default source;
