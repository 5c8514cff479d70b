/** The services that a request depends on. */
type Service = 'database' | 'hashing' | 'mail' | 'rate-limit';

/** A service failed, did not respond or is overloaded. A retry may help, so the response is 503. */
export class ServiceUnavailable extends Error {
  override name = 'ServiceUnavailable';
  readonly service: Service;

  constructor(service: Service, message: string, options?: ErrorOptions) {
    super(message, options);
    this.service = service;
  }
}

/** The same as a value, because RPC does not preserve the class of an exception. */
export type Unavailable = { kind: 'unavailable' };
