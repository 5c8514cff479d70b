export type FieldProps = {
  name: string;
  label: string;
  autocomplete: string;
  optional?: boolean;
  /** A sentence below the input. */
  help?: string | undefined;
  /** Whether the value stays in the browser. */
  unsent?: boolean;
};

/** An input with its label and an element for its error message. A password can be shown. */
export const Field = ({
  id,
  name,
  label,
  autocomplete,
  optional,
  help,
  unsent,
}: FieldProps & { id: string }) => {
  const isPassword = name.endsWith('password');
  return (
    <div class="field">
      <label for={id}>
        {label} {optional && <small>optional</small>}
      </label>
      <div class="input">
        <input
          id={id}
          name={unsent ? undefined : name}
          type={isPassword ? 'password' : name === 'email' ? 'email' : 'text'}
          autocomplete={autocomplete}
          autocapitalize="none"
          spellcheck={false}
          aria-required={optional ? undefined : 'true'}
          aria-describedby={help ? `${id}-error ${id}-help` : `${id}-error`}
        />
        {isPassword && (
          <button type="button" class="quiet" aria-controls={id}>
            Show<span class="spoken"> {label.toLowerCase()}</span>
          </button>
        )}
      </div>
      <p class="error" id={`${id}-error`} />
      {help && (
        <p class="help" id={`${id}-help`}>
          {help}
        </p>
      )}
    </div>
  );
};
