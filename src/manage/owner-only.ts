/**
 * Import this first: files that this process and its children create are readable by their owner
 * only. The local database holds tokens, and messages hold links. Windows has no such mask.
 */
const OTHERS_MAY_NOTHING = 0o077;

process.umask(OTHERS_MAY_NOTHING);
