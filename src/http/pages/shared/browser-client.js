/**
 * The buttons that show a password. A form hides its passwords again before it is sent or reset, so that
 * browsers store them as passwords.
 */
for (const button of document.querySelectorAll('[aria-controls]')) {
  button.addEventListener('click', () => toggle(button));
}
for (const form of document.forms) {
  for (const event of ['submit', 'reset']) {
    form.addEventListener(event, () => {
      for (const button of form.querySelectorAll('[aria-controls]')) toggle(button, 'password');
    });
  }
}

/** @param {Element} button @param {'text' | 'password'} [type] without it, the other one */
function toggle(button, type) {
  const input = document.getElementById(button.getAttribute('aria-controls') ?? '');
  if (!(input instanceof HTMLInputElement)) return;
  input.type = type ?? (input.type === 'text' ? 'password' : 'text');
  button.firstChild?.replaceWith(input.type === 'text' ? 'Hide' : 'Show');
}
