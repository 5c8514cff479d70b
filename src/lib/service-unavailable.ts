/** What a request may need besides this Worker itself. */
type Service = 'database' | 'hashing' | 'mail' | 'rate-limit';

/** A service did not answer, or has too much to do. Trying again may help, so the answer is 503. */
export class ServiceUnavailable extends Error {
  override name = 'ServiceUnavailable';
  readonly service: Service;

  constructor(service: Service, message: string, options?: ErrorOptions) {
    super(message, options);
    this.service = service;
  }
}

/** The same as a value: RPC does not carry the class of an exception. */
export type Unavailable = { kind: 'unavailable' };
