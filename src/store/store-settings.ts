/** What may answer a token check: the database itself, or the replica that is nearest. */
export type TokenReads = 'primary' | 'nearest';

/** What the store asks of the settings. */
export type StoreSettings = {
  /** What may answer a token check (`TOKEN_READS`); by default `primary`. */
  tokenReads: TokenReads;
  /**
   * How long a found token is remembered by this isolate, 0 (the default: not at all) to 60 seconds
   * (`TOKEN_CACHE_SECONDS`).
   */
  tokenCacheSeconds: number;
};
