/** The body was parsed, but its fields are invalid. */
export type ValidationFailure = { kind: 'validation-error'; errors: ValidationErrors };

/** DRF's `serializer.errors`: messages by field, or under `non_field_errors`. */
export type ValidationErrors = Record<string, string[]>;

export type ParseFailure =
  | { kind: 'parse-error'; reason: ParseErrorReason }
  | { kind: 'invalid-boundary'; boundary: string }
  | { kind: 'unsupported-media-type'; mediaType: string };

/** `incomplete`: the client closed the connection before the body was complete. */
export type ParseErrorReason = 'json' | 'json-encoding' | 'too-many-fields' | 'incomplete';
