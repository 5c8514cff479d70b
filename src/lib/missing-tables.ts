/** The migrations have not run on this database. */
export class MissingTables extends Error {
  override name = 'MissingTables';

  constructor(options: ErrorOptions) {
    super('The database has no tables. Run the migrations.', options);
  }
}
